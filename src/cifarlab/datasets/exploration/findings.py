"""Everything that is computed about a data set before any training, in one pass over it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cifarlab.datasets import _loading
from cifarlab.datasets._image_set import SPLITS, Splits
from cifarlab.datasets.exploration import duplicates, embedding, statistics
from cifarlab.datasets.exploration.duplicates import Pair
from cifarlab.utils.arrays import Array
from cifarlab.utils.progress import ProgressCallback, ignore

PLACES = ("within training", "within test", "between training and test")
BRIGHTNESS_END, CONTRAST_END = 1.0, 0.5
MAP_IMAGES = 1500


@dataclass(frozen=True, eq=False)
class ImageMap:
    """Some of the images as points in the plane.

    Attributes:
        indices: `(M,)` int, which images.
        pca: `(M, 2)` float64, the first two principal components.
        explained: `(2,)` float64, the share of the variance along each.
        tsne: `(M, 2)` float64.
        same_class: For each map, the share of points whose nearest neighbour is of their class.
        chance: That share if the classes were dealt out at random.
    """

    indices: Array
    pca: Array
    explained: Array
    tsne: Array
    same_class: dict[str, float]
    chance: float


@dataclass(frozen=True, eq=False)
class Findings:
    """A data set and what was found in it.

    "Training images" are train and validation together: what a final model may learn from.

    Attributes:
        description: As `datasets.describe` gives it.
        images: `(N, H, W, C)` uint8, train, validation and test one after the other.
        labels: `(N,)` int64.
        ids: `(N,)` str; unique inside a split.
        splits: `(N,)` str, the split of each.
        training_count: How many of them are training images; they come first.
        channels: Part ("training", "test") to mean and standard deviation of each channel, in 0 to 1.
        means: `(K, H, W, C)` mean training image of each class.
        deviations: `(K, H, W, C)` standard deviation of each pixel in each class.
        samples: For each class the indices of some training images.
        spreads: "brightness" and "contrast" to `(K, B)` histograms and `(K, 5)` quantiles over the training images.
        pairs: Exact and near duplicates, the most similar first.
        complete: Whether these are all; plain drawings may have too many.
        groups: Images joined by pairs, the largest group first.
        image_map: None where there are too few images for one.
    """

    description: dict[str, Any]
    class_names: tuple[str, ...]
    images: Array
    labels: Array
    ids: Array
    splits: Array
    training_count: int
    counts: dict[str, list[int]]
    channels: dict[str, tuple[Array, Array]]
    means: Array
    deviations: Array
    samples: list[Array]
    spreads: dict[str, tuple[Array, Array]]
    pairs: list[Pair]
    complete: bool
    groups: list[list[int]]
    image_map: ImageMap | None
    seed: int

    @cached_property
    def copy_groups(self) -> list[list[int]]:
        """Images that are the same, byte for byte, two or more in each group."""
        return [group for group in duplicates.exact_groups(self.images) if len(group) > 1]

    def place(self, pair: Pair) -> str:
        """Which of `PLACES` a pair is in."""
        if pair.second < self.training_count:
            return PLACES[0]
        return PLACES[1] if pair.first >= self.training_count else PLACES[2]

    def conflicting(self, pair: Pair) -> bool:
        """Whether the two images have different labels."""
        return bool(self.labels[pair.first] != self.labels[pair.second])


def find(
    splits: Splits,
    seed: int = 0,
    map_images: int = MAP_IMAGES,
    progress: ProgressCallback = ignore,
) -> Findings:
    """Count, average, compare and map a data set."""
    parts = {name: splits[name] for name in SPLITS if len(splits[name])}
    images, labels, ids = (
        np.concatenate([getattr(part, field) for part in parts.values()]) for field in ("images", "labels", "ids")
    )
    training_count = len(images) - len(splits.test)
    learned, targets = images[:training_count], labels[:training_count]
    classes = len(splits.class_names)
    progress("averaging", 0.02)
    of_channels = {"training": learned, "test": splits.test.images}
    channels = {name: statistics.channel_statistics(part) for name, part in of_channels.items() if len(part)}
    means, deviations = statistics.class_images(learned, targets, classes)
    spreads = find_spreads(learned, targets, classes)
    progress("comparing all pairs", 0.1)
    pairs, complete = duplicates.find_duplicates(
        images, progress=lambda part: progress("comparing all pairs", 0.1 + 0.5 * part)
    )
    progress("drawing the map", 0.6)
    image_map = _map(learned, targets, classes, seed, map_images)
    progress("drawing the map", 1.0)
    return Findings(
        description=_loading.describe(splits), class_names=splits.class_names, images=images, labels=labels, ids=ids,
        splits=np.concatenate([np.full(len(part), name) for name, part in parts.items()]),
        training_count=training_count, counts={name: statistics.class_counts(splits[name]) for name in SPLITS},
        channels=channels, means=means, deviations=deviations,
        samples=statistics.sample_per_class(targets, classes, _samples_per_class(classes), seed), spreads=spreads,
        pairs=pairs, complete=complete, groups=duplicates.connected_groups(pairs, len(images)), image_map=image_map,
        seed=seed,
    )  # fmt: skip


def find_spreads(images: Array, labels: Array, classes: int) -> dict[str, tuple[Array, Array]]:
    """As `Findings.spreads`, of any images."""
    brightness, contrast = statistics.brightness_and_contrast(images)
    return {
        "brightness": statistics.distributions(brightness, labels, classes, BRIGHTNESS_END),
        "contrast": statistics.distributions(contrast, labels, classes, CONTRAST_END),
    }


def _samples_per_class(classes: int) -> int:
    return 12 if classes <= 12 else 8 if classes <= 30 else 5


def _map(images: Array, labels: Array, classes: int, seed: int, count: int) -> ImageMap | None:
    # Every class with the same number, as far as it has them.
    indices = np.sort(np.concatenate(statistics.sample_per_class(labels, classes, max(1, count // classes), seed)))
    projected = embedding.project(images[indices], seed)
    if projected is None:
        return None
    pca, explained, tsne = projected
    chosen = labels[indices]
    shares = {name: embedding.same_class_share(points, chosen) for name, points in (("pca", pca), ("tsne", tsne))}
    sizes = np.bincount(chosen)
    chance = float((sizes * (sizes - 1)).sum() / (len(chosen) * (len(chosen) - 1)))
    return ImageMap(indices, pca, explained, tsne, shares, chance)
