"""`cifarlab report`: one HTML page about runs."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import Code, DataDir, HumanLabels, Json, PageFile, RunPaths, RunsDir, Split, option
from cifarlab.utils.errors import CifarlabError

EPILOG = usage.examples(
    "cifarlab report runs/mlp2-seed0",
    "cifarlab report runs/mlp* --output compared.html",
    "cifarlab report runs/mlp2-seed0 --human-labels cifar10h-counts.npy",
    "cifarlab report runs/mlp2-seed0 --stories 8",
    "cifarlab report studies/mlp2",
)


def report(
    runs: RunPaths,
    output: PageFile = None,
    split: Split = "test",
    data_dir: DataDir = None,
    code: Code = None,
    human_labels: HumanLabels = None,
    stories: Annotated[int, option("N", "Also a page about each of the N worst mistakes.", min=0, max=16)] = 0,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Write one HTML page about runs, or about a study.

    The page holds all it shows, several runs side by side; its path is printed. With --stories, pages about single
    images lie in a folder beside it.
    """
    from cifarlab.cli import output as tables
    from cifarlab.displays.console import counting, working
    from cifarlab.reports import writing
    from cifarlab.reports.studies.writing import is_study, report_study

    if len(runs) == 1 and is_study(runs[0]):
        of_runs = {"data_dir": data_dir, "code": code, "human_labels": human_labels, "stories": stories}
        _refuse(runs[0], split=split != "test", runs_dir=runs_dir != Path("runs"), **of_runs)
        with working("writing the report"):
            page = report_study(runs[0], output)
        tables.print_json({"report": str(page)}) if as_json else print(page)
        return
    with counting("explaining images") if stories else working("writing the report") as progress:
        page = writing.report(
            runs,
            output=output,
            split=split,
            data_dir=data_dir,
            human_labels=human_labels,
            runs_dir=runs_dir,
            stories=stories,
            code=code or (),
            progress=progress,
        )
    tables.print_json({"report": str(page)}) if as_json else print(page)


def _refuse(study: object, **of_runs: object) -> None:
    """Refuse options that a report about a study would ignore."""
    if given := next((name for name, value in of_runs.items() if value), None):
        raise CifarlabError(
            f"--{given.replace('_', '-')} is for reports about runs: leave it out for the study {study}"
        )
