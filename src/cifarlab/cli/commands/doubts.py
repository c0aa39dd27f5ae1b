"""`cifarlab doubts`: suspected label errors."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import usage
from cifarlab.cli.options import Code, DataDir, Json, PageFile, RunPaths, RunsDir, Split, Tta, option

EPILOG = usage.examples(
    "cifarlab doubts runs/mlp2-seed0",
    "cifarlab doubts builtin runs/convnet94-seed0 --tta flip-shift",
    "cifarlab doubts runs/mlp2-* --top 200 --csv doubts.csv",
    "cifarlab doubts runs/mlp2-fold* --train --output doubts.html",
)


def doubts(
    runs: RunPaths,
    split: Split = "test",
    train: Annotated[bool, typer.Option("--train", help="The training images, from runs that are folds.")] = False,
    top: Annotated[int, option("N", "How many to list.", min=1)] = 100,
    score: Annotated[str | None, option("NAME", "self_confidence, normalized_margin or learned_confidence.")] = None,
    tta: Tta = "none",
    duplicates: Annotated[bool, typer.Option(help="Look for duplicates with different labels.")] = True,
    csv: Annotated[Path | None, option("FILE", "Write the list as CSV.", "--csv")] = None,
    output: PageFile = None,
    data_dir: DataDir = None,
    code: Code = None,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """List suspected label errors.

    By confident learning, from out-of-sample probabilities: predictions of images that the runs were not trained on.
    Writes a page with the pictures.
    """
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables.doubts import check_options, print_doubts, summarise, write_csv
    from cifarlab.displays.console import working
    from cifarlab.evaluation.label_errors import examine_labels
    from cifarlab.runs import pretrained_run

    check_options(split, train, {"--csv": csv, "--output": output})
    chosen_split = "train" if train else split
    with working("looking for label errors") as progress:
        findings = examine_labels(
            runs, split=chosen_split, score=score, tta=tta, data_dir=data_dir, runs_dir=runs_dir, duplicates=duplicates,
            code=code or (), progress=progress,
        )  # fmt: skip
    from cifarlab.reports.label_errors import write_label_errors_page

    first = pretrained_run.open_evaluated(runs[0], runs_dir=runs_dir)
    page = write_label_errors_page(findings, output or first.path / f"doubts-{chosen_split}.html", top)
    if csv is not None:
        write_csv(findings, csv, top)
    tables.print_json(summarise(findings, top, page)) if as_json else print_doubts(findings, top, page)
