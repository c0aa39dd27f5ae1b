"""How many of the images that a run is asked about it was trained on, in numbers and sentences."""

from cifarlab.runs.scores import OverlapSummary
from cifarlab.runs.trained_images import Overlap
from cifarlab.utils.arrays import Array
from cifarlab.utils.result_tables import as_limits, as_percent

_EXAMPLES = 3
_RENAMED = "under the name of a training image, with other pixels"


def summarise(overlap: Overlap, ids: Array, correct: Array) -> OverlapSummary:
    """The overlap in numbers.

    Args:
        overlap: Of N images.
        ids: `(N,)` str.
        correct: `(N,)` bool: which were classified correctly.
    """
    from cifarlab.metrics.statistics.intervals import share  # brings scikit-learn

    new = ~overlap.seen
    copies, renamed, chosen_by = (int(each.sum()) for each in (overlap.copies, overlap.renamed, overlap.chosen_by))
    return OverlapSummary(
        count=int(overlap.seen.sum()),
        copies=copies,
        renamed=renamed,
        chosen_by=chosen_by,
        examples=tuple(ids[overlap.seen][:_EXAMPLES].tolist()),
        accuracy_without=share(correct[new]) if new.any() else None,
    )


def describe(found: OverlapSummary, total: int, split: str) -> list[str]:
    """The sentence that a reader must see; none where there is no overlap.

    Args:
        found: What `summarise` gave.
        total: How many images there are.
        split: Their part.
    """
    count = found.count
    if not count:
        return []
    of = f"All {total:,} {split} images" if count == total else f"{count:,} of {total:,} {split} images"
    chosen = "that the epoch was chosen by"
    parts = [
        (found.copies, "a copy of a training image", "copy of a training image", "copies of training images"),
        (found.renamed, _RENAMED, _RENAMED, _RENAMED),
        (found.chosen_by, f"a validation image {chosen}", f"validation image {chosen}", f"validation images {chosen}"),
    ]
    kinds = [
        (alone if amount == 1 else many) if amount == count else f"{amount:,} {one if amount == 1 else many}"
        for amount, alone, one, many in parts
        if amount
    ]
    shown = ", ".join(found.examples) + (", ..." if count > len(found.examples) else "")
    joined = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    verb = "is" if count == 1 else "are"
    elsewhere = _elsewhere(found, total - count)
    return [f"{of} {verb} {joined} ({shown}): accuracy on them is no test{elsewhere}."]


def _elsewhere(found: OverlapSummary, others: int) -> str:
    without = found.accuracy_without
    if without is None:
        return ", and there are no others"
    return f"; on the other {others:,} it is {as_percent(without.value)} (95 % interval {as_limits(without)})"
