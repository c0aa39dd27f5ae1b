"""The page about label errors: the pictures, the label each has, the one suggested, and duplicates that disagree."""

from pathlib import Path
from typing import Any

from cifarlab.evaluation.label_errors import Findings
from cifarlab.reports.pictures import image_uri
from cifarlab.reports.rendering import render
from cifarlab.utils import files

MOST_CONFLICTS = 60


def write_label_errors_page(findings: Findings, path: Path, top: int = 100) -> Path:
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
        return image_uri(findings.images.images[rows[image_id]])

    doubts = [(doubt, show(doubt.image_id)) for doubt in findings.listed[:top]]
    conflicts = findings.conflicts or []
    shown: list[dict[str, Any]] = []
    for each in conflicts[:MOST_CONFLICTS]:
        sides = ((each.first_id, each.first_label), (each.second_id, each.second_label))
        shown.append({"conflict": each, "sides": [(show(image_id), label, image_id) for image_id, label in sides]})
    html = render(
        "label_errors", findings=findings, doubts=doubts, conflicts=shown, count=len(findings.ranking),
        counted_here=sum(doubt.is_issue for doubt, _ in doubts),
    )  # fmt: skip
    return files.write_text(path, html)
