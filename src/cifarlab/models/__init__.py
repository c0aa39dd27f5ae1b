"""One file each, found by its name."""

from cifarlab.models._arguments import KINDS, check_argument, check_arguments
from cifarlab.models._pixel_order import pixel_order, shuffle_images
from cifarlab.models._unit_positions import gaussian_window, pixel_positions, unit_positions

__all__ = [
    "KINDS",
    "check_argument",
    "check_arguments",
    "gaussian_window",
    "pixel_order",
    "pixel_positions",
    "shuffle_images",
    "unit_positions",
]
