"""The same pictures with their pixels in another order: what a dense network cannot notice, and a convolution can.

A layer of a model and not a step before it, so that training images are shifted and mirrored as real pictures, and a
saved model carries its order with it.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cifarlab.models._pixel_order import pixel_order


@keras.saving.register_keras_serializable(package="cifarlab")
class ShufflePixels(keras.layers.Layer):
    """Put every image's pixels in another order, the same for all; a pixel's channels stay together.

    Args:
        order: For every place of the result, row by row, which of the image's `H * W` pixels stands there.
    """

    def __init__(self, order: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.order = [int(place) for place in order]

    def call(self, images: Any) -> Any:
        """Shuffle a batch.

        Args:
            images: `(B, H, W, C)`.

        Returns:
            The same shape.

        Raises:
            ValueError: If the images have another number of pixels.
        """
        height, width, channels = images.shape[1:]
        if height * width != len(self.order):
            raise ValueError(f"expected images of {len(self.order)} pixels. Received: {height} x {width}")
        flat = ops.reshape(images, (-1, height * width, channels))
        shuffled = ops.take(flat, np.array(self.order, np.int32), axis=1)
        return ops.reshape(shuffled, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The images' own."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the layer is made from again: the order itself, so that no later generator can change it."""
        return {**super().get_config(), "order": self.order}


def shuffle_inputs(model: keras.Model) -> keras.Model:
    """The same layers behind a `ShufflePixels`.

    Args:
        model: A functional model of one input `(B, H, W, C)`; it shares its layers with the result.

    Raises:
        ValueError: If it is not functional; Keras says so.
    """
    shape = model.input_shape[1:]
    inputs = keras.Input(shape, name="pixels")
    # In float32, because not every grey level between two whole ones is a bfloat16.
    shuffled = ShufflePixels(pixel_order(*shape[:2]).tolist(), dtype="float32", name="shuffle_pixels")(inputs)

    def call(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        return layer(*(shuffled if each is inputs else each for each in args), **kwargs)

    return keras.models.clone_model(model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call)
