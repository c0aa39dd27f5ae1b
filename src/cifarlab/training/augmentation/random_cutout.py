"""Cover a square of each training image, on the device, batch by batch."""

from typing import Any

import keras

from cifarlab.training.augmentation._random_layer import RandomLayer, inside_rectangle
from cifarlab.training.augmentation.random_brightness_contrast import MID_GREY


class RandomCutout(RandomLayer):
    """Cover a square of each image with mid-grey, anywhere in it: Cutout (DeVries and Taylor 2017, arXiv:1708.04552).

    The square lies inside the image, as in airbench96 (Jordan 2024, arXiv:2404.00498); in the paper its border may cut
    a part of it off. (`keras.layers.RandomErasing` draws area and proportions, and keeps a random state of its own.)

    Args:
        share: The square's side, as a share of the image's height: shrunken images lose as much as whole ones.
        random: The random state, which several layers may share.
    """

    def __init__(self, share: float, random: keras.random.SeedGenerator, **kwargs: Any) -> None:
        super().__init__(random, **kwargs)
        self.share = share

    def call(self, images: Any) -> Any:
        """Change a batch.

        Args:
            images: `(B, H, W, C)` float32, 0 to 255.

        Returns:
            `(B, H, W, C)` float32.
        """
        side = self.share * images.shape[1]
        centres = [side / 2 + (size - side) * self.uniform(images) for size in images.shape[1:3]]
        covered = inside_rectangle(images, centres, (side, side))
        return images + covered * (MID_GREY - images)
