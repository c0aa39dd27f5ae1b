"""Test-time augmentation: an image is seen in several views, and the model's logits for them are averaged.

It is never silent: what was measured with it says "TTA" and its name, and lies in files of its own.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.forward import Forward, apply_in_batches
from cifarlab.runs.layout import NO_TTA
from cifarlab.utils.discovery import unknown
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels

NAMES = (NO_TTA, "flip", "flip-shift", "selective")
# An image is seen again where its two likeliest classes are less than this apart in probability. What it gains and
# costs: docs/commands/evaluate.md.
SURE_MARGIN = 0.5


def averaged(forward: Forward, tta: str) -> Forward:
    """The same function of a batch, with the weighted mean of the views' logits as its answer.

    Args:
        forward: `(B, H, W, C)` uint8 to `(B, K)` float32. Every view has the batch's shape: it is compiled once.
        tta: `"none"` for `forward` itself; `"flip"` or `"flip-shift"`, see `make_views`; `"selective"` is
            `"flip-shift"` for the images of which `forward` is not sure, and `forward` itself for the others. Whether
            an image is one of them does not depend on the others of its batch.

    Raises:
        CifarlabError: If there is no test-time augmentation of that name.
    """
    check_tta(tta)
    if tta == NO_TTA:
        return forward
    if tta == "selective":
        return _selective(forward)

    def mean(images: Pixels) -> NDArray[np.float32]:
        # Logits are averaged, not probabilities: a view that the model is unsure of then counts less than one that it
        # is sure of, as in the source. Contiguous: torch takes no array that runs backwards.
        views = ((weight, np.ascontiguousarray(view)) for weight, view in make_views(images, tta))
        weighted = [np.float32(weight) * forward(view) for weight, view in views]
        return np.asarray(np.sum(weighted, axis=0), np.float32)  # (B, K)

    return mean


def _selective(forward: Forward) -> Forward:
    """`flip-shift` for the images whose two likeliest classes are less than `SURE_MARGIN` apart, after one look."""

    def mean(images: Pixels) -> NDArray[np.float32]:
        logits = np.array(forward(images), np.float32)  # (B, K); a copy, which may be written to
        # The softmax in NumPy, since SciPy would be half of what `predict` loads; sorted, so the likeliest come last.
        shares = np.sort(np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True)), axis=1)
        unsure = np.flatnonzero(shares[:, -1] - shares[:, -2] < SURE_MARGIN * shares.sum(axis=1))
        if len(unsure) == 0:
            return logits
        weights, views = zip(*make_views(images[unsure], "flip-shift"), strict=True)
        # The image itself, the first view, was seen. The others in batches of the one shape that is compiled: as many
        # again are needed to fill at least one.
        others = np.concatenate(views[1:])  # (5 * U, H, W, C)
        filled = others[np.arange(max(len(others), len(images))) % len(others)]
        answers = apply_in_batches(forward, filled, len(images))[: len(others)].reshape(5, len(unsure), -1)
        logits[unsure] = np.tensordot(
            np.array(weights, np.float32), np.concatenate([logits[None, unsure], answers]), axes=1
        )
        return logits

    return mean


def make_views(images: Pixels, tta: str) -> Iterator[tuple[float, Pixels]]:
    """The views of each image with their weights, which sum to 1; with `selective` those of an image it is unsure of.

    - `none`: the image.
    - `flip`: the image and its mirror, one half each.
    - `flip-shift`: the image and its mirror, one quarter each; the image moved by one pixel up and left, and down and
      right, with edges reflected, and the mirrors of both, one eighth each.

    Args:
        images: `(N, H, W, C)`.
        tta: One of `NAMES`.

    Yields:
        A weight and `(N, H, W, C)` images.

    Raises:
        CifarlabError: If there is no test-time augmentation of that name.

    Source: Jordan 2024, arXiv:2404.00498, `infer_mirror_translate` of airbench94.
    """
    check_tta(tta)
    # As in the source, the two unmoved views weigh as much as the four moved ones together.
    if tta == NO_TTA:
        yield 1.0, images
    elif tta == "flip":
        yield from _with_mirror(images, 1.0)
    else:
        yield from _with_mirror(images, 0.5)
        yield from _with_mirror(_shift(images, -1), 0.25)
        yield from _with_mirror(_shift(images, +1), 0.25)


def check_tta(tta: str) -> None:
    """Refuse a name that is none.

    Raises:
        CifarlabError: The message offers the nearest right one.
    """
    if tta not in NAMES:
        raise CifarlabError(unknown("TTA", tta, NAMES))


def _with_mirror(images: Pixels, weight: float) -> Iterator[tuple[float, Pixels]]:
    yield weight / 2, images
    yield weight / 2, images[:, :, ::-1]


def _shift(images: Pixels, pixels: int) -> Pixels:
    """Move every image down and right by `pixels`, up and left if negative, with edges reflected."""
    reach = abs(pixels)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    start = reach - pixels
    return padded[:, start : start + height, start : start + width]
