"""`cifarlab export`: carry a model to where it is needed, with the proof that it still answers the same."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, RunsDir, argument, option, output
from cifarlab.utils.errors import CifarlabError

EPILOG = usage.examples(
    "cifarlab export builtin --to onnx",
    "cifarlab export runs/mlp2-seed0 --to litert --to openvino",
    "cifarlab export runs/mlp2-seed0 --to all --output models",
    "cifarlab export runs/mlp2-seed0 --to litert --quantise int8 --most-lost 0.5",
    "cifarlab export --verify exports/mlp2-seed0.onnx",
)
_LOST = "Points of accuracy that a quantised file may lose."


def export(
    run: Annotated[str | None, argument("RUN", "Folder of a run, or builtin.", completion.models)] = None,
    to: Annotated[list[str] | None, option("FORMAT", "Such as onnx, or all; may be repeated.", "--to")] = None,
    quantise: Annotated[str | None, option("KIND", "float16 or int8, for a smaller file.")] = None,
    most_lost: Annotated[float, option("POINTS", _LOST, min=0, max=100)] = 1.0,
    verify: Annotated[Path | None, option("FILE", "Repeat the proof of an exported file.")] = None,
    output: Annotated[Path, output("DIR", "Folder to write into.")] = Path("exports"),
    runs_dir: RunsDir = Path("runs"),
    data_dir: DataDir = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Write a run's network for other programs, and prove that it answers the same.

    Each file is shown 1,000 test pictures by its own runtime, and stays only if it answers as the run does.
    """
    from cifarlab.cli import output as answers
    from cifarlab.cli.tables import export as tables
    from cifarlab.displays.console import working

    if verify is not None:
        if to or quantise:
            raise CifarlabError("--verify repeats a proof and writes no file: leave --to and --quantise out")
        from cifarlab.exports.verifying import verify_file

        with working(f"verifying {verify}") as progress:
            found = verify_file(
                verify, run, runs_dir=runs_dir, data_dir=data_dir, code=code or (), progress=progress
            )  # fmt: skip
        answers.print_json(found) if as_json else tables.print_verified(found)
        if found.objection:
            raise typer.Exit(1)
        return
    if run is None:
        raise CifarlabError("nothing to export: give a run's folder, or builtin; or --verify FILE")
    from cifarlab.exports import exporting

    with working(f"exporting {run}") as progress:
        made = exporting.export_each(
            run, to or ["onnx"], quantise=quantise, most_lost=most_lost, output=output, data_dir=data_dir,
            code=code or (), progress=progress,
        )  # fmt: skip
    answers.print_json(made) if as_json else tables.print_exports(made)
    exporting.check_none_refused(made)
