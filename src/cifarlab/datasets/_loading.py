"""Find a data set by its name, verify it, and hold out its validation part."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.datasets._download import NoDataError
from cifarlab.datasets._image_set import SPLITS, ImageSet, Source, Splits
from cifarlab.datasets._imbalance import describe_imbalance
from cifarlab.datasets._options import take_path
from cifarlab.datasets._split import hold_out
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.text import counted, few

__all__ = ["NoDataError", "describe", "image_shape", "load_data", "older_split", "own_place", "split_name"]

# Fixed for good, so that validation means the same images in every run of every version.
_VALIDATION_SEED = 20_091_009
_CONFIRMATION_SEED = 20_250_624
_WITH_PATH = {"folder": "PATH", "table": "FILE"}


def load_data(
    name: str = "cifar10",
    *,
    data_dir: str | Path | None = None,
    validation_fraction: float = 0.1,
    fold: int = 0,
    confirmation_fraction: float = 0.0,
    download: bool = True,
    progress: ProgressCallback | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
) -> Splits:
    """Find a data set, verify it, and hold out a validation part of its training images.

    Args:
        name: A file in `cifarlab.datasets`, `"folder:PATH"` or `"table:FILE"` for a user's own pictures, or the path of
            a Python file, which is executed only if it is one of `code`: a name may come from a file, such as a run's.
        data_dir: Where to look, instead of the usual places; nothing usable there is an error.
        validation_fraction: Share of the training images held out, the same share of every class, always the same
            images; 0 holds out nothing.
        fold: Which part of that size is held out, see `cifarlab.recipes.Recipe`.
        confirmation_fraction: Share of the training images set aside before that, likewise: for judging the winner of
            a search by images that none of its trainings has seen.
        download: Whether the network may be used when the data is nowhere on this machine.
        progress: Called with a phrase and the share done in `[0, 1]`.
        code: The user's own Python files that may be executed, beside those named before; see `own_code`.

    Returns:
        Train, validation and test images in the data set's own order, and where they came from.

    Raises:
        NoDataError: If the data is nowhere to be found and cannot be downloaded.
        CifarlabError: If the name is unknown or that of code that the user has not named, or a file is missing,
            truncated or altered.
    """
    own_code.allow_files(code)
    fractions = {"validation_fraction": validation_fraction, "confirmation_fraction": confirmation_fraction}
    for what, fraction in fractions.items():
        if not 0 <= fraction < 1:
            raise CifarlabError(f"{what} must be at least 0 and less than 1. Received: {fraction}")
    folder = None if data_dir is None else expand(data_dir)
    train, test, source = _load(name, data_dir=folder, download=download, progress=progress)
    confirmation = None
    if confirmation_fraction:
        train, confirmation = hold_out(train, confirmation_fraction, _CONFIRMATION_SEED)
    train, validation = hold_out(train, validation_fraction, _VALIDATION_SEED, fold)
    test, _ = hold_out(test, 0.0, _VALIDATION_SEED)
    return Splits(train, validation, test, source, confirmation)


def split_name(name: str) -> tuple[str, str]:
    """What a data set's name says: which file in `cifarlab.datasets` (or of the user's), and what follows the colon.

    Raises:
        CifarlabError: If there is no such file, and the message offers the nearest right name; or if it is a Python
            file that the user has not named.
    """
    if own_code.is_own(name):
        own_code.find(name)
        return name, ""
    known_name, _, argument = name.partition(":")
    known = discovery.names("datasets")
    if known_name not in known:
        raise CifarlabError(discovery.unknown("data set", name, _shown(known)))
    return known_name, argument


def image_shape(name: str) -> tuple[int, int, int] | None:
    """Height, width and channels of a data set's images, without reading any; None where only they tell.

    Raises:
        CifarlabError: As `split_name`, or if an option in the name is wrong.
    """
    known_name, argument = split_name(name)
    if own_code.is_own(known_name):  # not executed for this
        return None
    module = discovery.load("datasets", known_name)
    shape: tuple[int, int, int] | None = (
        module.image_shape(argument) if hasattr(module, "image_shape") else getattr(module, "IMAGE_SHAPE", None)
    )
    return shape


def own_place(name: str) -> Path | None:
    """The folder or table that a data set's name says, without its options; None of a data set that has none."""
    known_name, argument = split_name(name)
    return expand(take_path(argument)) if known_name in _WITH_PATH else None


