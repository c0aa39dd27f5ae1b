"""What people called the same images, and which of the model's mistakes they make too."""

from markupsafe import Markup

from cifarlab.evaluation.human_comparison import HumanComparison, read_comparison
from cifarlab.evaluation.human_labels import HumanLabels, SharedMistake, compare_with_humans, shared_mistakes
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


def _numbers(page: Page, record: RunRecord) -> HumanComparison | None:
    if page.humans is not None:
        return compare_with_humans(record.predictions, page.humans)
    return None if record.scores.human is None else read_comparison(record.scores.human)


def _mistakes(page: Page, humans: HumanLabels, record: RunRecord) -> list[tuple[SharedMistake, Markup, str]]:
    """Those that most people share first, each with its picture and its story's address; none without pictures."""
    name = str(record.data["name"])
    if not page.pictures.has(name):
        return []
    found = shared_mistakes(record.predictions, humans)[: page.amount(alone=24, compared=8)]
    return [(each, page.pictures.show(name, each.id, _describe(each)), page.stories.get(each.id, "")) for each in found]


def _describe(mistake: SharedMistake) -> str:
    answers = f"{percent(mistake.humans_said_the_same, 0)} of {mistake.answers} people said {mistake.said} too"
    return f"{mistake.label}, predicted as {mistake.said}; {answers} ({mistake.id})"
