"""How alike two pictures are: by their layout, which finds candidates fast, and by their fine structure.

`duplicates` says how the two are used.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter1d
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from cifarlab.datasets.exploration.statistics import grey
from cifarlab.utils.arrays import Array
from cifarlab.utils.machine.processor import usable_cores

_GRID = 8
_COMPONENTS = 128
_MAX_CANDIDATES = 60_000
_TILE_ROWS, _TILE_COLUMNS = 512, 1024
_FLAT_GREY_LEVELS = 2.0
_BLOCK = 1024


def layout_features(images: Array) -> tuple[Array, Array]:
    """Whitened 8x8 versions of the images, as an even part that a mirror leaves alone and an odd part that it negates.

    The cosine of two images is `even_i @ even_j + odd_i @ odd_j`; of one with the mirror image of the other, it is
    `even_i @ even_j - odd_i @ odd_j`.

    Args:
        images: `(N, H, W, C)` uint8, N at least 2.

    Returns:
        `(N, D)` and `(N, E)` float32; together the rows have length 1. Rows of nearly flat images are zero, so that
        they resemble nothing.
    """
    small = shrink(images)  # (N, G, G, C)
    small -= small.mean(axis=(1, 2), keepdims=True)
    flat = small.reshape(len(small), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    flat *= (norms > _FLAT_GREY_LEVELS * np.sqrt(flat.shape[1])) / np.maximum(norms, 1e-6)
    turned = small[:, :, ::-1].reshape(flat.shape)
    parts = [(flat + turned) / 2, (flat - turned) / 2]
    whitened = [part @ directions for part, directions in zip(parts, _whitening(parts), strict=True)]
    lengths = np.linalg.norm(np.concatenate(whitened, axis=1), axis=1, keepdims=True)
    even, odd = (np.asarray(part / np.maximum(lengths, 1e-6)) for part in whitened)
    return even, odd


def find_similar(
    even: Array, odd: Array, floor: float, report: Callable[[float], None]
) -> tuple[tuple[Array, Array, Array, Array], bool]:
    """Pairs whose layouts agree, straight or mirrored: the 60,000 most alike where there are more.

    Tiles small enough for a core's cache, one thread a core, and the matrix library held to one thread each: faster
    than its own threads, and ten times so on a machine that is busy with something else.

    Args:
        even: `(N, D)` float32, as from `layout_features`.
        odd: `(N, E)` float32, as from `layout_features`.
        floor: Smallest cosine.
        report: Called with the fraction done.

    Returns:
        Four arrays `(M,)`, sorted: first index, second index (larger than the first), cosine, and whether mirrored;
        and whether these are all such pairs.
    """
    count = len(even)
    candidates = _Candidates(floor)
    tops = range(0, count, _TILE_ROWS)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(usable_cores()) as pool:
        for top, _ in zip(tops, pool.map(lambda top: _search_rows(even, odd, top, candidates), tops), strict=True):
            report(1 - (1 - min(top + _TILE_ROWS, count) / count) ** 2)  # later rows have fewer columns left
    return candidates.collect(), candidates.complete


def detail_similarity(images: Array, first: Array, second: Array, mirrored: bool = False) -> Array:
    """Best correlation of two images' fine structure over shifts of up to a tenth of the width.

    Args:
        images: `(N, H, W, C)` uint8.
        first: `(M,)` int indices.
        second: `(M,)` int indices, as many.
        mirrored: Whether the second images are flipped left to right.

    Returns:
        `(M,)` float32 in `[-1, 1]`; 0 where an image has no structure.
    """
    used, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
    structure = _fine_structure(images, used)
    rows, columns = inverse[: len(first)], inverse[len(first) :]
    scores = np.zeros(len(first), dtype=np.float32)
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        other = structure[columns[block]]
        scores[block] = _best_correlation(structure[rows[block]], other[:, :, ::-1] if mirrored else other)
    return scores


def pixel_distance(images: Array, first: Array, second: Array, mirrored: bool) -> Array:
    """Root mean square difference of the pixels of each pair, in grey levels.

    Args:
        images: `(N, H, W, C)` uint8.
        first: `(M,)` int indices.
        second: `(M,)` int indices.
        mirrored: Whether the second images are flipped left to right.

    Returns:
        `(M,)` float64, 0 to 255.
    """
    distances = np.zeros(len(first))
    for start in range(0, len(first), _BLOCK):
        one = images[first[start : start + _BLOCK]].astype(np.float32)
        other = images[second[start : start + _BLOCK]].astype(np.float32)
        difference = one - (other[:, :, ::-1] if mirrored else other)
        distances[start : start + _BLOCK] = np.sqrt((difference**2).mean(axis=(1, 2, 3)))
    return distances


def shrink(images: Array) -> Array:
    """Area averages on a `G` by `G` grid: `(N, H, W, C)` uint8 -> `(N, G, G, C)` float32."""
    count, height, width, channels = images.shape
    down, across = _averaging(height), _averaging(width)  # (G, H), (G, W)
    small = np.empty((count, len(down), len(across), channels), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        part = images[start : start + _BLOCK].astype(np.float32)
        rows = np.matmul(down, part.reshape(len(part), height, width * channels))  # (B, G, W * C)
        small[start : start + _BLOCK] = np.matmul(across, rows.reshape(len(part), len(down), width, channels))
    return small


def _averaging(size: int) -> Array:
    """`(G, size)` float32: row g averages the g-th of G equal stretches of `size` pixels."""
    cells = min(_GRID, size)
    edges = np.linspace(0, size, cells + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    result: Array = (np.maximum(overlap, 0) * cells / size).astype(np.float32)
    return result


def _whitening(parts: list[Array]) -> list[Array]:
    """PCA directions of each part divided by their spread, `(F, D)` float32 each, fitted on at most 20,000 images.

    Fewer directions for fewer images: whitened in as many directions as there are images, all would look unlike.
    """
    count = len(parts[0])
    step = -(-count // 20_000)
    solved = [np.linalg.eigh(part[::step].T.astype(np.float64) @ part[::step] * step / count) for part in parts]
    values = np.sort(np.concatenate([values for values, _ in solved]))[::-1]
    wanted = min(_COMPONENTS, max(8, count // 8), len(values))
    least = max(values[wanted - 1], 1e-4 * values[0])
    return [
        (vectors[:, spread >= least] / np.sqrt(spread[spread >= least])).astype(np.float32)
        for spread, vectors in solved
    ]


def _search_rows(even: Array, odd: Array, top: int, candidates: "_Candidates") -> None:
    rows = slice(top, top + _TILE_ROWS)
    tile = (len(even[rows]), min(_TILE_COLUMNS, len(even) - top))
    same_buffer, turned_buffer = np.empty(tile, dtype=np.float32), np.empty(tile, dtype=np.float32)
    for left in range(top, len(even), _TILE_COLUMNS):
        columns = slice(left, left + _TILE_COLUMNS)
        width = len(even[columns])
        same = np.matmul(even[rows], even[columns].T, out=same_buffer[:, :width])
        turned = np.matmul(odd[rows], odd[columns].T, out=turned_buffer[:, :width])
        hits = np.flatnonzero(same + np.abs(turned) >= candidates.floor)
        first, second = hits // width + top, hits % width + left
        row, column = first - top, second - left
        ordered = first < second
        row, column = row[ordered], column[ordered]
        odd_part = turned[row, column]
        candidates.add(first[ordered], second[ordered], same[row, column] + np.abs(odd_part), odd_part < 0)


class _Candidates:
    """The pairs found so far; where there are very many, the floor rises and only the most alike are kept."""

    def __init__(self, floor: float) -> None:
        self.floor = floor
        self.complete = True
        self._found: list[tuple[Array, ...]] = []
        self._held = 0
        self._lock = Lock()

    def add(self, *columns: Array) -> None:
        with self._lock:
            self._found.append(columns)
            self._held += len(columns[0])
            if self._held > 4 * _MAX_CANDIDATES:
                self._found = [self._highest()]
                self._held, self.floor = _MAX_CANDIDATES, float(self._found[0][2].min())

    def collect(self) -> tuple[Array, Array, Array, Array]:
        first, second, cosine, mirrored = self._highest()
        order = np.lexsort((second, first))
        return first[order], second[order], cosine[order], mirrored[order]

    def _highest(self) -> tuple[Array, ...]:
        joined = tuple(np.concatenate(column) for column in zip(*self._found, strict=True))
        if len(joined[2]) <= _MAX_CANDIDATES:
            return joined
        self.complete = False
        kept = np.argpartition(-joined[2], _MAX_CANDIDATES)[:_MAX_CANDIDATES]
        return tuple(column[kept] for column in joined)


def _fine_structure(images: Array, used: Array) -> Array:
    """Grey images without their slow changes: the difference of two Gaussian blurs. `(U, H, W)` float32."""
    _, height, width, _ = images.shape
    kernels = [
        [gaussian_filter1d(np.eye(size, dtype=np.float32), sigma * size / 32, axis=0) for size in (height, width)]
        for sigma in (0.7, 3.0)
    ]
    structure = np.empty((len(used), height, width), dtype=np.float32)
    for start in range(0, len(used), _BLOCK):
        part = grey(images[used[start : start + _BLOCK]])
        fine, slow = (np.matmul(np.matmul(down, part), across.T) for down, across in kernels)
        structure[start : start + _BLOCK] = fine - slow
    return structure


def _best_correlation(first: Array, second: Array) -> Array:
    """Normalised correlation of the second's centre with the first, at its best place. `(B, H, W)` -> `(B,)`."""
    _, height, width = first.shape
    down, across = max(1, height // 10), max(1, width // 10)
    centre = second[:, down : height - down, across : width - across]
    centre = centre - centre.mean(axis=(1, 2), keepdims=True)
    shape, size = (height, width), centre.shape[1] * centre.shape[2]
    # The centre fits inside the first at every shift, so that the circular correlation never wraps around.
    spectrum = scipy.fft.rfft2(first) * np.conj(scipy.fft.rfft2(centre, shape))
    product_sums = scipy.fft.irfft2(spectrum, shape)[:, : 2 * down + 1, : 2 * across + 1]
    sums, squares = (_window_sums(part, centre.shape[1:]) for part in (first, first**2))
    spread = np.sqrt(np.maximum(squares - sums**2 / size, 0)) * np.linalg.norm(centre, axis=(1, 2))[:, None, None]
    structured = spread > _FLAT_GREY_LEVELS**2 / 4 * size
    result: Array = (structured * product_sums / np.maximum(spread, 1e-6)).max(axis=(1, 2))
    return result


def _window_sums(array: Array, window: tuple[int, ...]) -> Array:
    """Sums over every window: `(B, H, W)` -> `(B, H - h + 1, W - w + 1)`, h and w the window's sides."""
    totals = np.pad(array.astype(np.float64), ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    h, w = window
    result: Array = totals[:, h:, w:] - totals[:, :-h, w:] - totals[:, h:, :-w] + totals[:, :-h, :-w]
    return result
