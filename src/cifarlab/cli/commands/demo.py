"""`cifarlab demo`: the whole product in a few minutes."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import DataDir, output

EPILOG = usage.examples("cifarlab demo", "cifarlab demo --data-dir ~/cifar --output shown")


def demo(
    data_dir: DataDir = None,
    output: Annotated[Path, output("DIR", "Folder for the runs and the report.")] = Path("demo"),
) -> None:
    """Train three networks briefly, and report on them.

    On CIFAR-10 if it can be found or downloaded, else on the built-in digits.
    """
    from cifarlab.cli.demo import show_demo

    show_demo(data_dir=data_dir, output=output)
