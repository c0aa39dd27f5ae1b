"""Whose trained weights a training begins with: found, checked and described, without Keras and without the data."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifarlab import datasets
from cifarlab import recipes as catalog
from cifarlab.datasets import Splits
from cifarlab.models.pretrained import builtin
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, open_run, pretrained_run
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.run import MAKING
from cifarlab.runs.started_from import Ancestor, read_start
from cifarlab.runs.trained_images import TrainedImages, hash_images, known_images
from cifarlab.utils.errors import CifarlabError

_NO_HASHES = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class StartingPoint:
    """Trained weights to begin with.

    Attributes:
        name: As the user named them: a run's folder, or `builtin`.
        run: The run; None for the built-in model.
        recipe: With which they were trained: it says what the network is.
        class_names: What the last layer names.
        checksum: Of the weights.
        data: The data set that they were trained on.
    """

    name: str
    run: Run | None
    recipe: Recipe
    class_names: tuple[str, ...]
    checksum: str
    data: str

    @property
    def before(self) -> tuple[Ancestor, ...]:
        """What the source began with itself, and so on."""
        if self.run is None or (start := read_start(self.run)) is None:
            return ()
        if self.run.trained_images_file.is_file():
            return start.ancestors
        return tuple(dataclasses.replace(each, images=0) for each in start.ancestors)  # which they were went with it

    @property
    def looks(self) -> list[dict[str, str]]:
        """Who looked at which test set by these weights, for the run that begins with them."""
        found = _builtin_looks() if self.run is None else self.run.looks()
        return [{**look, "phase": MAKING} for look in found]

    def images(self) -> TrainedImages | None:
        """What is known of the images that these weights were trained on; None where nothing tells."""
        return _builtin_images() if self.run is None else known_images(self.run)


def find_starting_point(name: str) -> StartingPoint:
    """A run, or the built-in model, as something to begin with.

    Args:
        name: A run's folder, or `builtin`.

    Raises:
        CifarlabError: If there is no such run, or it has no model.
    """
    if pretrained_run.is_builtin(name):
        card = builtin.read_card()
        recipe, checksum = catalog.from_dict(card["recipe"]), f"sha256:{card['sizes']['weights_sha256']}"
        return StartingPoint(name, None, recipe, tuple(card["class_names"]), checksum, str(card["data"]["name"]))
    run = open_run(name, needs_model=True)
    names = run.data.get("class_names")
    if not isinstance(names, list):
        raise CifarlabError(f"{run.data_file} does not name its classes: train {run.path} again with this version")
    return StartingPoint(name, run, run.recipe, tuple(map(str, names)), model_checksum(run), run.data_name)


def check_news(recipe: Recipe, splits: Splits) -> None:
    """Refuse to compare trainings by images that the weights they begin with have learned from.

    Args:
        recipe: Of the trainings.
        splits: Their data.

    Raises:
        CifarlabError: If the weights learned from more than a hundredth of the validation or confirmation images.
    """
    if not recipe.start_from:
        return
    known = find_starting_point(recipe.start_from).images()
    for what, part in (("validation", splits.validation), ("confirmation", splits.confirmation)):
        if known is None or part is None:
            continue
        met = int(np.isin(hash_images(part.images), known.all_hashes).sum())
        if 100 * met > len(part):  # a picture or two may be in a data set twice
            raise CifarlabError(
                f"the weights of {recipe.start_from} have learned from {met:,} of the {len(part):,} {what} images: "
                "trainings that begin with them cannot be compared by these; give other data, or other weights"
                + (", or search with --confirm 0" if what == "confirmation" else "")
            )


def resolve_start(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A recipe with settings applied, whose network is that of the weights which it begins with, if there are such.

    Args:
        recipe: The recipe as it is written.
        settings: Overrides, such as `"from_rate=0"`.

    Raises:
        CifarlabError: If a setting is wrong, the weights are not there or not those that the recipe recorded, or are of
            another network than the recipe's.
    """
    resolved = catalog.override(recipe, settings)
    if not resolved.start_from:
        _check_alone(resolved)
        return resolved
    start = find_starting_point(resolved.start_from)
    if resolved.start_checksum:  # as a run recorded it: the network is the recipe's already
        if resolved.start_checksum != start.checksum:
            raise CifarlabError(
                f"{start.name} has other weights than the recipe began with ({start.checksum} instead of "
                f"{resolved.start_checksum}): restore them, or begin with these by --set start_checksum="
            )
        return resolved
    # A recipe that is written for beginning with weights takes any network; another one is meant for its own.
    if not recipe.start_from and resolved.model != start.recipe.model:
        raise CifarlabError(
            f"{start.name} is a {start.recipe.model}, the recipe trains a {resolved.model}: leave the recipe out, or "
            "name finetune or frozen, which take any network"
        )
    network = {name: getattr(start.recipe, name) for name in ("model", "model_args", "shuffle_pixels")}
    resolved = catalog.override(dataclasses.replace(recipe, **network), settings)
    if resolved.model != start.recipe.model:
        raise CifarlabError(f"{start.name} is a {start.recipe.model}: leave out --set model={resolved.model}")
    return dataclasses.replace(resolved, start_checksum=start.checksum)


def check_image_shape(name: str, expected: Sequence[int], found: Sequence[int] | None, data: str) -> None:
    """Refuse images of another shape than a network takes.

    Args:
        name: Whose network.
        expected: Height, width and channels that it takes.
        found: Those of the images; None where they are not known yet.
        data: Whose images.

    Raises:
        CifarlabError: If they differ.
    """
    if found is not None and tuple(found) != tuple(expected):
        shown = [" x ".join(map(str, shape)) for shape in (expected, found)]
        # A user's own pictures are of any size that is asked for.
        kind, _, place = data.partition(":")
        options = f"?size={expected[0]}&channels={expected[2]}"
        other = f", or give --data '{kind}:{place.partition('?')[0]}{options}'" if place else ""
        raise CifarlabError(
            f"{name} takes images of {shown[0]}, {data} has {shown[1]}: begin with a run of that size, or train anew"
            f"{other}"
        )


def _check_alone(recipe: Recipe) -> None:
    given = [name for name in ("start_checksum", "from_rate") if getattr(recipe, name) != _DEFAULTS[name]]
    if given:
        raise CifarlabError(f"{given[0]} is about weights to begin with: name them too, such as start_from=builtin")


_DEFAULTS: Mapping[str, Any] = {field.name: field.default for field in dataclasses.fields(Recipe)}


def _builtin_looks() -> list[dict[str, str]]:
    card = builtin.read_card()
    return [{"data": card["data"]["name"], "tta": "none", **look} for look in card.get("looks", [])]


def _builtin_images() -> TrainedImages | None:
    """Those of the built-in model, where their data set is on this machine, as the card knows it."""
    card = builtin.read_card()
    try:
        held_out = catalog.from_dict(card["recipe"]).held_out
        train = datasets.load_data(card["data"]["name"], download=False, **held_out).train
    except CifarlabError:  # it is not they that were asked for
        return None
    if train.fingerprint != card["data"]["fingerprints"]["train"]:
        return None
    return TrainedImages(train.ids, hash_images(train.images), _NO_HASHES)
