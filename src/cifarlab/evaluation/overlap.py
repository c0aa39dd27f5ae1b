"""How many of the images that a run is asked about it was trained on, in numbers and sentences."""

from typing import Any

from cifarlab.runs.trained_images import Overlap
from cifarlab.utils.arrays import Array
from cifarlab.utils.files import plain

_EXAMPLES = 3
_VALIDATION = ("a validation image", "validation image", "validation images")


def summarise(overlap: Overlap, ids: Array, correct: Array) -> dict[str, Any]:
    """The overlap in numbers, ready for JSON.

    Args:
        overlap: Of N images.
        ids: `(N,)` str.
        correct: `(N,)` bool: which were recognised.

    Returns:
        `count`: how many of the images were trained on or chosen by; `copies`, `renamed` and `chosen_by` among them;
        `examples`: ids of the first; `accuracy_without`: on all others, as an interval, None where there are no others.
    """
    from cifarlab.metrics.statistics.intervals import share  # brings scikit-learn

    new = ~overlap.seen
    return plain(
        {
            "count": overlap.seen.sum(),
            "copies": overlap.copies.sum(),
            "renamed": overlap.renamed.sum(),
            "chosen_by": overlap.chosen_by.sum(),
            "examples": ids[overlap.seen][:_EXAMPLES],
            "accuracy_without": share(correct[new]) if new.any() else None,
        }
    )


def describe(found: dict[str, Any], total: int, split: str) -> list[str]:
    """The sentence that a reader must see; none where there is no overlap.

    Args:
        found: What `summarise` gave.
        total: How many images there are.
        split: Their part.
    """
    count, copies, renamed, chosen = (found[name] for name in ("count", "copies", "renamed", "chosen_by"))
    if not count:
        return []
    of = f"All {total:,} {split} images" if count == total else f"{count:,} of {total:,} {split} images"
    parts = [
        (copies, "a copy of a training image", "copy of a training image", "copies of training images"),
        (renamed, *["under the name of a training image, with other pixels"] * 3),
        (chosen, *(f"{words} that the epoch was chosen by" for words in _VALIDATION)),
    ]
    kinds = [
        (alone if amount == 1 else many) if amount == count else f"{amount:,} {one if amount == 1 else many}"
        for amount, alone, one, many in parts
        if amount
    ]
    shown = ", ".join(map(str, found["examples"])) + (", ..." if count > len(found["examples"]) else "")
    joined = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    verb = "is" if count == 1 else "are"
    elsewhere = _elsewhere(found, total - count)
    return [f"{of} {verb} {joined} ({shown}): accuracy on them is no test{elsewhere}."]


def _elsewhere(found: dict[str, Any], others: int) -> str:
    without = found["accuracy_without"]
    if without is None:
        return ", and there are no others"
    value, low, high = (100 * without[key] for key in ("value", "low", "high"))
    return f"; on the other {others:,} it is {value:.2f} % (95 % interval {low:.2f} to {high:.2f})"
