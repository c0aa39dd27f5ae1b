"""Weights as small pictures, each scaled on its own."""

import numpy as np

from cifarlab.plots._style import Array


def to_tiles(weights: Array) -> Array:
    """Every unit on its own symmetric range: grey is a weight of zero, bright counts for, dark against.

    Args:
        weights: `(units, H, W, C)` float, C is 1 or 3.

    Returns:
        `(units, H, W, 3)` uint8.

    Raises:
        ValueError: If the weights have another shape.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 4 or weights.shape[-1] not in (1, 3) or not len(weights):
        raise ValueError(f"expected weights (units, H, W, 1 or 3). Received: shape {weights.shape}")
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    shown = np.round((0.5 + 0.5 * weights / np.maximum(largest, 1e-12)) * 255).astype(np.uint8)
    return np.repeat(shown, 3, axis=-1) if shown.shape[-1] == 1 else shown
