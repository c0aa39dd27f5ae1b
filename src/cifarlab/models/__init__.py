"""One file each, found by its name."""

from cifarlab.models._pixel_order import pixel_order, shuffle_images
from cifarlab.models._unit_positions import even_places, nearness, pixel_places

__all__ = ["even_places", "nearness", "pixel_order", "pixel_places", "shuffle_images"]
