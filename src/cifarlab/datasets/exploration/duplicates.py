"""Exact and near duplicates: which pictures are, to the byte or to the eye, the same one.

Exact duplicates share a hash of their bytes. Near duplicates are found in two steps:

1. **Layout.** Every image is averaged down to 8x8, its mean and contrast are taken out, and the result is whitened by
   PCA, so that what many pictures share (sky above, ground below) no longer counts. The cosine between two such
   vectors is the pair's layout similarity; blocked matrix products compare all images with all, and with all mirrored.
2. **Detail.** The pairs whose layouts agree are looked at again at full size: grey images with their slow changes
   removed, correlated at every shift of up to a tenth of the width. The best correlation is the detail similarity.

A pair is a near duplicate if the mean of the two similarities reaches `THRESHOLD`. Neither step minds other
brightness, contrast, colour tint, light cropping or compression; both miss strong crops and rotations.

The threshold was set on CIFAR-10, by eye and against the pairs between test and train that Barz and Denzler (2020,
arXiv:1902.00423) found with a network's features and judged by eye: it finds 198 of their 249 near duplicates, and
others that they do not list.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cifarlab.datasets.exploration import similarity
from cifarlab.utils.arrays import Array

THRESHOLD = 0.8
LARGEST_LISTED_GROUP = 64


@dataclass(frozen=True)
class Pair:
    """Two images that are the same, or nearly.

    Attributes:
        first: Index of one image.
        second: Index of the other, larger than `first`.
        exact: Whether every byte agrees.
        mirrored: Whether the second was flipped left to right to agree.
        layout: Cosine of the whitened 8x8 versions, at most 1.
        detail: Best correlation of the fine structure over small shifts, at most 1.
        pixel_distance: Root mean square difference in grey levels (0 to 255), without shift, flipped if `mirrored`.
    """

    first: int
    second: int
    exact: bool
    mirrored: bool
    layout: float
    detail: float
    pixel_distance: float

    @property
    def similarity(self) -> float:
        """Mean of layout and detail similarity."""
        return (self.layout + self.detail) / 2


def find_duplicates(
    images: Array, threshold: float = THRESHOLD, progress: Callable[[float], None] | None = None
) -> tuple[list[Pair], bool]:
    """Find exact and near duplicates among all pairs of images.

    Args:
        images: `(N, H, W, C)` uint8.
        threshold: Smallest similarity, the mean of layout and detail, of a near duplicate.
        progress: Called with the fraction done.

    Returns:
        Pairs sorted by similarity, the most similar first; of byte-identical groups of more than 64 images only the
        pairs with the group's first image are listed. And whether all near duplicates are among them: where more than
        60,000 pairs agree in layout, as those of plain drawings may, only the pairs that agree most are looked at.
    """
    report = progress or (lambda _fraction: None)
    groups = exact_groups(images)
    unique = np.array([group[0] for group in groups], dtype=np.int64)
    exact = [Pair(int(a), int(b), True, False, 1.0, 1.0, 0.0) for group in groups for a, b in _pairs_of(group, group)]
    report(0.05)
    near, complete = _near_pairs(images[unique] if len(unique) < len(images) else images, threshold, report)
    expanded = [
        Pair(min(a, b), max(a, b), False, pair.mirrored, pair.layout, pair.detail, pair.pixel_distance)
        for pair in near
        for a, b in _pairs_of(groups[pair.first], groups[pair.second])
    ]
    report(1.0)
    return sorted(exact + expanded, key=lambda pair: (-pair.similarity, pair.first, pair.second)), complete


def exact_groups(images: Array) -> list[list[int]]:
    """Indices grouped by identical bytes, in order of first appearance.

    Args:
        images: `(N, H, W, C)` uint8.
    """
    groups: dict[bytes, list[int]] = {}
    for index, image in enumerate(np.ascontiguousarray(images)):
        groups.setdefault(hashlib.blake2b(image.data, digest_size=16).digest(), []).append(index)
    return list(groups.values())


def connected_groups(pairs: list[Pair], count: int) -> list[list[int]]:
    """Groups of images joined by pairs, the largest first; images without a pair are left out.

    Args:
        pairs: Over images `0` to `count - 1`.
        count: Number of images.
    """
    if not pairs:
        return []
    first, second = np.array([(pair.first, pair.second) for pair in pairs]).T
    graph = coo_matrix((np.ones(len(first), dtype=bool), (first, second)), shape=(count, count))
    component = connected_components(graph, directed=False)[1]
    members = np.unique(np.concatenate([first, second]))
    order = members[np.argsort(component[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(component[order])) + 1
    groups = [group.tolist() for group in np.split(order, cuts)]
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def _pairs_of(first: list[int], second: list[int]) -> Iterator[tuple[int, int]]:
    """All pairs between two exact groups, or inside one; of a very large group only those with its first image."""
    if first is second:
        if len(first) > LARGEST_LISTED_GROUP:
            return iter((first[0], other) for other in first[1:])
        return combinations(first, 2)
    if len(first) * len(second) > LARGEST_LISTED_GROUP:
        return iter([(first[0], second[0])])
    return product(first, second)


def _near_pairs(images: Array, threshold: float, report: Callable[[float], None]) -> tuple[list[Pair], bool]:
    if len(images) < 2:
        return [], True
    even, odd = similarity.layout_features(images)
    report(0.15)
    floor = 2 * threshold - 1 + 0.05  # layouts that agree less would need a detail similarity above 0.95
    found, complete = similarity.find_similar(even, odd, floor, lambda part: report(0.15 + 0.65 * part))
    first, second, layout, mirrored = found
    pairs: list[Pair] = []
    for flipped in (False, True):
        asked = np.flatnonzero(mirrored == flipped)
        detail = similarity.detail_similarity(images, first[asked], second[asked], flipped)
        near = layout[asked] + detail >= 2 * threshold
        kept, detail = asked[near], np.minimum(detail[near], 1.0)
        distance = similarity.pixel_distance(images, first[kept], second[kept], flipped)
        columns = (first[kept], second[kept], np.minimum(layout[kept], 1.0), detail, distance)
        pairs += [
            Pair(one, other, False, flipped, *numbers)
            for one, other, *numbers in zip(*(column.tolist() for column in columns), strict=True)
        ]
        report(0.9 + 0.1 * flipped)
    return pairs, complete
