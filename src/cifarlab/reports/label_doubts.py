"""The page about label doubts: the pictures, the label each has, the one suggested, and duplicates that disagree."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

import cifarlab
from cifarlab.evaluation.label_errors import Findings
from cifarlab.plots import data_uri
from cifarlab.reports.pictures import _png
from cifarlab.reports.rendering import GENERATOR, render
from cifarlab.utils import files

MOST_CONFLICTS = 60


def write_doubts_page(findings: Findings, path: Path, top: int = 100) -> Path:
    """Write one self-contained HTML page.

    Args:
        findings: What was found.
        path: The page to write.
        top: How many doubts to show, at most.

    Returns:
        `path`.
    """
    rows = {str(image_id): row for row, image_id in enumerate(findings.images.ids)}

    def show(image_id: str) -> str:
        return data_uri(_png(findings.images.images[rows[image_id]]))

    doubts = [(doubt, show(doubt.image_id)) for doubt in findings.listed[:top]]
    conflicts = findings.conflicts or []
    shown: list[dict[str, Any]] = [
        {
            "conflict": conflict,
            "sides": [
                (show(conflict.first_id), conflict.first_label, conflict.first_id),
                (show(conflict.second_id), conflict.second_label, conflict.second_id),
            ],
        }
        for conflict in conflicts[:MOST_CONFLICTS]
    ]
    html = render(
        "label_doubts", findings=findings, doubts=doubts, conflicts=shown, count=len(findings.ranking),
        counted_here=sum(doubt.is_issue for doubt, _ in doubts),
        generator=Markup(GENERATOR), version=cifarlab.__version__,
    )  # fmt: skip
    return files.write_text(path, html)
