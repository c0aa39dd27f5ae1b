"""Duplicates whose labels differ: at most one of the two can be right."""

from collections.abc import Callable
from dataclasses import dataclass

from cifarlab.datasets import ImageSet
from cifarlab.datasets.exploration.duplicates import find_duplicates


@dataclass(frozen=True)
class Conflict:
    """Two images that are the same, exactly or nearly, and have different labels; at least one is of the split."""

    first_id: str
    second_id: str
    first_label: str
    second_label: str
    exact: bool
    similarity: float


def find_conflicts(
    images: ImageSet, asked: set[str] | None = None, progress: Callable[[float], None] | None = None
) -> list[Conflict]:
    """Exact and near duplicates whose labels differ, the most similar first.

    Args:
        images: Among which to look.
        asked: Ids of which a pair must have at least one; by default all.
        progress: Called with the share done.
    """
    pairs, _ = find_duplicates(images.images, progress=progress)
    names = images.class_names
    return [
        Conflict(
            str(images.ids[pair.first]), str(images.ids[pair.second]), names[images.labels[pair.first]],
            names[images.labels[pair.second]], pair.exact, pair.similarity,
        )
        for pair in pairs
        if images.labels[pair.first] != images.labels[pair.second]
        and (asked is None or {str(images.ids[pair.first]), str(images.ids[pair.second])} & asked)
    ]  # fmt: skip
