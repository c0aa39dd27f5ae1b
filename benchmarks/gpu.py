"""Every speed comparison on a machine with one NVIDIA GPU, in one command: ours on JAX, beside the published records.

    python benchmarks/gpu.py --data-dir DIR --airbench94 PATH/airbench94_muon.py \
        --airbench96 PATH/airbench96_faster.py --hiverge PATH/cifar10_speedrun.py --torch-python PYTHON
    python benchmarks/gpu.py --tiny    # on any machine with JAX, in some minutes: shows that it works, measures nothing

It needs cifarlab with the extra jax-cuda, and another Python with torch (CUDA) and torchvision for the peers. Each
comparison is a `time_to_accuracy.py --warm`, dealt to rounds A B A B; a script that is not given is left out. Every
number is written to FOLDER/<comparison>.json, and a table of all of them is printed at the end.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _measure import begin

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Comparison:
    """A recipe, the accuracy that it must reach, and the peer beside it; None for none."""

    name: str
    recipe: str
    target: float
    peer: Path | None = None
    peer_options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, which ends the child too
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Ours would otherwise take three quarters of the GPU's memory at once, and the peer runs beside it.
    environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    done: dict[str, Any] = {}
    for comparison in comparisons(arguments):
        file = arguments.out / f"{comparison.name}.json"
        line = command(comparison, arguments, file)
        print(f"\n$ KERAS_BACKEND=jax {shlex.join(line)}", flush=True)
        if code := subprocess.run(line, env=environment, check=False).returncode:
            sys.exit(f"error: {comparison.name} ended with status {code}; what was done before is in {arguments.out}")
        done[comparison.name] = json.loads(file.read_text(encoding="utf-8"))
    print_table(done)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with CIFAR-10")
    parser.add_argument("--airbench94", type=Path, help="airbench94_muon.py")
    parser.add_argument("--airbench96", type=Path, help="airbench96_faster.py")
    parser.add_argument("--hiverge", type=Path, help="cifar10_speedrun.py")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with torch and torchvision")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2, help="turns; a peer compiles anew in each")
    parser.add_argument("--out", type=Path, default=Path("out/gpu"), metavar="FOLDER")
    parser.add_argument("--tiny", action="store_true", help="a small network on digits, without peers")
    arguments = begin(parser)
    if not arguments.tiny and arguments.data_dir is None:
        parser.error("--data-dir is needed, or --tiny")
    for script in (arguments.airbench94, arguments.airbench96, arguments.hiverge):
        if script is not None and not script.is_file():
            parser.error(f"no file {script}")
    if not 1 <= arguments.rounds <= arguments.runs:
        parser.error(f"--rounds must be from 1 to the {arguments.runs} runs. Received: {arguments.rounds}")
    return arguments


def comparisons(arguments: argparse.Namespace) -> list[Comparison]:
    """What is run: each recipe beside each of its peers, or alone where none is given."""
    if arguments.tiny:
        settings = ("data=digits", "model.widths=(8, 16, 16)", "batch_size=200", "epochs=4", "image_pixels=(24,)")
        return [Comparison(f"tiny-{recipe}", recipe, 0.5, settings=settings) for recipe in ("convnet94", "convnet96")]
    wanted = [
        Comparison("convnet94-airbench94_muon", "convnet94", 0.94, arguments.airbench94),
        Comparison("convnet94-hiverge", "convnet94", 0.94, arguments.hiverge),
        Comparison("convnet96-airbench96_faster", "convnet96", 0.96, arguments.airbench96, ("--skip-first",)),
    ]
    alone = [Comparison("convnet94", "convnet94", 0.94), Comparison("convnet96", "convnet96", 0.96)]
    given = [comparison for comparison in wanted if comparison.peer]
    return given + [each for each in alone if each.recipe not in {comparison.recipe for comparison in given}]


def command(comparison: Comparison, arguments: argparse.Namespace, file: Path) -> list[str]:
    """The `time_to_accuracy.py` of a comparison."""
    runs, rounds = (2, 1) if arguments.tiny else (arguments.runs, arguments.rounds)
    words = [sys.executable, str(HERE / "time_to_accuracy.py"), comparison.recipe, "--warm", "--tta", "flip-shift"]
    words += ["--target", str(comparison.target), "--runs", str(runs), "--rounds", str(rounds), "--json", str(file)]
    for setting in comparison.settings:
        words += ["--set", setting]
    if arguments.data_dir:
        words += ["--data-dir", str(arguments.data_dir)]
    if comparison.peer:
        peer = [arguments.torch_python, str(HERE / "peers" / "as_written.py"), str(comparison.peer)]
        peer += ["--data-dir", str(arguments.data_dir), "--runs", str(-(-runs // rounds)), *comparison.peer_options]
        words += ["--vs", shlex.join(peer)]
    return words


def print_table(done: dict[str, Any]) -> None:
    """One line a comparison: what ours took and reached, what the peer did, and the ratio."""
    print(f"\n{'comparison':30s}{'ours, s':>9s}{'accuracy':>10s}{'peer, s':>9s}{'accuracy':>10s}{'ratio':>7s}")
    for name, result in done.items():
        line = f"{name:30s}{result['seconds_with_tta']['median']:9.3f}{result['accuracy_tta'][0]:10.2%}"
        if peer := result["vs"]:
            line += f"{peer['seconds']['median']:9.3f}{peer['accuracy'][0]:10.2%}{peer['ratio']:7.3f}"
        print(line)
    print("medians of the seconds with TTA after compilation; means of the accuracy with TTA")
    for name, result in done.items():
        work, seconds = result["petaflop"]["median"], result["seconds"]["median"]
        share = 1e15 * work / seconds / result["matrix_rates"]["bfloat16"]
        print(f"{name}: {work:.3g} PFLOP, {share:.1%} of the measured bfloat16 matrix rate")


if __name__ == "__main__":
    main()