def describe(splits: Splits) -> dict[str, Any]:
    """What was loaded, as plain values ready for JSON.

    Returns:
        `name`, `location`, `how`, `checksums`, `class_names`, `image_shape`, `notices` (sentences about what a reader
        must know), of a folder `split` (the rule by which parts are held out) and `pictures` (see
        `cifarlab.datasets.folder`), and, under `splits`, for each of train,
        validation and test its `count` and the count `per_class`.
    """
    source = splits.source
    of_folder = {"split": source.split, "pictures": dict(source.pictures)} if source.pictures else {}
    return {
        "name": source.name,
        "location": source.location,
        "how": source.how,
        "checksums": dict(source.checksums),
        "class_names": list(splits.class_names),
        "image_shape": list(splits.train.image_shape),
        "notices": [*source.notices, *filter(None, [describe_imbalance(splits.train)])],
        **of_folder,
        "splits": {name: _counts(splits[name]) for name in SPLITS},
    }


def older_split(trained_on: Mapping[str, Any], source: Source) -> str:
    """What to say of a run whose data differ because its parts were held out by an older rule; else nothing.

    Args:
        trained_on: As in the run's `data.json`.
        source: The same data set as it is read now.
    """
    if (trained_on.get("split") or "") == source.split:
        return ""
    return (
        " (the run is older than the rule by which a folder's pictures are divided now, each by its own content; some "
        "test pictures of today were its training pictures, so train it again)"
    )


def _load(
    name: str, *, data_dir: Path | None, download: bool, progress: ProgressCallback | None
) -> tuple[ImageSet, ImageSet, Source]:
    """What a data set's file loads; of a user's own, whatever goes wrong in one line, and under its file's name."""
    known_name, argument = split_name(name)
    module = discovery.load("datasets", known_name)
    if not hasattr(module, "load"):
        raise CifarlabError(f"{name} defines no load(*, data_dir, argument, download, progress)")
    load = partial(module.load, data_dir=data_dir, argument=argument, download=download, progress=progress)
    if not own_code.is_own(name):
        found: tuple[ImageSet, ImageSet, Source] = load()
        return found
    try:
        train, test, source = load()
    except CifarlabError:
        raise
    except own_code.RAISES as error:  # a user's code raises what it likes
        raise CifarlabError(f"{name} cannot load its data: {own_code.describe_error(error, name)}") from error
    wrong = [each for each in (train, test) if not isinstance(each, ImageSet)]
    if wrong or not isinstance(source, Source):
        raise CifarlabError(f"{name}: load must return (train, test, Source), train and test as ImageSet")
    notices = (*source.notices, *_check_parts(name, train, test))
    remembered = source.data_dir or (None if data_dir is None else str(data_dir))  # so that the run finds it again
    return train, test, dataclasses.replace(source, name=name, data_dir=remembered, notices=notices)


def _check_parts(name: str, train: ImageSet, test: ImageSet) -> list[str]:
    """Refuse parts of a user's own data set that are not of one: an answer would be held against another's label.

    Returns:
        A sentence, where both parts have images of the same id.
    """
    if tuple(train.class_names) != tuple(test.class_names):
        both = f"{few(train.class_names, 100, count=True)} and {few(test.class_names, 100, count=True)}"
        raise CifarlabError(f"{name}: train and test must name the same classes in the same order. Received: {both}")
    if len(train) and len(test) and train.image_shape != test.image_shape:
        both = f"{train.image_shape} and {test.image_shape}"
        raise CifarlabError(f"{name}: train and test must have images of one shape. Received: {both}")
    twice = np.intersect1d(train.ids, test.ids)
    if not len(twice):
        return []
    said = f"{counted(len(twice), 'id')} of {name} name an image of train and one of test, such as {twice[0]}"
    return [f"{said}: where an image is looked up by its id, the other may be found; let ids begin with their part."]


def _shown(names: list[str]) -> list[str]:
    return [f"{name}:{_WITH_PATH[name]}" if name in _WITH_PATH else name for name in names]


def _counts(part: ImageSet) -> dict[str, Any]:
    counts = np.bincount(part.labels, minlength=len(part.class_names))
    per_class = {name: int(count) for name, count in zip(part.class_names, counts, strict=True)}
    return {"count": len(part), "per_class": per_class}
