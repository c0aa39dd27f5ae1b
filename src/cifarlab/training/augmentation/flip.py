"""Mirror images: decided on the host, so that a mirrored image is a row like any other."""

import numpy as np

from cifarlab.recipes import Recipe
from cifarlab.utils.arrays import Array


def with_mirror_images(images: Array, mirror: bool) -> Array:
    """What an engine keeps on its device: the images and, where any is ever mirrored, all of them mirrored after them.

    Twice the memory, but then a mirrored image is a row like any other: mirroring batch by batch on the device costs a
    dense network a tenth of its time. And what the host decides from seed and epoch needs no state in the checkpoint.

    Args:
        images: `(N, H, W, C)` uint8.
        mirror: Whether any is ever mirrored.

    Returns:
        `(N, H, W, C)`, or `(2 * N, H, W, C)`, where row `N + i` is image i mirrored left to right.
    """
    return np.concatenate([images, images[:, :, ::-1]]) if mirror else images


def mirrored(recipe: Recipe, epoch: int, count: int) -> Array:
    """Which images are mirrored in an epoch, from the seed and the epoch's number alone.

    Args:
        recipe: Its `flip` decides: `"random"` draws anew every epoch, `"alternating"` draws once and turns every
            image over from epoch to epoch, so that both sides are seen equally often (arXiv:2404.00498).
        epoch: From 1.
        count: How many images.

    Returns:
        `(count,)` bool.
    """
    if recipe.flip == "none":
        return np.zeros(count, bool)
    drawn = 1 if recipe.flip == "alternating" else epoch
    # The third number keeps these draws apart from those of the shuffle, which come from [seed, epoch].
    first = np.random.default_rng([recipe.seed, drawn, 1]).random(count) < 0.5
    turned: Array = first ^ ((epoch - drawn) % 2 == 1)
    return turned
