"""Which recipe to begin with trained weights by, where the user names none: by the number of pictures a class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab import datasets
from cifarlab.datasets import ImageSet
from cifarlab.recipes import load_recipe, override
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

# Up to so many pictures of the median class nothing is held out: a tenth of them could not choose an epoch.
MOST_WITHOUT_VALIDATION = 20


@dataclass(frozen=True)
class Choice:
    """A recipe and its settings, and why these, as one line."""

    recipe: str
    settings: tuple[str, ...]
    why: str


def choose_recipe(data: str, data_dir: str | Path | None = None, settings: Sequence[str] = ()) -> Choice:
    """What suits a data set of so many pictures a class.

    Args:
        data: Name of a data set.
        data_dir: Where it is.
        settings: The user's, `"key=value"`, which come after those that are chosen.

    Raises:
        CifarlabError: If it cannot be had, has no training images, or a setting is wrong.
    """

    def load_train(**held_out: Any) -> ImageSet:
        return datasets.load_data(data, data_dir=data_dir, **held_out).train

    return choose_for(load_train, settings, data)


def choose_for(load_train: Callable[..., ImageSet], settings: Sequence[str], data: str) -> Choice:
    """What suits these training images; measured in `docs/small_data.md`.

    Args:
        load_train: Gives the training images, from what is held out of them: `validation_fraction`, `fold` and
            `confirmation_fraction`.
        settings: The user's.
        data: What the images are called.

    Raises:
        CifarlabError: If there are none, or a setting is wrong.
    """
    train = load_train(validation_fraction=0.0)
    if not len(train):
        raise CifarlabError(f"{data} has no training images: add a train/ folder, or evaluate a run on it")
    a_class = int(np.median(np.bincount(train.labels, minlength=len(train.class_names))))
    name, chosen = "finetune", []
    given = {each.partition("=")[0].strip() for each in settings}
    if a_class <= MOST_WITHOUT_VALIDATION and "validation_fraction" not in given:
        chosen.append("validation_fraction=0.0")
    recipe = override(load_recipe(name), [*chosen, *settings])
    # Counted, not computed: a folder's parts follow from its files, so that one fold may leave far fewer than another.
    # All folds have one batch size: they are one training, and differ in nothing else.
    in_folds = "fold" in given and recipe.validation_fraction
    folds = range(round(1 / recipe.validation_fraction)) if in_folds else [recipe.fold]
    if "batch_size" not in given:
        left = min(len(load_train(**{**recipe.held_out, "fold": fold})) for fold in folds)
        chosen += [f"batch_size={max(1, left)}"] if recipe.batch_size > left else []
    shown = ", ".join(chosen) or "as shipped"
    why = f"about {counted(a_class, 'picture')} a class: recipe {name} ({shown})"
    return Choice(name, tuple(chosen), why)
