"""Pictures corrupted by a corruption's name, at one of five severities."""

from typing import cast

import numpy as np

from cifarlab.evaluation.robustness.corruptions._random import ImageRandom
from cifarlab.utils import discovery
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

__all__ = ["SEVERITIES", "benchmark_names", "corrupt", "names"]

SEVERITIES = (1, 2, 3, 4, 5)
_AT_ONCE = 500
_PACKAGE = "evaluation.robustness.corruptions"


def corrupt(images: Array, corruption: str, severity: int, *, seed: int = 0, numbers: Array | None = None) -> Array:
    """Make pictures worse in one way, the same way whenever it is asked again.

    The random numbers follow from the seed, the corruption, the severity and each image's own number: an image becomes
    the same whichever others are corrupted with it.

    Args:
        images: `(N, H, W, C)` uint8, C is 1 or 3; grey ones are corrupted as colour pictures and made grey again.
        corruption: One of `names()`.
        severity: 1 to 5.
        seed: Of the random numbers.
        numbers: `(N,)` int, at least 0: each image's number in its data set; by default 0 to N - 1.

    Returns:
        `(N, H, W, C)` uint8.

    Raises:
        CifarlabError: If there is no such corruption or severity, or the images are under 8 pixels wide or high.
    """
    if corruption not in names():
        raise CifarlabError(discovery.unknown("corruption", corruption, names()))
    if severity not in SEVERITIES:
        raise CifarlabError(f"a corruption's severity is 1 to 5. Received: {severity}")
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3) or min(images.shape[1:3]) < 8:
        raise CifarlabError(
            f"corruptions need (N, H, W, 1 or 3) uint8 images of at least 8 x 8 pixels. Received: shape "
            f"{images.shape}, dtype {images.dtype}"
        )
    wanted = np.arange(len(images)) if numbers is None else np.asarray(numbers)
    module = discovery.load(_PACKAGE, corruption)
    result = np.empty_like(images)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        random = ImageRandom(f"{seed}/{corruption}/{severity}", wanted[part])
        colour = images[part] if images.shape[3] == 3 else np.repeat(images[part], 3, axis=3)
        made = cast(Array, module.apply(colour, module.CONSTANTS[severity - 1], random))
        result[part] = made if images.shape[3] == 3 else _to_grey(made)
    return result


def names() -> list[str]:
    """Names of all corruptions, sorted."""
    return discovery.names(_PACKAGE)


def benchmark_names() -> list[str]:
    """The 15 corruptions that papers average over, sorted."""
    return [name for name in names() if discovery.load(_PACKAGE, name).BENCHMARK]


def _to_grey(images: Array) -> Array:
    """`(N, H, W, 3)` to `(N, H, W, 1)` uint8, luminance of ITU-R BT.601; equal channels keep their value."""
    luminance = images.astype(np.float64) @ [0.299, 0.587, 0.114]
    return np.rint(luminance)[..., None].astype(np.uint8)
