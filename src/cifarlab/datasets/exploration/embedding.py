"""Images as points in the plane: principal components, and t-SNE.

Both see pixels and nothing else, no labels and no trained network, so that what they bring together looks alike.
t-SNE: van der Maaten and Hinton 2008, Journal of Machine Learning Research 9.
"""

import numpy as np

from cifarlab.utils.arrays import Array

_FEWEST = 8


def project(images: Array, seed: int) -> tuple[Array, Array, Array] | None:
    """Two maps of the images.

    Args:
        images: `(N, H, W, C)` uint8.
        seed: Of the randomised decomposition; the same seed gives the same maps on the same machine.

    Returns:
        `(N, 2)` float64 PCA points, `(2,)` float64 share of the variance each of their axes explains, and `(N, 2)`
        float64 t-SNE points; None for fewer than eight images or images that are all the same.
    """
    # scikit-learn takes a second to import, and most who import this package do not draw maps.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    flat = images.reshape(len(images), -1).astype(np.float64) / 255
    if len(flat) < _FEWEST or np.ptp(flat, axis=0).max() == 0:
        return None
    components = min(50, *flat.shape)
    pca = PCA(components, svd_solver="randomized", random_state=seed)
    reduced = pca.fit_transform(flat)
    tsne = TSNE(init="pca", perplexity=min(30.0, (len(flat) - 1) / 3), random_state=seed)
    # Its threads wait for each other by spinning: on a busy machine, one alone is three times as fast as two.
    with threadpool_limits(1):
        points = tsne.fit_transform(reduced)
    return reduced[:, :2], pca.explained_variance_ratio_[:2], points.astype(np.float64)


def same_class_share(points: Array, labels: Array) -> float:
    """Share of the points whose nearest other point is of the same class.

    Args:
        points: `(N, 2)` float, N at least 2.
        labels: `(N,)` int.
    """
    from scipy.spatial import KDTree

    _, neighbours = KDTree(points).query(points, k=2)
    # Of two points in one place either may be listed first.
    nearest = np.where(neighbours[:, 0] == np.arange(len(points)), neighbours[:, 1], neighbours[:, 0])
    return float((labels[nearest] == labels).mean())
