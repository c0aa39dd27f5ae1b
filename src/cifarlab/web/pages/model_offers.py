"""The models that the page Classify offers, with what one must know to choose."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifarlab.models.pretrained import builtin
from cifarlab.runs.layout import NO_TTA
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.run_summaries import RunSummary


@dataclass(frozen=True)
class Offer:
    """One model.

    Attributes:
        data: The data set that it was trained on; empty where unknown.
        accuracy: On test without TTA; None where it has not been evaluated.
        date: Day on which its training began, as ISO 8601; empty where unknown.
    """

    name: str
    data: str = ""
    accuracy: float | None = None
    date: str = ""


def offer_models(names: Sequence[str], summaries: Sequence[RunSummary]) -> list[Offer]:
    """The models of some names.

    Args:
        names: Of the built-in model and of runs.
        summaries: All runs.
    """
    known = {summary.name: summary for summary in summaries}
    return [_offer_builtin() if name == builtin.NAME else _offer(name, known.get(name)) for name in names]


def _offer(name: str, summary: RunSummary | None) -> Offer:
    if summary is None:
        return Offer(name)
    return Offer(name, summary.data, summary.accuracy, summary.started[:10])


def _offer_builtin() -> Offer:
    try:
        card = builtin.read_card()
    except CifarlabError:
        return Offer(builtin.NAME)
    accuracy, started = card["scores"].get(NO_TTA, {}).get("accuracy"), card.get("state", {}).get("started", "")
    return Offer(builtin.NAME, str(card["data"]["name"]), accuracy, str(started)[:10])
