"""Layers that train other layers' variables, faster than Keras does on TensorFlow; the model itself is left alone.

Measured on two cores with AVX512-BF16 by `benchmarks/tensorflow_layers.py`, forward and backward in bfloat16,
milliseconds for 1000 images, Keras's first: batch normalisation of 15 x 15 x 64, 56 and 9; SiLU of the same, 33 and 13;
a convolution of 256 by 256 channels at 7 x 7, 252 and 198, at 3 x 3, 91 and 40.
"""

import functools
import math
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Up to this many places the gradient of a 3x3 kernel is faster as nine matrix products.
MOST_PLACES = 64


def faster(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A layer that computes the same with the same variables in less time, or the layer itself."""
    if type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, 3):
        return FusedBatchNormalization(layer)
    if tf.config.list_physical_devices("GPU"):
        return layer  # the others are for processors
    if type(layer) is keras.layers.Conv2D and layer.trainable and _is_plain(layer):
        return SmallImageConvolution(layer)
    if type(layer) is keras.layers.Dropout and 0 < layer.rate < 1 and layer.noise_shape is None:
        _compile_without_notice()
        return FusedDropout(layer)
    fused = {keras.activations.silu: FusedSiLU, keras.activations.gelu: FusedGELU}
    if type(layer) is keras.layers.Activation and layer.activation in fused:
        _compile_without_notice()
        return fused[layer.activation](layer)
    return layer


class _Twin(keras.layers.Layer):
    """Another layer's name, precision and variables."""

    def __init__(self, layer: keras.layers.Layer) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The other layer's."""
        return self.layer.compute_output_shape(input_shape)


class FusedBatchNormalization(_Twin):
    """Batch normalisation over the last axis (arXiv:1502.03167) in one kernel and in the precision of its input.

    Keras computes it in float32 and in a dozen operations. Inference is left to the other layer; so is a frozen one,
    which normalises by its own statistics and moves none, in training too.
    """

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Normalise a batch and move the statistics.

        Args:
            inputs: `(B, H, W, C)` or `(B, C)`.
            training: Whether by the batch's own statistics.
            mask: Unused; Keras hands it over.
        """
        layer = self.layer
        if not (training and layer.trainable) or len(inputs.shape) not in (2, 4):
            return layer(inputs, training=training)
        channels = inputs.shape[-1]
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs if len(inputs.shape) == 4 else inputs[:, None, None],
            scale=tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=max(layer.epsilon, 1.001e-5),  # what cuDNN accepts
            is_training=True,
        )
        # result: normalised images, mean and variance of the batch, each statistic (C,). The variance is N / (N - 1)
        # times Keras's, N being B * H * W, as torch keeps it too.
        for variable, value in ((layer.moving_mean, result[1]), (layer.moving_variance, result[2])):
            variable.assign(variable * layer.momentum + value * (1 - layer.momentum))
        return result[0] if len(inputs.shape) == 4 else result[0][:, 0, 0]


class SmallImageConvolution(_Twin):
    """A 3x3 convolution whose kernel's gradient is nine matrix products where the image is small."""

    def call(self, inputs: Any) -> Any:
        """Convolve.

        Args:
            inputs: `(B, H, W, C)`.
        """
        if inputs.shape[1] * inputs.shape[2] > MOST_PLACES:
            return self.layer(inputs)
        return _convolve(inputs, keras.ops.cast(self.layer.kernel, self.compute_dtype))


class FusedDropout(_Twin):
    """Dropout (arXiv:1207.0580) that draws and applies in one compiled loop, and again for the gradient.

    Other numbers are left out than by Keras's layer, as independently of each other; drawing them by Keras takes `mlp2`
    a fifteenth of its step. The random state is the other layer's, and so part of every checkpoint.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Leave out each number with the layer's rate, and divide the others by one minus it.

        Args:
            inputs: `(B, ...)`.
            training: Whether to leave out any.
        """
        if not training:
            return inputs
        return _dropout(inputs, self.layer.seed_generator.next(), self.layer.rate)


class FusedSiLU(_Twin):
    """SiLU (arXiv:1702.03118) whose gradient is one compiled loop."""

    def call(self, inputs: Any) -> Any:
        """The activation of each number."""
        return _silu(inputs)


class FusedGELU(_Twin):
    """GELU (arXiv:1606.08415), exact and not by tanh, as one compiled loop, and its gradient as another."""

    def call(self, inputs: Any) -> Any:
        """The activation of each number."""
        return _gelu(inputs)


def _is_plain(layer: keras.layers.Conv2D) -> bool:
    return (
        layer.kernel_size == (3, 3)
        and layer.strides == (1, 1)
        and layer.dilation_rate == (1, 1)
        and (layer.padding, layer.groups, layer.use_bias) == ("same", 1, False)
        and layer.activation is keras.activations.linear
        and layer.data_format == "channels_last"
    )


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _convolve(images: Any, kernel: Any) -> Any:
    def gradients(upstream: Any) -> Any:
        images_gradient = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(images), filter=kernel, out_backprop=upstream, strides=[1, 1, 1, 1], padding="SAME"
        )
        return images_gradient, kernel_gradient(images, upstream)

    return tf.nn.conv2d(images, kernel, 1, "SAME"), gradients


