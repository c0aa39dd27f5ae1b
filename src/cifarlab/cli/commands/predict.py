"""`cifarlab predict`: classify pictures."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Address, Code, Json, Tta, argument, option, output

EPILOG = usage.examples(
    "cifarlab predict photo.jpg",
    "cifarlab predict cat.jpg dog.png --model runs/mlp2-seed0",
    "cifarlab predict pictures/ --model runs/mlp2-seed0 --csv > predictions.csv",
    "cifarlab predict pictures/ --output predictions.csv --engine ray",
    "curl -s https://example.org/cat.jpg | cifarlab predict - --model runs/mlp2-seed0 --json",
)


def predict(
    images: Annotated[list[str], argument("IMAGE...", "Files, folders, or - for standard input.")],
    model: Annotated[
        str, option("RUN", "Run to use instead of the built-in model.", complete=completion.models)
    ] = "builtin",
    top: Annotated[int, option("N", "How many classes to list.", min=1)] = 3,
    tta: Tta = "none",
    code: Code = None,
    output: Annotated[Path | None, output("FILE", "Write CSV there, piece by piece; also for URLs.")] = None,
    engine: Annotated[str, option("NAME", "Who fills FILE: local, this process; or ray, a cluster.")] = "local",
    address: Address = None,
    jobs: Annotated[int | None, option("N", "Processes on Ray; by default one a core.", min=1)] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line an image.")] = False,
    as_json: Json = False,
) -> None:
    """Classify pictures.

    They may have any size and format. Those that cannot be read are listed at the end, and the others classified. With
    --output any number of them: give the same command again to go on where it was stopped.
    """
    from cifarlab.cli import prediction as cli
    from cifarlab.cli.tables.predict import choose_writer

    write = choose_writer(as_csv=as_csv, as_json=as_json)
    cli.check_output(output, engine, as_json=as_json, address=address, jobs=jobs)
    if output is not None:
        cli.write_file(images, output, model, top, tta, code or (), engine=engine, address=address, jobs=jobs)
        return
    from cifarlab.displays.console import working
    from cifarlab.inference import picture_files, prediction
    from cifarlab.utils.images import PictureError

    passed_over: list[PictureError] = []
    with working("loading the model"):
        answers = prediction.predict(images, model, top=top, tta=tta, passed_over=passed_over, code=code or ())
    write(answers)
    cli.say_others(picture_files.count_left_out(images), passed_over, len(answers) + len(passed_over), len(images))
