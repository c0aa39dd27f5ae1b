"""The page about label errors: the pictures, the label each has, the one suggested, and duplicates that disagree."""

from pathlib import Path

from cifarlab.evaluation.label_errors import Findings
from cifarlab.reports.pictures import image_uri
from cifarlab.reports.rendering import render
from cifarlab.utils import files

MOST_CONFLICTS = 60


def write_label_errors_page(findings: Findings, path: Path, top: int = 100) -> Path:
    """Write one self-contained HTML page with the first `top` doubts; returns its path."""
    rows = {str(image_id): row for row, image_id in enumerate(findings.images.ids)}

    def show(image_id: str) -> str:
        return image_uri(findings.images.images[rows[image_id]])

    doubts = [(doubt, show(doubt.image_id)) for doubt in findings.listed[:top]]
    shown = [
        (
            each,
            [
                (show(each.first_id), each.first_label, each.first_id),
                (show(each.second_id), each.second_label, each.second_id),
            ],
        )
        for each in (findings.conflicts or [])[:MOST_CONFLICTS]
    ]
    html = render(
        "label_errors", findings=findings, doubts=doubts, conflicts=shown, count=len(findings.ranking),
        counted_here=sum(doubt.is_issue for doubt, _ in doubts),
    )  # fmt: skip
    return files.write_text(path, html)