def kernel_gradient(images: Any, upstream: Any) -> Any:
    """Gradient of a 3x3 kernel: for each of its nine positions the product of the two images where they overlap.

    Args:
        images: `(B, H, W, C)`, what was convolved with padding "same".
        upstream: `(B, H, W, K)`, gradient of the result.

    Returns:
        `(3, 3, C, K)`.
    """
    height, width = images.shape[1:3]
    # The weight at (down, right) of the kernel meets image pixel p + (down, right) wherever result pixel p exists: both
    # are cut to where they overlap, which is what padding with zeros comes to.
    products = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            seen = images[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
            made = upstream[:, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
            flat = (tf.reshape(part, (-1, part.shape[-1])) for part in (seen, made))
            products.append(tf.matmul(*flat, transpose_a=True))  # (C, K)
    return tf.reshape(tf.stack(products), (3, 3, images.shape[-1], upstream.shape[-1]))


def _dropout(inputs: Any, seed: Any, rate: float) -> Any:
    """Dropout by two words of a seed, `(2,)`."""

    # It is linear, so that its gradient is itself: drawn again, which costs less than to keep what was drawn.
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def dropped(numbers: Any) -> Any:
        return _dropped(numbers, seed, rate), lambda upstream: _dropped(upstream, seed, rate)

    return dropped(inputs)


@tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
def _dropped(numbers: Any, seed: Any, rate: float) -> Any:
    key = _mixed(tf.cast(seed, tf.uint32))
    place = tf.reshape(tf.cast(tf.range(tf.size(numbers)), tf.uint32), tf.shape(numbers))
    drawn = _mixed(_mixed(place + key[0]) ^ key[1])  # each of 2 ** 32 numbers equally likely
    kept = drawn >= np.uint32(min(round(rate * 2**32), 2**32 - 1))
    return tf.where(kept, numbers * tf.cast(1 / (1 - rate), numbers.dtype), tf.zeros((), numbers.dtype))


def _mixed(words: Any) -> Any:
    """Every bit of the result depends on all bits: `lowbias32` of Wellons's hash-prospector (public domain, 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = (words ^ tf.bitwise.right_shift(words, np.uint32(shift))) * np.uint32(factor)
    return words ^ tf.bitwise.right_shift(words, np.uint32(16))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _silu(inputs: Any) -> Any:
    return tf.nn.silu(inputs), lambda upstream: _silu_gradient(upstream, inputs)


@tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
def _silu_gradient(upstream: Any, inputs: Any) -> Any:
    x = tf.cast(inputs, tf.float32)
    gate = tf.sigmoid(x)
    # d/dx of x * gate(x) with gate' = gate * (1 - gate): only x is kept for the backward pass.
    return tf.cast(tf.cast(upstream, tf.float32) * gate * (1 + x * (1 - gate)), inputs.dtype)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _gelu(inputs: Any) -> Any:
    return _gelu_forward(inputs), lambda upstream: _gelu_gradient(upstream, inputs)


@tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
def _gelu_forward(inputs: Any) -> Any:
    x = tf.cast(inputs, tf.float32)
    return tf.cast(x * _normal_share_below(x), inputs.dtype)


@tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
def _gelu_gradient(upstream: Any, inputs: Any) -> Any:
    x = tf.cast(inputs, tf.float32)
    # d/dx of x * Phi(x) is Phi(x) + x * phi(x), in float32 also where numbers are bfloat16.
    density = tf.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return tf.cast(tf.cast(upstream, tf.float32) * (_normal_share_below(x) + x * density), inputs.dtype)


def _normal_share_below(x: Any) -> Any:
    """The standard normal distribution function."""
    return 0.5 * (1 + tf.math.erf(x / math.sqrt(2)))


@functools.cache
def _compile_without_notice() -> None:
    """Compile something once, because TensorFlow announces its first compilation on stderr, whatever its log level."""
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        _silu_gradient(tf.zeros(1), tf.zeros(1))
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
