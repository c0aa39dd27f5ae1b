"""`cifarlab predict`: classify pictures."""

from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, Json, Tta, argument, option

EPILOG = usage.examples(
    "cifarlab predict photo.jpg",
    "cifarlab predict cat.jpg dog.png --model runs/mlp2-seed0",
    "cifarlab predict pictures/ --model runs/mlp2-seed0 --csv > predictions.csv",
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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line an image.")] = False,
    as_json: Json = False,
) -> None:
    """Classify pictures.

    They may have any size and format. Those that cannot be read are listed at the end, and the others classified.
    """
    from cifarlab.cli.tables.predict import choose_writer

    write = choose_writer(as_csv=as_csv, as_json=as_json)
    from cifarlab.displays.console import make_console, working
    from cifarlab.inference import picture_files, prediction
    from cifarlab.utils.errors import CifarlabError
    from cifarlab.utils.images import PictureError, say_left_out, say_unreadable

    passed_over: list[PictureError] = []
    with working("loading the model"):
        answers = prediction.predict(images, model, top=top, tta=tta, passed_over=passed_over, code=code or ())
    write(answers)
    left_out = picture_files.count_left_out(images)
    if left_out:
        make_console(stderr=True).print(f"cifarlab: {say_left_out(left_out)}", soft_wrap=True)
    if passed_over:
        raise CifarlabError(say_unreadable(passed_over, len(answers) + len(passed_over), len(images)))
