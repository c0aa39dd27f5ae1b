"""`cifarlab image`: everything that runs have to say about one image."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, PageFile, RunsDir, Split, argument, option

EPILOG = usage.examples(
    "cifarlab image test-00042 --runs runs/mlp2-seed0",
    "cifarlab image test/42 --runs runs/mlp2-seed0 --runs builtin --output story.html",
    "cifarlab image train-00123 --runs runs/mlp2-seed0 runs/convnet94-seed0",
)


def image(
    image_id: Annotated[str, argument("ID", "Such as test-00042, or a position: test/42.")],
    runs: Annotated[list[str], option("RUN", "Runs, or builtin: all that follow.", complete=completion.models)],
    split: Split = "test",
    output: PageFile = None,
    data_dir: DataDir = None,
    code: Code = None,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Explain the predictions of one image.

    Probabilities, test-time augmentation, training dynamics, label quality, nearest neighbours, saliency maps and an
    adversarial example. Writes a page.
    """
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables.image import print_story, summarise
    from cifarlab.displays.console import working
    from cifarlab.evaluation.explanation.image import explain_image
    from cifarlab.runs import pretrained_run

    with working("asking the runs", once_told=True) as progress:
        story = explain_image(
            image_id, runs, split=split, data_dir=data_dir, runs_dir=runs_dir, code=code or (), progress=progress
        )
    from cifarlab.reports.image_story import write_image_page

    page = write_image_page(
        story, output or pretrained_run.open_run(runs[0], runs_dir=runs_dir).image_file(story.image_id)
    )
    tables.print_json(summarise(story, page)) if as_json else print_story(story, page)
