"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer
from typer.models import ArgumentInfo

from cifarlab.cli import completion

DataName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="cifar10, digits, folder:PATH, ...", autocompletion=completion.data),
]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="Data set instead of the run's own.", autocompletion=completion.data),
]
Code = Annotated[
    list[str] | None,
    typer.Option(
        "--code",
        metavar="FILE",
        help="Your own Python file that a run needs; no other is executed.",
        autocompletion=completion.python_files,
    ),
]
DataDir = Annotated[str | None, typer.Option(metavar="DIR", help="Folder that holds the data.")]
HumanLabels = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What people called CIFAR-10's test images: CIFAR-10H's counts, npy."),
]
PageFile = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="The page; by default inside the first run.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
RunPaths = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Folders of runs, or builtin.", autocompletion=completion.models)
]
Tta = Annotated[str, typer.Option("--tta", metavar="NAME", help="Test-time augmentation: none, flip, flip-shift.")]
RunsDir = Annotated[Path, typer.Option(metavar="DIR", help="Folder of all runs.")]
Split = Annotated[str, typer.Option(metavar="NAME", help="train, validation or test.")]


def recipe_names(meaning: str) -> ArgumentInfo:
    """The argument that names recipes, or none, with what that means to the command."""
    info: ArgumentInfo = typer.Argument(metavar="RECIPE...", help=meaning, autocompletion=completion.recipes)
    return info
