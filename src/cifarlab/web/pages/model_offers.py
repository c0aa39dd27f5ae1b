"""The models that the page Classify offers, with what one must know to choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifarlab.inference.onnx_files import OnnxFile
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


def offer_models(names: Sequence[str], summaries: Sequence[RunSummary], files: Mapping[str, OnnxFile]) -> list[Offer]:
    """The models of some names.

    Args:
        names: Of the built-in model, of exported files and of runs.
        summaries: All runs.
        files: Exported files, by their names.
    """
    known = {summary.name: summary for summary in summaries}
    return [
        _offer_builtin() if name == builtin.NAME else _offer(name, known.get(name), files.get(name)) for name in names
    ]


def _offer(name: str, summary: RunSummary | None, file: OnnxFile | None) -> Offer:
    if file is not None:
        return Offer(name, file.data_name, file.accuracy)
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
