"""How many images a second a recipe trains on this machine, by a few steps on made-up images."""

import time
from collections.abc import Callable

import numpy as np

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.recipes import Recipe
from cifarlab.training.preparation import build_model
from cifarlab.utils import discovery

SHAPE, CLASSES = (32, 32, 3), 10


def make_images(count: int) -> ImageSet:
    """Noise with labels, as large as CIFAR-10's images: what is in them changes no time."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, *SHAPE), np.uint8)
    labels = generator.integers(0, CLASSES, count)
    names = tuple(f"class {number}" for number in range(CLASSES))
    return ImageSet(images, labels, np.arange(count).astype(str), names)


def prepare_steps(recipe: Recipe, pixels: int = SHAPE[0]) -> Callable[[int], float]:
    """Build and compile what trains a recipe.

    Args:
        recipe: With a precision that is not `"auto"`; one of the package's own models.
        pixels: Height of the images.

    Returns:
        Takes so many steps and returns the images a second.
    """
    from cifarlab.training.augmentation.pipeline import add_augmentation
    from cifarlab.training.engines import engine_class
    from cifarlab.training.optimizers.build import build_optimizer
    from cifarlab.training.optimizers.schedules import build_schedule

    train = make_images(2 * recipe.batch_size)
    splits = Splits(train, train.take(np.arange(1)), train.take(np.arange(1)), Source("noise", "", "", {}))
    model = build_model(discovery.load("models", recipe.model), recipe, splits)
    trained = add_augmentation(model, recipe)
    optimizer = build_optimizer(recipe, build_schedule(recipe, 50), trained[max(trained)])
    engine = engine_class()(
        model, trained, optimizer, train, train.take(np.arange(1)), recipe.label_smoothing, recipe.flip != "none"
    )
    generator = np.random.default_rng(0)

    def take(steps: int) -> float:
        rows = [generator.permutation(len(train))[: recipe.batch_size] for _ in range(steps)]
        began = time.perf_counter()
        engine.run(np.array(rows, np.int32), pixels)
        return steps * recipe.batch_size / (time.perf_counter() - began)

    take(1)
    return take
