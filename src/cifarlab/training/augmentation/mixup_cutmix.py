"""Training images mixed with one another, on the device, and their labels in the same shares."""

from typing import Any

import keras
from keras import ops

from cifarlab.training.augmentation._random_layer import RandomLayer, inside_rectangle


class MixUpCutMix(RandomLayer):
    """Mix each image of a batch with the next one, the last with the first; batches are shuffled already.

    Mixup (Zhang et al. 2017, arXiv:1710.09412) adds the two up; CutMix (Yun et al. 2019, arXiv:1905.04899) puts a
    rectangle of the one into the other. Where both are wanted, each image draws which.

    Args:
        mixup_alpha: The image's own share is drawn from Beta(alpha, alpha); 0 is off.
        cutmix_alpha: Likewise the share outside the rectangle, before it is cut off at the border; 0 is off.
        random: The random state, which several layers may share.
    """

    def __init__(
        self, mixup_alpha: float, cutmix_alpha: float, random: keras.random.SeedGenerator, **kwargs: Any
    ) -> None:
        super().__init__(random, **kwargs)
        self.mixup_alpha = mixup_alpha
        self.cutmix_alpha = cutmix_alpha

    def call(self, images: Any) -> tuple[Any, Any]:
        """Mix a batch.

        Args:
            images: `(B, H, W, C)` float32.

        Returns:
            `(B, H, W, C)` float32, and each image's own share in it `(B,)` float32; the rest is its neighbour's.
        """
        others = ops.roll(images, -1, axis=0)
        own = self._own(images)  # (B, H, W, 1): how much of each pixel is the image's own
        share = ops.mean(own, axis=(1, 2, 3))  # (B,): as it came out, since the border may cut a rectangle off
        return own * images + (1 - own) * others, share

    def _own(self, images: Any) -> Any:
        if not self.cutmix_alpha:
            return self._faded(images)
        if not self.mixup_alpha:
            return self._cut(images)
        coin = self.uniform(images)
        return ops.where(coin < 0.5, self._faded(images), self._cut(images))

    def _faded(self, images: Any) -> Any:
        """The same share for all pixels of an image."""
        return self._share(images, self.mixup_alpha) * ops.ones_like(images[..., :1])

    def _cut(self, images: Any) -> Any:
        """1 outside a rectangle of the image's proportions anywhere in it, 0 within."""
        sizes = images.shape[1:3]
        side = ops.sqrt(1 - self._share(images, self.cutmix_alpha))  # of the whole height and width
        centres = [size * self.uniform(images) for size in sizes]
        return 1 - inside_rectangle(images, centres, [side * size for size in sizes])

    def _share(self, images: Any, alpha: float) -> Any:
        """One share an image, `(B, 1, 1, 1)`."""
        return keras.random.beta((ops.shape(images)[0], 1, 1, 1), alpha, alpha, seed=self.seed_generator)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Of the images and of the shares."""
        return input_shape, input_shape[:1]
