"""An epoch of a dense recipe against the same network in a bare Keras script, in turn, in one process.

    python benchmarks/dense_epoch.py mlp2 --rounds 7

The peer is what a Keras user writes first: the same layers, `model.compile` and `model.fit` on float32 NumPy arrays
that are already normalised, with the same optimizer, batch size and loss. It is run with Keras's default settings, and
on TensorFlow also with `jit_compile=False`; the faster of the two counts. Prints seconds an epoch (median), the ratio
of each round, its spread, and the share of this machine's measured matrix-multiply rate.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from _measure import begin, matrix_rate

from cifarlab.datasets import ImageSet, load_data
from cifarlab.recipes import Recipe, load_recipe
from cifarlab.utils.environment import choose_backend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mlp2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data-dir")
    arguments = begin(parser)
    backend = choose_backend()
    recipe = load_recipe(arguments.recipe)
    if recipe.model != "mlp":
        sys.exit(f"error: the bare script is of model mlp. Received: {arguments.recipe}, of model {recipe.model}")
    train = load_data(recipe.data, data_dir=arguments.data_dir).train
    peers = {"bare Keras, defaults": bare_epoch(recipe, train, "auto")}
    if backend == "tensorflow":
        peers["bare Keras, jit_compile=False"] = bare_epoch(recipe, train, False)
    ours = our_epoch(recipe, train)
    limit = matrix_rate()
    times: dict[str, list[float]] = {name: [] for name in ["cifarlab", *peers]}
    for _ in range(arguments.rounds):
        times["cifarlab"].append(ours())
        for name, epoch in peers.items():
            times[name].append(epoch())
    report(times, limit, operations(recipe, train), f"{backend}, {arguments.recipe}")


def report(times: dict[str, list[float]], limit: float, work: float, where: str) -> None:
    print(where)
    for name, seconds in times.items():
        median = statistics.median(seconds)
        rate = work / median
        print(
            f"{name:32s} {median:6.2f} s an epoch ({min(seconds):.2f} to {max(seconds):.2f}), "
            f"{rate / 1e9:4.0f} GFLOP/s = {rate / limit:.0%} of the measured {limit / 1e9:.0f}"
        )
    fastest = min((name for name in times if name != "cifarlab"), key=lambda name: statistics.median(times[name]))
    ratios = sorted(own / peer for own, peer in zip(times["cifarlab"], times[fastest], strict=True))
    print(
        f"ratio to {fastest}: {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} rounds)"
    )


def our_epoch(recipe: Recipe, train: ImageSet) -> Callable[[], float]:
    from cifarlab.training.augmentation.flip import mirrored
    from cifarlab.training.augmentation.pipeline import add_augmentation
    from cifarlab.training.engines import engine_class
    from cifarlab.training.optimizers.build import build_optimizer
    from cifarlab.training.optimizers.schedules import build_schedule

    model = build_model(recipe, train)
    trained = add_augmentation(model, recipe)
    mirror = recipe.flip != "none"
    optimizer = build_optimizer(recipe, build_schedule(recipe, 45), trained[max(trained)])
    engine = engine_class()(model, trained, optimizer, train, train.take(np.arange(0)), recipe.label_smoothing, mirror)
    steps = len(train) // recipe.batch_size
    generator, numbers = np.random.default_rng(0), itertools.count(1)

    def epoch() -> float:
        began = time.perf_counter()
        order = generator.permutation(len(train))[: steps * recipe.batch_size]
        order = order + len(train) * mirrored(recipe, next(numbers), len(train))[order]  # rows of the mirror images
        rows = order.reshape(steps, recipe.batch_size).astype(np.int32)
        for start in range(0, steps, 8):
            engine.run(rows[start : start + 8], train.image_shape[0])
        engine.synchronise()
        return time.perf_counter() - began

    epoch()
    epoch()
    return epoch


def bare_epoch(recipe: Recipe, train: ImageSet, jit_compile: Literal["auto"] | bool) -> Callable[[], float]:
    import keras

    inputs = keras.Input(train.image_shape)
    x = keras.layers.Flatten()(inputs)
    for layer in build_model(recipe, train).layers[3:]:
        x = type(layer).from_config(layer.get_config())(x)
    model = keras.Model(inputs, x)
    model.compile(
        bare_optimizer(recipe),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
        if recipe.label_smoothing
        else keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    images = train.images.astype(np.float32) / 127.5 - 1
    labels = np.eye(len(train.class_names), dtype=np.float32)[train.labels] if recipe.label_smoothing else train.labels

    class Clock(keras.callbacks.Callback):
        began = 0.0
        seconds = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.began

    clock = Clock()

    def epoch() -> float:
        model.fit(images, labels, batch_size=recipe.batch_size, epochs=1, verbose=0, callbacks=[clock])
        return clock.seconds

    epoch()
    epoch()
    return epoch


def bare_optimizer(recipe: Recipe) -> Any:
    import keras

    kinds = {"adam": keras.optimizers.Adam, "lion": keras.optimizers.Lion, "sgd": keras.optimizers.SGD}
    return kinds[recipe.optimizer](recipe.learning_rate, weight_decay=recipe.weight_decay or None)


def build_model(recipe: Recipe, train: ImageSet) -> Any:
    from cifarlab.models import mlp

    return mlp.build(train.image_shape, len(train.class_names), **recipe.model_args)


def operations(recipe: Recipe, train: ImageSet) -> float:
    """Floating-point operations of an epoch's matrix products: forward, weight gradients, and input gradients."""
    sizes = [int(np.prod(train.image_shape)), *recipe.model_args["widths"], len(train.class_names)]
    products = [a * b for a, b in itertools.pairwise(sizes)]
    images = len(train) // recipe.batch_size * recipe.batch_size
    return 2.0 * images * float(3 * sum(products) - products[0])  # nothing asks for the pixels' gradient


if __name__ == "__main__":
    main()
