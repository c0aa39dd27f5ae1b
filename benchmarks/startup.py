"""How long commands take to answer: processor seconds, and against importing TensorFlow on the same machine.

    python benchmarks/startup.py --model runs/mlp2-seed0 --other runs/mlp2-seed1

Each command is a process of its own, and all take turns with `python -c 'import tensorflow'`. What is counted is the
processor time of the process and its children, user and system together, which other work on the machine changes
little; the time on the clock stands beside it. Before the first round each command runs once unmeasured: so files are
in memory, and a run's network has been exported for onnxruntime. Prints medians with the smallest and largest.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _measure import begin, errors_in_one_line, tell
from PIL import Image

from cifarlab.utils.errors import CifarlabError

TENSORFLOW = "import tensorflow"
Measured = dict[str, list[tuple[float, float]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="RUN", help="folder of an evaluated run")
    parser.add_argument("--other", metavar="RUN", help="another of the same data, for compare")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = begin(parser)
    with errors_in_one_line(), tempfile.TemporaryDirectory(prefix="cifarlab-benchmark-") as folder:
        photo = Path(folder) / "photo.jpg"
        pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((640, 480)).save(photo)
        commands = choose_commands(photo, arguments.model, arguments.other)
        for name, command in commands.items():
            tell(f"once, unmeasured: {name}")
            run_once(name, command)
        print(f"medians of {arguments.rounds} rounds")
        report(measure(commands, arguments.rounds))


def choose_commands(photo: Path, model: str | None, other: str | None) -> dict[str, list[str]]:
    """What is measured, by the name that is printed; without runs, what needs none."""
    program = [sys.executable, "-m", "cifarlab"]
    lines = {"--help": ["--help"], "recipes": ["recipes"], "predict photo.jpg": ["predict", str(photo)]}
    if model:
        lines |= {
            "predict photo.jpg --model RUN": ["predict", str(photo), "--model", model],
            "report RUN": ["report", model, "--output", str(photo.with_name("report.html"))],
            "evaluate RUN": ["evaluate", model],
        }
    if model and other:
        lines["compare RUN OTHER"] = ["compare", model, other]
    commands = {f"cifarlab {name}": [*program, *words] for name, words in lines.items()}
    return {TENSORFLOW: [sys.executable, "-c", TENSORFLOW], **commands}


def measure(commands: dict[str, list[str]], rounds: int) -> Measured:
    """Processor and clock seconds of each command, one pair a round, in turn."""
    measured: Measured = {name: [] for name in commands}
    for number in range(1, rounds + 1):
        tell(f"round {number} of {rounds}")
        for name, command in commands.items():
            measured[name].append(run_once(name, command))
    return measured


def run_once(name: str, command: list[str]) -> tuple[float, float]:
    """Processor seconds and clock seconds of one process.

    Raises:
        CifarlabError: If it fails.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, check=False)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if done.returncode:
        raise CifarlabError(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds


def report(measured: Measured) -> None:
    """A line a command."""
    of_tensorflow = statistics.median(used for used, _ in measured[TENSORFLOW])
    for name, pairs in measured.items():
        used, seconds = ([pair[place] for pair in pairs] for place in (0, 1))
        middle = statistics.median(used)
        print(
            f"  {name:40s}{middle:6.2f} s of processor time ({min(used):.2f} to {max(used):.2f}), "
            f"{middle / of_tensorflow:.2f} of importing TensorFlow; {statistics.median(seconds):.2f} s on the clock"
        )


if __name__ == "__main__":
    main()
