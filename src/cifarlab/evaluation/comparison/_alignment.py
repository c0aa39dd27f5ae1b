"""Two sets of predictions brought into one order of images and classes, or refused."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cifarlab.runs.predictions import Classified, HardPredictions, Predictions, are_other_pictures
from cifarlab.utils.arrays import Array, number_rows, rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, few


def align(reference: Classified, other: Classified, first: str, second: str) -> tuple[Classified, list[str]]:
    """`other` in the order of `reference`: by ids, or as it is where one has no more than row numbers.

    Args:
        reference: N images.
        other: The same images, perhaps in another order.
        first: Path of the reference, for people.
        second: Path of the other.

    Returns:
        The other, aligned, and what was assumed.

    Raises:
        CifarlabError: If their images, labels or classes differ.
    """
    if other is reference:
        return other, []
    other, notices = _with_classes_of(reference, other, first, second)
    order, by_order = _order(reference, other, f"{first} and {second}")
    aligned = replace(other.take(order), ids=reference.ids)
    _check_same(reference, aligned, first, second, by_order)
    if by_order:
        notices.append(
            f"{second} and {first} are matched by order, as not both have ids; their labels agree in each row."
        )
    return aligned, notices


def _check_same(reference: Classified, aligned: Classified, first: str, second: str, by_order: bool) -> None:
    """Refuse other labels, and other pictures under the same names."""
    differing = np.flatnonzero(aligned.labels != reference.labels)
    if len(differing):
        many = counted(len(differing), "image")
        hint = "their rows were taken in one order, as not both have ids: give both ids" if by_order else ""
        raise CifarlabError(
            f"{first} and {second} were evaluated with different labels ({many}, {str(reference.ids[differing[0]])!r} "
            f"among them): {hint or 'evaluate both on the same data'}"
        )
    if (
        isinstance(reference, Predictions)
        and isinstance(aligned, Predictions)
        and are_other_pictures(reference, aligned)
    ):
        raise CifarlabError(
            f"{first} and {second} were evaluated on other pictures under the same names: the data were altered in "
            "between; run cifarlab evaluate on both again"
        )


def counts_rows(ids: Array) -> bool:
    """Whether these ids are the row numbers that predictions without ids are given."""
    return np.array_equal(ids, number_rows(len(ids)))


def _order(reference: Classified, other: Classified, both: str) -> tuple[Array, bool]:
    """For each image of the reference its row in the other, and whether that is by order alone."""
    missing = np.setxor1d(reference.ids, other.ids)
    if not len(missing):
        return rows_of(other.ids, reference.ids), counts_rows(reference.ids)
    if len(reference) == len(other) and (counts_rows(reference.ids) or counts_rows(other.ids)):
        return np.arange(len(reference)), True
    raise CifarlabError(
        f"{both} were evaluated on different images ({len(reference):,} and {len(other):,}; {str(missing[0])!r} is "
        "in one only): evaluate both on the same data"
    )


def _with_classes_of(reference: Classified, other: Classified, first: str, second: str) -> tuple[Classified, list[str]]:
    """The same classes in the same order; names that are numbers alone, such as `class 3`, give way to real ones."""
    wanted, names = reference.class_names, other.class_names
    if wanted == names:
        return other, []
    fewer = isinstance(other, HardPredictions) and len(names) < len(wanted)  # it has the classes that occur
    if set(wanted) == set(names) or (fewer and set(names) <= set(wanted)):
        return _permute(other, wanted), []
    if (len(wanted) == len(names) or (fewer and _unnamed(names))) and any(_unnamed(each) for each in (wanted, names)):
        told = f"{second} and {first} name their classes differently; they are matched by their numbers."
        return replace(other, class_names=wanted), [told]
    raise CifarlabError(
        f"{first} and {second} are of different data, with different classes ({few(wanted, 3, count=True)} against "
        f"{few(names, 3, count=True)}): compare runs on the same data"
    )


def _permute(other: Classified, names: tuple[str, ...]) -> Classified:
    """The same answers with the classes in the order of `names`."""
    new_place = np.array([names.index(name) for name in other.class_names], np.int64)  # of each class of the other
    labels = new_place[other.labels]
    if isinstance(other, HardPredictions):
        return replace(other, predicted=new_place[other.predicted], labels=labels, class_names=names)
    return replace(other, logits=other.logits[:, np.argsort(new_place)], labels=labels, class_names=names)


def _unnamed(names: Sequence[str]) -> bool:
    """Names such as `class 0`, `class 1`, ... or `0`, `1`, ..., in this order."""
    found = [re.fullmatch(r"(?:class[ _]?)?(\d+)", name) for name in names]
    return [int(match[1]) for match in found if match] == list(range(len(names)))
