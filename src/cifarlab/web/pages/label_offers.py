"""Labels files that a training from the app may learn by: those marked in the app, and the copy that a run has."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cifarlab.datasets.verdicts import read_labels
from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.marks import FOLDER, check_place, read_marks

OF_A_RUN = "run:"
"""Before a run's name, where its copy is meant."""


@dataclass(frozen=True)
class LabelsOffer:
    """A labels file that the form offers.

    Attributes:
        value: What the form sends: no path ever comes from a browser.
        words: What it is, and what it would change.
        path: Where it is.
        data: The data set that it is about.
    """

    value: str
    words: str
    path: Path
    data: str


def offer_labels(library: Library, asked: str = "") -> list[LabelsOffer]:
    """The labels files that there are, one a data set; and a run's own copy, where `asked` names one as `run:NAME`."""
    offers = []
    for slug, data in library.data_names().items():
        path = library.runs_dir / FOLDER / f"{slug}.csv"
        if path.is_file() and (words := _say(library, path, data)):
            offers.append(LabelsOffer(slug, f"corrected in {data}: {words}", path, data))
    name = asked.removeprefix(OF_A_RUN)
    if asked != name and library.has_run(name) and (summary := library.summary(name)).labels:
        offers.append(LabelsOffer(asked, f"those that {name} learned by", summary.run.labels_file, summary.data))
    return offers


def choose_labels(library: Library, asked: str, data: str) -> Path | None:
    """The file of an offer; None where none is asked for.

    Raises:
        WrongField: If there is no such offer, or it is about other data than those that are trained on.
    """
    if not asked:
        return None
    offer = next((each for each in offer_labels(library, asked) if each.value == asked), None)
    if offer is None:
        raise WrongField(f"there are no corrected labels {asked!r}: mark some in the gallery of {data}", "labels")
    if offer.data != data:
        raise WrongField(
            f"these labels are of {offer.data}, and the training is on {data}: choose that data set, or the labels as "
            "published",
            "labels",
        )
    return offer.path


def _say(library: Library, path: Path, data: str) -> str:
    """What a labels file would change; empty where it says nothing of images to learn from."""
    try:
        check_place(path)
        found = library.find_collection(data)
        if isinstance(found, Collection):
            marks = read_marks(library, found)
            learnt = [counts for split, counts in marks.by_split.items() if split != "test"]
            return "damaged" if marks.problem else _counted(sum(learnt, Counter()))
        counts = Counter(each.verdict for each in read_labels(path).current.values())
    except CifarlabError:
        return "damaged"  # what is wrong is said when it is chosen, and above the gallery
    return _counted(counts)


def _counted(counts: Counter[str]) -> str:
    return f"{counts['relabel']:,} relabelled, {counts['drop']:,} dropped" if counts.total() else ""
