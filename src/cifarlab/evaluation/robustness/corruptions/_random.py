"""Random numbers that belong to each image, whichever others are worked on with it."""

import hashlib
from collections.abc import Callable

import numpy as np

from cifarlab.utils.arrays import Array


class ImageRandom:
    """One stream of random numbers an image."""

    def __init__(self, name: str, numbers: Array) -> None:
        """Philox is keyed by the hash of a name and the image's number, at least 0, so that no two streams meet."""
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        pairs = [np.array([key, number], np.uint64) for number in numbers.tolist()]
        self._streams = [np.random.Generator(np.random.Philox(key=pair)) for pair in pairs]

    def __len__(self) -> int:
        return len(self._streams)

    def normal(self, *shape: int) -> Array:
        """`(N, *shape)` float32: mean 0, standard deviation 1."""
        return self._draw(lambda stream: stream.standard_normal(shape, np.float32), shape, np.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Array:
        """`(N, *shape)` float32 in `[low, high)`."""
        return low + (high - low) * self._draw(lambda stream: stream.random(shape, np.float32), shape, np.float32)

    def integers(self, *shape: int, low: int, high: int) -> Array:
        """`(N, *shape)` int64 in `[low, high)`."""
        return self._draw(lambda stream: stream.integers(low, high, shape), shape, np.int64)

    def poisson(self, means: Array) -> Array:
        """Counts with these means, `(N, ...)`, as float32."""
        result = np.empty(means.shape, np.float32)
        for row, stream in enumerate(self._streams):
            result[row] = stream.poisson(means[row])
        return result

    def _draw(self, draw: Callable[[np.random.Generator], Array], shape: tuple[int, ...], dtype: type) -> Array:
        result: Array = np.empty((len(self._streams), *shape), dtype)
        for row, stream in enumerate(self._streams):
            result[row] = draw(stream)
        return result
