"""What can be counted and averaged about a data set: nothing here draws, and nothing here trains."""

import numpy as np

from cifarlab.datasets._image_set import ImageSet
from cifarlab.utils.arrays import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Luma of Recommendation ITU-R BT.601, as in Pillow's conversion to grey.
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_BLOCK = 4096


def class_counts(part: ImageSet) -> list[int]:
    """How many images each class has, in the order of the labels."""
    return [int(count) for count in np.bincount(part.labels, minlength=len(part.class_names))]


def channel_statistics(images: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of every colour channel, over all pixels of all images.

    Args:
        images: `(N, H, W, C)` uint8, N at least 1.

    Returns:
        `(C,)` and `(C,)` float64 in units of the full range, 0 to 1; exact, from counts of the 256 levels.
    """
    levels = np.arange(256)
    counts = np.zeros((images.shape[-1], 256), dtype=np.int64)
    for start in range(0, len(images), _BLOCK):
        part = images[start : start + _BLOCK]
        counts += [np.bincount(part[..., channel].ravel(), minlength=256) for channel in range(len(counts))]
    totals = counts.sum(axis=1)
    means = counts @ levels / totals
    variances = counts @ levels**2 / totals - means**2
    return means / 255, np.sqrt(np.maximum(variances, 0)) / 255


def class_images(images: Array, labels: Array, num_classes: int) -> tuple[Array, Array]:
    """Mean image and per-pixel standard deviation image of every class.

    Args:
        images: `(N, H, W, C)` uint8.
        labels: `(N,)` int.
        num_classes: K.

    Returns:
        `(K, H, W, C)` and `(K, H, W, C)` float64 in grey levels; NaN for a class without images.
    """
    means = np.full((num_classes, *images.shape[1:]), np.nan)
    deviations = means.copy()
    for label in range(num_classes):
        chosen = np.flatnonzero(labels == label)
        if not len(chosen):
            continue
        sums, squares = np.zeros(images.shape[1:]), np.zeros(images.shape[1:])
        for start in range(0, len(chosen), _BLOCK):
            part = images[chosen[start : start + _BLOCK]].astype(np.uint32)
            sums += part.sum(axis=0)
            squares += (part**2).sum(axis=0)
        means[label] = sums / len(chosen)
        deviations[label] = np.sqrt(np.maximum(squares / len(chosen) - means[label] ** 2, 0))
    return means, deviations


def brightness_and_contrast(images: Array) -> tuple[Array, Array]:
    """How bright each image is, and how far its pixels are from that on average.

    Args:
        images: `(N, H, W, C)` uint8.

    Returns:
        `(N,)` float64 mean of the grey image and `(N,)` float64 standard deviation of it, both in 0 to 1.
    """
    brightness, contrast = np.empty(len(images)), np.empty(len(images))
    for start in range(0, len(images), _BLOCK):
        part = grey(images[start : start + _BLOCK]).reshape(-1, images.shape[1] * images.shape[2]) / 255
        brightness[start : start + _BLOCK] = part.mean(axis=1)
        contrast[start : start + _BLOCK] = part.std(axis=1)
    return brightness, contrast


def distributions(values: Array, labels: Array, num_classes: int, upper: float, bins: int = 50) -> tuple[Array, Array]:
    """The distribution of one number in every class.

    Args:
        values: `(N,)` float, at least 0.
        labels: `(N,)` int.
        num_classes: K.
        upper: Right end of the histograms; larger values count in the last bin.
        bins: Of equal width.

    Returns:
        `(K, bins)` float64 histograms with sum 1, and `(K, 5)` float64 quantiles (5, 25, 50, 75 and 95 %); zeros and
        NaN for a class without images.
    """
    histograms, quantiles = np.zeros((num_classes, bins)), np.full((num_classes, len(QUANTILES)), np.nan)
    for label in range(num_classes):
        chosen = values[labels == label]
        if len(chosen):
            histograms[label] = np.histogram(np.minimum(chosen, upper), bins, (0, upper))[0] / len(chosen)
            quantiles[label] = np.quantile(chosen, QUANTILES)
    return histograms, quantiles


def sample_per_class(labels: Array, num_classes: int, count: int, seed: int) -> list[Array]:
    """For each class the indices of up to `count` of its images, drawn with a fixed seed.

    Args:
        labels: `(N,)` int.
        num_classes: K.
        count: Images a class.
        seed: Of the draw.
    """
    random = np.random.default_rng(seed)
    members = (np.flatnonzero(labels == label) for label in range(num_classes))
    return [random.permutation(indices)[:count] for indices in members]


def grey(images: Array) -> Array:
    """Grey versions: `(N, H, W, C)` uint8 -> `(N, H, W)` float32 in grey levels."""
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float32)
    result: Array = images.astype(np.float32) @ _GREY_WEIGHTS
    return result
