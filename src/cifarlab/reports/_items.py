"""One picture with what the model predicted: the entry of every gallery."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from cifarlab.reports.page import Page, RunRecord
from cifarlab.utils.text import percent


@dataclass(frozen=True)
class Item:
    """A picture, ready to be shown.

    Attributes:
        picture: Its element.
        story: Address of the page about it; empty where there is none.
        said: The predicted class.
        confidence: Probability of `said`.
    """

    picture: Markup
    image_id: str
    story: str
    true: str
    said: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the prediction is correct."""
        return self.true == self.said


def make_galleries(page: Page, choose: Callable[[RunRecord], Iterable[int]]) -> list[tuple[RunRecord, list[Item]]]:
    """Each run with the images at the rows that `choose` names; runs without any are left out."""
    galleries = [(record, make_items(page, record, choose(record))) for record in page.runs]
    return [(record, items) for record, items in galleries if items]


def make_items(page: Page, record: RunRecord, rows: Iterable[int]) -> list[Item]:
    """The images at `rows` of the run's predictions; none where there are no pictures of its data."""
    return [_item(page, record, row) for row in rows] if page.pictures.has(record.data["name"]) else []


def _item(page: Page, record: RunRecord, row: int) -> Item:
    predictions, probabilities = record.predictions, record.predictions.probabilities[row]
    label, predicted, image_id = (
        int(predictions.labels[row]),
        int(predictions.predicted[row]),
        str(predictions.ids[row]),
    )
    true, said = record.class_names[label], record.class_names[predicted]
    answer = f"predicted correctly with {percent(probabilities[predicted], 1)}"
    if true != said:
        chances = f"{percent(probabilities[predicted], 1)}, {percent(probabilities[label], 1)} for {true}"
        answer = f"predicted as {said} with {chances}"
    picture = page.pictures.show(record.data["name"], image_id, f"{true}, {answer} ({image_id})")
    return Item(picture, image_id, page.stories.get(image_id, ""), true, said, float(probabilities[predicted]))
