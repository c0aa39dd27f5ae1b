"""Which recipe to begin with trained weights by, where the user names none: by the number of pictures a class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifarlab import datasets
from cifarlab.datasets import ImageSet
from cifarlab.recipes import load_recipe
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


def choose_recipe(data: str, data_dir: str | Path | None = None) -> Choice:
    """What suits a data set of so many pictures a class.

    Args:
        data: Name of a data set.
        data_dir: Where it is.

    Raises:
        CifarlabError: If it cannot be had, or has no training images.
    """
    train = datasets.load_data(data, data_dir=data_dir, validation_fraction=0.0).train
    if not len(train):
        raise CifarlabError(f"{data} has no training images: add a train/ folder, or evaluate a run on it")
    return choose_for(train)


def choose_for(train: ImageSet) -> Choice:
    """What suits these training images, before any is held out for validation; measured in `docs/small_data.md`."""
    counts = np.bincount(train.labels, minlength=len(train.class_names))
    a_class = int(np.median(counts))
    name = "finetune"
    settings = []
    if a_class <= MOST_WITHOUT_VALIDATION:
        settings.append("validation_fraction=0.0")
    recipe = load_recipe(name)
    kept = len(train) - round(len(train) * (0.0 if settings else recipe.validation_fraction)) - len(train.class_names)
    if recipe.batch_size > kept:
        settings.append(f"batch_size={max(1, kept)}")
    shown = ", ".join(settings) or "as shipped"
    why = f"about {counted(a_class, 'picture')} a class: recipe {name} ({shown})"
    return Choice(name, tuple(settings), why)
