"""What people called the same images, and which of the model's mistakes they make too."""

from typing import Any

from markupsafe import Markup

from cifarlab.evaluation.human_labels import HumanLabels, compare_with_humans, shared_mistakes
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render
from cifarlab.utils.text import percent

ORDER = 72
TITLE = "Human labels"


def build(page: Page) -> Markup | None:
    """The numbers of each run that was compared with people, and the mistakes shared with them; None without any.

    The pictures need the file of people's answers; the numbers are also those that `evaluate` has stored.
    """
    rows = [(record, found) for record in page.runs if (found := _numbers(page, record)) is not None]
    if not rows:
        return None
    galleries = [] if page.humans is None else [(record, _mistakes(page, page.humans, record)) for record, _ in rows]
    return render("human_labels", page=page, rows=rows, galleries=[each for each in galleries if each[1]])


def _numbers(page: Page, record: RunRecord) -> dict[str, Any] | None:
    if page.humans is not None:
        return compare_with_humans(record.predictions, page.humans)
    return None if record.scores.human is None else dict(record.scores.human)


def _mistakes(page: Page, humans: HumanLabels, record: RunRecord) -> list[dict[str, Any]]:
    """Those that most people share first; none where there are no pictures."""
    name = str(record.data["name"])
    if not page.pictures.has(name):
        return []
    found = shared_mistakes(record.predictions, humans)[: page.amount(alone=24, compared=8)]
    return [
        {
            "picture": page.pictures.show(name, each["id"], _describe(each)),
            "image_id": each["id"],
            "story": page.stories.get(each["id"], ""),
            "sentence": each["sentence"],
        }
        for each in found
    ]


def _describe(mistake: dict[str, Any]) -> str:
    answers = f"{percent(mistake['humans_said_the_same'], 0)} of {mistake['answers']} people said {mistake['said']} too"
    return f"{mistake['label']}, predicted as {mistake['said']}; {answers} ({mistake['id']})"
