"""Keras's own layers against our twins on TensorFlow: one batch forward and backward, in turn.

    python benchmarks/tensorflow_layers.py --batch-size 1000 --rounds 7

The layers are those of `convnet94` at the sizes it has for images of 32 x 32 pixels, and two of dense networks. Both
compute the same with the same variables (`tests/training` holds that), but for dropout, which draws otherwise; what is
timed is a compiled gradient of the layer's variables and of its input.
Prints milliseconds (median and range of the rounds) and the ratio.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf
from _measure import begin, in_turn, ratios, spread

from cifarlab.training.tensorflow_layers import faster

Layers = dict[str, tuple[tuple[int, ...], Callable[[], keras.layers.Layer]]]
CASES: Layers = {
    "batch normalisation": ((15, 15, 64), lambda: keras.layers.BatchNormalization(scale=False)),
    "SiLU": ((15, 15, 64), lambda: keras.layers.Activation("silu")),
    "dropout": ((512,), lambda: keras.layers.Dropout(0.3)),
    "GELU": ((3072,), lambda: keras.layers.Activation("gelu")),
    "convolution 256 to 256": ((7, 7, 256), lambda: _convolution(256)),
    "the same, smaller": ((3, 3, 256), lambda: _convolution(256)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", default="mixed_bfloat16", choices=["mixed_bfloat16", "float32"])
    arguments = begin(parser)
    keras.config.set_dtype_policy(arguments.precision)
    print(f"{arguments.precision}, {arguments.batch_size} images, forward and backward")
    print(f"{'':26s}{'input':>14s}{'Keras':>26s}{'ours':>26s}   ratio")
    for name, (shape, build) in CASES.items():
        layer = build()
        layer.build((None, *shape))
        found = in_turn(
            {
                f"{name}, Keras": measured(layer, shape, arguments.batch_size),
                f"{name}, ours": measured(faster(layer), shape, arguments.batch_size),
            },
            arguments.rounds,
        )
        theirs, ours = found.values()
        ratio = ratios(ours, theirs)
        size = " x ".join(map(str, shape))
        print(f"{name:26s}{size:>14s}{_said(theirs):>26s}{_said(ours):>26s}   {ratio['ratio']:.2f}", flush=True)


def measured(layer: keras.layers.Layer, shape: tuple[int, ...], batch_size: int) -> Callable[[], float]:
    """A function that runs the layer's step five times and returns milliseconds a step; compiled beforehand."""
    dtype = layer.compute_dtype
    images = tf.cast(tf.random.normal((batch_size, *shape)), dtype)
    upstream = tf.cast(tf.random.normal((batch_size, *shape)), dtype)

    @tf.function  # type: ignore[untyped-decorator]
    def step() -> object:
        with tf.GradientTape() as tape:
            tape.watch(images)
            made = layer(images, training=True)
        wanted = [images, *(variable.value for variable in getattr(layer, "layer", layer).trainable_variables)]
        return tape.gradient(made, wanted, upstream)

    def run() -> float:
        began = time.perf_counter()
        for _ in range(5):
            step()[0].numpy()
        return 1000 * (time.perf_counter() - began) / 5

    run()
    return run


def _convolution(filters: int) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)


def _said(milliseconds: list[float]) -> str:
    found = spread(milliseconds)
    return f"{found['median']:.1f} ({found['min']:.1f}-{found['max']:.1f}) ms"


if __name__ == "__main__":
    main()
