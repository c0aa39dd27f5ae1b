"""What people called the same images, and which of the model's mistakes they make too."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cifarlab.evaluation.human_labels import HumanLabels, compare_with_humans, shared_mistakes
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import render

ORDER = 72
TITLE = "What other people see"


@dataclass(frozen=True)
class SharedMistake:
    """A picture that the model and many people got wrong, and the sentence that says so."""

    picture: Markup
    image_id: str
    story: str
    sentence: str


def build(page: Page) -> Markup | None:
    """The numbers of each run that was compared with people, and the mistakes shared with them; None without any.

    The pictures need the file of people's answers; the numbers are also those that `evaluate` has stored.
    """
    rows = [(view, found) for view in page.runs if (found := _numbers(page, view)) is not None]
    if not rows:
        return None
    galleries = [] if page.humans is None else [(view, _mistakes(page, page.humans, view)) for view, _ in rows]
    return render("human_labels", page=page, rows=rows, galleries=[each for each in galleries if each[1]])


def _numbers(page: Page, view: RunView) -> dict[str, Any] | None:
    if page.humans is not None:
        return compare_with_humans(view.predictions, page.humans)
    stored: dict[str, Any] | None = view.scores.get("human")
    return stored


def _mistakes(page: Page, humans: HumanLabels, view: RunView) -> list[SharedMistake]:
    """Those that most people share first; none where there are no pictures."""
    name = str(view.data["name"])
    if not page.pictures.has(name):
        return []
    found = shared_mistakes(view.predictions, humans)[: page.amount(alone=24, compared=8)]
    return [
        SharedMistake(
            page.pictures.show(name, each["id"], _describe(each)), each["id"], page.stories.get(each["id"], ""),
            each["sentence"],
        )
        for each in found
    ]  # fmt: skip


def _describe(mistake: dict[str, Any]) -> str:
    answers = f"{mistake['humans_said_the_same']:.0%} of {mistake['answers']} people said {mistake['said']} too"
    return f"{mistake['label']}, taken for {mistake['said']}; {answers.replace('%', ' %')} ({mistake['id']})"
