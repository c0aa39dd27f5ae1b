"""Run every command in `docs/commands` and write what it printed beneath it, so that the pages show real output.

    CIFARLAB_DATA=... .venv/bin/python docs/refresh_outputs.py [PAGE...]

In a fenced block marked `console`, a line that begins with `$ ` is run, in one scratch folder for all pages; the lines
below it are replaced by its output. A page may need what earlier ones made: given alone, it needs the pages that train
and evaluate its runs too. `doubts` needs cleanlab.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGES = (
    *("data", "recipes", "train", "evaluate", "compare", "report", "predict", "explore"),
    *("calibrate", "robustness", "permutation", "demo", "doubts", "ladder", "tune"),
)
COMMANDS = Path(__file__).parent / "commands"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def refresh(pages: list[str]) -> None:
    """Rewrite the pages; a command that fails stops everything, and its page stays as it was."""
    with tempfile.TemporaryDirectory() as scratch:
        write_pictures(Path(scratch) / "pictures")
        for page in pages:
            path = COMMANDS / f"{page}.md"
            text = path.read_text(encoding="utf-8")
            path.write_text(BLOCK.sub(lambda block: run_block(block[1], scratch), text), encoding="utf-8")


def write_pictures(folder: Path) -> None:
    """The first two test images of CIFAR-10, as files."""
    from PIL import Image

    from cifarlab.datasets import load_data

    folder.mkdir()
    test = load_data("cifar10").test
    for name, image in zip(("first.png", "second.png"), test.images, strict=False):
        Image.fromarray(image).save(folder / name)


def run_block(block: str, scratch: str) -> str:
    """One block with each command's output beneath it."""
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return "```console\n" + "\n".join(f"$ {command}\n{run(command, scratch)}" for command in commands) + "```"


def run(command: str, scratch: str) -> str:
    """What the command prints, without the paths of this machine."""
    print(f"$ {command}", file=sys.stderr, flush=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=scratch,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{command}\n{result.stderr}")
    shown = result.stdout.replace(os.environ.get("CIFARLAB_DATA") or scratch, "~/data").replace(scratch, "~")
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


if __name__ == "__main__":
    refresh(sys.argv[1:] or list(PAGES))
