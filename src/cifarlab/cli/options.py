"""The arguments and options of the commands: those that several share by name, and how the others are made."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.models import ArgumentInfo, OptionInfo

from cifarlab.cli import completion

Complete = Callable[[str], list[str]]


def option(metavar: str, meaning: str, *names: str, complete: Complete | None = None, **limits: Any) -> OptionInfo:
    """An option that takes a value.

    Args:
        metavar: What the value is called, such as `"FILE"`.
        meaning: One line of the help.
        *names: Such as `"--output"`, `"-o"`; by default the parameter's.
        complete: What the shell offers for what was typed so far.
        **limits: `min` and `max` of a number.
    """
    made: OptionInfo = typer.Option(*names, metavar=metavar, help=meaning, autocompletion=complete, **limits)
    return made


def output(metavar: str, meaning: str) -> OptionInfo:
    """`--output`, with what a command writes there."""
    return option(metavar, meaning, "--output", "-o")


def argument(metavar: str, meaning: str, complete: Complete | None = None) -> ArgumentInfo:
    """An argument, with what it means to the command."""
    made: ArgumentInfo = typer.Argument(metavar=metavar, help=meaning, autocompletion=complete)
    return made


def recipe_names(meaning: str = "Names, see cifarlab recipes; or files.") -> ArgumentInfo:
    """The argument that names recipes."""
    return argument("RECIPE...", meaning, completion.recipes)


_OWN_FILE = "Your own Python file that a run needs; no other is executed."
_HUMAN = "What people called CIFAR-10's test images: CIFAR-10H's counts, npy."

Address = Annotated[str | None, option("ADDR", "Of the Ray cluster; by default RAY_ADDRESS, else this machine.")]
Code = Annotated[list[str] | None, option("FILE", _OWN_FILE, "--code", complete=completion.python_files)]
CpusPerTrial = Annotated[float | None, option("N", "Cores of each training on Ray; by default its threads.", min=0)]
DataDir = Annotated[str | None, option("DIR", "Folder that holds the data.")]
DataName = Annotated[str, argument("NAME", "cifar10, digits, folder:PATH, table:FILE, ...", completion.data)]
Engine = Annotated[str, option("NAME", "Who trains: local, processes of this machine; or ray, a cluster.")]
GpusPerTrial = Annotated[float, option("N", "GPUs of each training on Ray, such as 0.25.", min=0)]
HumanLabels = Annotated[Path | None, option("FILE", _HUMAN)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
OtherData = Annotated[str | None, option("NAME", "Data set instead of the run's own.", complete=completion.data)]
PageFile = Annotated[Path | None, output("FILE", "The page; by default inside the first run.")]
RecipeData = Annotated[str | None, option("NAME", "Data set instead of the recipe's.", complete=completion.data)]
RunPaths = Annotated[list[str], argument("RUN...", "Folders of runs, or builtin.", completion.models)]
RunsDir = Annotated[Path, option("DIR", "Folder of all runs.")]
Set = Annotated[list[str] | None, option("KEY=VALUE", "Change a setting.", "--set", "-s")]
Split = Annotated[str, option("NAME", "train, validation or test.")]
Tta = Annotated[str, option("NAME", "Test-time augmentation: none, flip, flip-shift, selective.", "--tta")]
