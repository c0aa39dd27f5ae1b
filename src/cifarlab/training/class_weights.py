"""How much each class counts in the loss, and what to advise where one class has far fewer images than another."""

import numpy as np

from cifarlab.datasets import ImageSet, describe_imbalance
from cifarlab.recipes import BALANCED, NO_WEIGHTS, Recipe
from cifarlab.utils import discovery
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError


def class_weights(recipe: Recipe, train: ImageSet) -> Array | None:
    """The weight of each class in the loss.

    Args:
        recipe: With `class_weight`.
        train: The training images, from whose labels alone `"balanced"` is computed.

    Returns:
        `(K,)` float32; None where all are 1 by the recipe.

    Raises:
        CifarlabError: If a class is named that there is not, or twice, or a class to be balanced has no image.
    """
    names, wanted = train.class_names, recipe.class_weight
    if wanted == NO_WEIGHTS:
        return None
    if wanted == BALANCED:
        counts = np.bincount(train.labels, minlength=len(names))
        if not counts.all():
            empty = names[int(np.argmin(counts))]
            raise CifarlabError(f"class_weight=balanced needs training images of every class: {empty} has none")
        return (len(train) / (len(names) * counts)).astype(np.float32)
    weights, named = np.ones(len(names), np.float32), set()
    for key, weight in dict(wanted).items():  # type: ignore[arg-type]
        place = _place(key, names)
        if place in named:
            raise CifarlabError(f"class_weight names {names[place]} twice. Received: {wanted!r}")
        named.add(place)
        weights[place] = weight
    return weights


def _place(key: str, names: tuple[str, ...]) -> int:
    """A class's number, by its name or else its number."""
    if key in names:
        return names.index(key)
    if key.isdecimal() and int(key) < len(names):
        return int(key)
    raise CifarlabError(f"class_weight: {discovery.unknown('class', key, names)}")


def advise_on_imbalance(recipe: Recipe, train: ImageSet) -> str:
    """What to say of classes that differ much in size, with the settings that help and are not set; or nothing."""
    said = describe_imbalance(train)
    advice = []
    if recipe.class_weight == NO_WEIGHTS and np.bincount(train.labels, minlength=len(train.class_names)).all():
        advice.append("--set class_weight=balanced")
    if recipe.select_by == "accuracy" and recipe.validation_fraction:
        advice.append("--set select_by=balanced_accuracy")
    return f"{said} Try {' '.join(advice)}." if said and advice else said
