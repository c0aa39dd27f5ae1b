"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from cifarlab import completion

DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="Data set instead of the run's own.", autocompletion=completion.data),
]
DataDir = Annotated[str | None, typer.Option(metavar="DIR", help="Folder that holds the data.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
RunPaths = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Folders of runs.", autocompletion=completion.runs)
]
Split = Annotated[str, typer.Option(metavar="NAME", help="train, validation or test.")]
