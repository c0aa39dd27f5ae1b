"""What `cifarlab doubts` answers: a table, JSON, CSV."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cifarlab.cli.tables.cells import new_table
from cifarlab.datasets.verdicts import content_checksum
from cifarlab.displays.console import make_console, say
from cifarlab.evaluation.label_errors import Findings
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, percent

_MOST_PRINTED = 20
# Column of the CSV and key of the JSON: which attribute of a doubt.
_COLUMNS = {"id": "image_id", "given_label": "given", "suggested_label": "suggested"} | {
    name: name for name in ("score", "given_probability", "suggested_probability", "is_issue")
}


def check_options(split: str, train: bool, outputs: Mapping[str, Path | None]) -> None:
    """Make sure that the options make sense together, before the minutes that the work takes.

    Raises:
        CifarlabError: If `--train` meets another split, or what is to be written is a folder.
    """
    if train and split not in ("test", "train"):  # test is what --split says where nobody gave it
        raise CifarlabError(f"--train and --split {split} exclude each other: give one of them")
    for option, path in outputs.items():
        if path is not None and path.is_dir():
            raise CifarlabError(f"{path} is a folder: {option} takes the file to write")


def print_doubts(findings: Findings, top: int, page: Path) -> None:
    """Print the first doubts, the duplicates that disagree, and where the page is."""
    console = make_console()
    count, issues = len(findings.ranking), len(findings.issues)
    say(
        console,
        f"{issues:,} of {counted(count, 'label')} in the {findings.split} images of {findings.data} "
        f"{'is' if issues == 1 else 'are'} counted as wrong by confident learning",
        *findings.notices,
        "",
    )
    table = new_table("image", "label", "suggested", "probability", "score", "counted as wrong", numbers=(3, 4))
    shown = findings.listed[: min(top, _MOST_PRINTED)]
    for doubt in shown:
        chance, counts = percent(doubt.suggested_probability, 1), "yes" if doubt.is_issue else "no"
        table.add_row(doubt.image_id, doubt.given, doubt.suggested, chance, f"{doubt.score:.4f}", counts)
    if shown:
        console.print(table, "")
    else:
        say(console, "Every prediction agrees with its label.\n")
    if issues:
        here = sum(doubt.is_issue for doubt in shown)
        say(console, f"{here:,} of the {issues:,} counted as wrong {'is' if here == 1 else 'are'} above")
    if findings.conflicts is not None:
        conflicts = len(findings.conflicts)
        pairs = counted(conflicts, "pair") if conflicts else "No pair"
        has = "have" if conflicts > 1 else "has"
        say(console, f"{pairs} of duplicates (train and test taken together) {has} different labels")
    print(page)


def summarise(findings: Findings, top: int, page: Path) -> dict[str, Any]:
    """The findings as plain values, ready for JSON."""
    conflicts = findings.conflicts
    return {
        "runs": list(findings.runs),
        "data": findings.data,
        "split": findings.split,
        "count": len(findings.ranking),
        "issues": len(findings.issues),
        "agreement": findings.agreement,
        "notices": findings.notices,
        "ranked_by": findings.score,
        "doubts": _rows(findings, top),
        "conflicting_duplicates": None if conflicts is None else [dataclasses.asdict(each) for each in conflicts],
        "page": str(page),
    }


def write_csv(findings: Findings, path: Path, top: int) -> Path:
    """One line a doubt, the most doubtful first; with its column `verdict` filled in, a labels file."""
    rows = {str(image_id): row for row, image_id in enumerate(findings.images.ids)}
    judged = [
        {**each, "verdict": "", "when": "", "checksum": content_checksum(findings.images.images[rows[each["id"]]])}
        for each in _rows(findings, top)
    ]
    return files.write_csv(path, judged, (*_COLUMNS, "verdict", "when", "checksum"))


def _rows(findings: Findings, top: int) -> list[dict[str, Any]]:
    return [{column: getattr(doubt, name) for column, name in _COLUMNS.items()} for doubt in findings.listed[:top]]
