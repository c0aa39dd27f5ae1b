"""How fast training images are gathered, mirrored and shifted, alone, without a network behind them.

    python benchmarks/input_path.py --rounds 5

Three ways, in turn, each with the same changes (mirrored with probability 1/2, shifted by up to two pixels, edges
reflected) for the same batch sizes: cifarlab's own, as the engines compile it, images resident on the device; Keras's
layers RandomFlip and RandomTranslation in the place of ours; and a tf.data pipeline of shuffle, batch, those layers
in a map, and prefetch. Prints images a second (median, smallest, largest) and the ratio to the faster of the others.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from _measure import begin, errors_in_one_line, in_turn, ratios, tell

from cifarlab.recipes import Recipe
from cifarlab.utils.arrays import Array
from cifarlab.utils.environment import choose_backend

BATCH_SIZES = (500, 2000)
SHIFT_PIXELS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10", help="a data set, as in cifarlab train")
    parser.add_argument("--data-dir")
    parser.add_argument("--images", type=int, default=50_000, help="at most so many, once each a round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = begin(parser)
    with errors_in_one_line():
        backend = choose_backend()
        from cifarlab.datasets import load_data

        splits = load_data(arguments.data, data_dir=arguments.data_dir, validation_fraction=0)
        images = splits.train.images[: arguments.images]
        print(f"{backend}, {len(images):,} images of {arguments.data}")
        for batch_size in BATCH_SIZES:
            if batch_size > len(images):
                print(f"batch size {batch_size}: more than the images there are")
                continue
            measure(images, batch_size, arguments.rounds)


def measure(images: Array, batch_size: int, rounds: int) -> None:
    """Let the ways take turns at one batch size, and print what each did."""
    ways = {"cifarlab": ours(images, batch_size), "Keras's layers": keras_layers(images, batch_size)}
    if importlib.util.find_spec("tensorflow"):
        ways["tf.data"] = tf_data(images, batch_size)
    else:
        tell("tf.data is not measured: it needs the package tensorflow-cpu")
    for way in ways.values():
        way()  # compiles
    rates = in_turn(ways, rounds)
    print(f"batch size {batch_size}")
    for name, values in rates.items():
        print(f"  {name:18s}{statistics.median(values):10,.0f} images/s ({min(values):,.0f} to {max(values):,.0f})")
    best = max((name for name in rates if name != "cifarlab"), key=lambda name: statistics.median(rates[name]))
    ratio = ratios(rates["cifarlab"], rates[best])
    print(f"  {ratio['ratio']:.1f} times the images/s of {best} ({ratio['min']:.1f} to {ratio['max']:.1f})")


def ours(images: Array, batch_size: int) -> Callable[[], float]:
    """A recipe's augmentation, in front of a model that only adds up what it is given."""
    from cifarlab.training.augmentation.pipeline import add_augmentation

    recipe = Recipe(model="mlp", flip="random", translate_pixels=SHIFT_PIXELS)
    model = add_augmentation(summing_model(images.shape[1:]), recipe)[images.shape[1]]
    return epochs_of(model, images, batch_size, mirror=True)


def keras_layers(images: Array, batch_size: int) -> Callable[[], float]:
    """The same changes by Keras's own layers."""
    import keras

    inputs = keras.Input(images.shape[1:], dtype="uint8")
    changed = random_layers(images.shape[1:])(keras.ops.cast(inputs, "float32"))
    return epochs_of(keras.Model(inputs, summing_model(images.shape[1:])(changed)), images, batch_size, mirror=False)


def random_layers(image_shape: tuple[int, ...]) -> Any:
    import keras

    height, width = image_shape[:2]
    flip = keras.layers.RandomFlip("horizontal", seed=0)
    # Whole pixels need no interpolation; the factor is a share of the image's size.
    shift = keras.layers.RandomTranslation(
        SHIFT_PIXELS / height, SHIFT_PIXELS / width, fill_mode="reflect", interpolation="nearest", seed=1
    )
    return keras.Sequential([flip, shift])


