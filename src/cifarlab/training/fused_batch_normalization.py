"""Keras's batch normalisation done by TensorFlow's one kernel for it, in the precision of its input.

Keras computes it in float32, in a dozen operations: for 500 x 15 x 15 x 64 bfloat16 values on two cores, forward and
backward take 24 ms; this takes 4.
"""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.Layer):
    """Trains another layer's variables (arXiv:1502.03167); inference is left to that layer.

    Args:
        layer: A built `keras.layers.BatchNormalization` over the last axis of `(B, H, W, C)`.
    """

    def __init__(self, layer: keras.layers.BatchNormalization) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's own."""
        return input_shape

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalise a batch and move the statistics.

        Args:
            inputs: `(B, H, W, C)`.
            training: Whether by the batch's own statistics.
            mask: Unused; Keras hands it over.
        """
        layer = self.layer
        if not training or len(inputs.shape) != 4:
            return layer(inputs, training=training)
        channels = inputs.shape[-1]
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=max(layer.epsilon, 1.001e-5),  # what cuDNN accepts
            is_training=True,
        )
        for variable, value in ((layer.moving_mean, result[1]), (layer.moving_variance, result[2])):
            variable.assign(variable * layer.momentum + value * (1 - layer.momentum))
        return result[0]
