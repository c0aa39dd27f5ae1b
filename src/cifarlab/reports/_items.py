"""One picture with what the model said about it: the entry of every gallery."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from cifarlab.reports.page import Page, RunView


@dataclass(frozen=True)
class Item:
    """A picture, ready to be shown.

    Attributes:
        picture: Its element.
        image_id: Which image.
        story: Address of the page about it; empty where there is none.
        true: The class it is.
        said: The class the model named.
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
        """Whether the model named the true class."""
        return self.true == self.said


def make_items(page: Page, view: RunView, rows: Iterable[int]) -> list[Item]:
    """The images at `rows` of the run's predictions; none where there are no pictures of its data."""
    if not page.pictures.has(view.data["name"]):
        return []
    predictions = view.predictions
    probabilities = predictions.probabilities
    items = []
    for row in rows:
        true, said = int(predictions.labels[row]), int(predictions.predicted[row])
        names = view.class_names
        sure = f"{100 * probabilities[row, said]:.0f} %"
        chance = f"{100 * probabilities[row, true]:.0f} %"
        mistake = f"taken for {names[said]}, {sure} sure, with {chance} for {names[true]}"
        answer = f"recognised, {sure} sure" if true == said else mistake
        image_id = str(predictions.ids[row])
        picture = page.pictures.show(view.data["name"], image_id, f"{names[true]}, {answer} ({image_id})")
        items.append(
            Item(
                picture,
                image_id,
                page.stories.get(image_id, ""),
                names[true],
                names[said],
                float(probabilities[row, said]),
            )
        )
    return items