def summing_model(image_shape: tuple[int, ...]) -> Any:
    """A model that reads every pixel, so that none of the work before it can be left out, and gives one number each."""
    import keras

    inputs = keras.Input(image_shape)
    return keras.Model(inputs, keras.ops.sum(inputs, axis=(1, 2, 3)))


def epochs_of(model: Any, images: Array, batch_size: int, mirror: bool) -> Callable[[], float]:
    """A function that sends every image through the model once, in a random order, and returns images a second."""
    run = compiled_gather(model, images, mirror)
    generator = np.random.default_rng(0)
    whole = len(images) // batch_size * batch_size

    def epoch() -> float:
        order = generator.permutation(len(images))[:whole]
        mirrored = generator.random(whole) < 0.5 if mirror else np.zeros(whole, bool)
        rows = (order + len(images) * mirrored).reshape(-1, batch_size).astype(np.int32)
        began = time.perf_counter()
        run(rows)
        return whole / (time.perf_counter() - began)

    return epoch


def compiled_gather(model: Any, images: Array, mirror: bool) -> Callable[[Array], Any]:
    """One compiled call that takes rows `(S, B)`, and gathers and changes a batch for each of them."""
    import keras

    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](model, images, mirror)


def _tensorflow(model: Any, images: Array, mirror: bool) -> Callable[[Array], Any]:
    import tensorflow as tf

    from cifarlab.training.augmentation.flip import with_mirror_images

    resident = tf.constant(with_mirror_images(images, mirror))

    @tf.function  # type: ignore[untyped-decorator]
    def run(rows: Any) -> Any:
        total = tf.constant(0.0)
        for number in tf.range(tf.shape(rows)[0]):
            total += tf.reduce_sum(model(tf.gather(resident, rows[number]), training=True))
        return total

    return lambda rows: run(tf.constant(rows)).numpy()


def _jax(model: Any, images: Array, mirror: bool) -> Callable[[Array], Any]:
    import jax

    from cifarlab.training.augmentation.flip import with_mirror_images

    resident = jax.device_put(with_mirror_images(images, mirror))
    weights = [variable.value for variable in model.trainable_variables]
    states = [[variable.value for variable in model.non_trainable_variables]]

    @jax.jit  # type: ignore[untyped-decorator]
    def run(others: Any, resident: Any, rows: Any) -> Any:
        def step(others: Any, batch: Any) -> Any:
            sums, others = model.stateless_call(weights, others, resident[batch], training=True)
            return others, sums.sum()

        return jax.lax.scan(step, others, rows)

    def call(rows: Array) -> Any:
        states[0], sums = run(states[0], resident, rows)
        return np.asarray(sums)

    return call


def _torch(model: Any, images: Array, mirror: bool) -> Callable[[Array], Any]:
    import keras
    import torch

    from cifarlab.training.augmentation.flip import with_mirror_images

    resident = keras.ops.convert_to_tensor(with_mirror_images(images, mirror))

    def call(rows: Array) -> Any:
        with torch.no_grad():
            on_device = torch.from_numpy(rows).to(resident.device)
            return sum(model(resident[batch], training=True).sum() for batch in on_device).cpu().numpy()

    return call


def tf_data(images: Array, batch_size: int) -> Callable[[], float]:
    """What the tutorials show: shuffle, batch, a map of Keras's layers, prefetch."""
    import tensorflow as tf

    layers = random_layers(images.shape[1:])
    pipeline = (
        tf.data.Dataset.from_tensor_slices(images)
        .shuffle(len(images))
        .batch(batch_size, drop_remainder=True)
        .map(lambda batch: layers(tf.cast(batch, tf.float32), training=True), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )

    def epoch() -> float:
        began = time.perf_counter()
        count = sum(len(batch) for batch in pipeline)
        return count / (time.perf_counter() - began)

    return epoch


if __name__ == "__main__":
    main()
