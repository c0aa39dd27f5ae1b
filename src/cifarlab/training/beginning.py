"""A training that begins with trained weights: checked before the data are read, handed over, written down."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlab.datasets import Splits, image_shape
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.started_from import Ancestor, StartedFrom, remember_start
from cifarlab.runs.trained_images import remember_images
from cifarlab.training.class_weights import class_weights
from cifarlab.training.small_data import choose_recipe
from cifarlab.training.starting_point import StartingPoint, check_image_shape, find_starting_point, resolve_start
from cifarlab.utils import own_code
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    import keras


@dataclass
class Beginning:
    """Trained weights in memory, for one training.

    Attributes:
        point: Whose they are.
        model: The network that has them.
        chosen: Why these settings, where the user named no recipe.
        head: Where the new network's last layer came from, once it has been handed over.
    """

    point: StartingPoint
    model: "keras.Model"
    chosen: str = ""
    head: str = ""

    def hand_over(self, model: "keras.Model", recipe: Recipe, splits: Splits) -> None:
        """Put the weights into a freshly built network, and fit its last layer if the recipe says so.

        Raises:
            CifarlabError: If the images have another size than the network takes, or the networks are different.
        """
        from cifarlab.training import transfer

        check_image_shape(self.point.name, self.model.input_shape[1:], splits.train.image_shape, recipe.data)
        same_classes = splits.class_names == self.point.class_names
        transfer.take_over(model, self.model, self.point.name, with_head=same_classes)
        if same_classes:
            self.head = transfer.TAKEN_OVER
        elif recipe.head_first:
            transfer.fit_head(model, splits.train, class_weights(recipe, splits.train))
            self.head = transfer.FITTED
        else:
            self.head = transfer.NEW

    def record(self, run: Run, splits: Splits) -> None:
        """Write down in the run what it begins with, and what of its images and test set is no news to the weights."""
        known = self.point.images()
        remember_images(run, splits.train, splits.validation, known)
        count = 0 if known is None else len(known.all_hashes)
        of = self.point
        own = Ancestor(of.name, of.checksum, of.recipe.model, of.data, of.class_names, count)
        remember_start(run, StartedFrom((own, *of.before), self.head, self.chosen))
        if of.looks:
            run.write_looks(of.looks)


def open_beginning(name: str, data: str, code: Sequence[str | os.PathLike[str]] = ()) -> Beginning | None:
    """The trained weights that a training begins with; None where there is no name. Reads no data.

    Args:
        name: A run's folder, or `builtin`.
        data: The data set that the training is about.
        code: The user's own Python files that the source may need.

    Raises:
        CifarlabError: If they cannot be loaded, have no last layer to replace, or take images of another size than the
            data set is known to have.
    """
    if not name:
        return None
    choose_backend()  # before Keras is loaded: with the machine's kernels, and without a backend's chatter
    from cifarlab.training import transfer

    own_code.allow_files(code)
    point = find_starting_point(name)
    model = transfer.load_source(point)
    check_image_shape(name, model.input_shape[1:], image_shape(data), data)
    return Beginning(point, model)


def begin_by_number(
    name: str | os.PathLike[str] | None,
    data: str | None,
    settings: Sequence[str],
    data_dir: str | Path | None,
    code: Sequence[str | os.PathLike[str]],
) -> tuple[Beginning | None, str, list[str]]:
    """The weights to begin with, and recipe and settings by the number of pictures a class.

    Args:
        name: A run's folder, or `builtin`.
        data: The data set.
        settings: The user's; they come after those that are chosen.
        data_dir: Where the data are.
        code: The user's own Python files that the source may need.

    Raises:
        CifarlabError: If no weights or no data are named, or as `open_beginning` and `choose_recipe`.
    """
    if name is None:
        raise CifarlabError("nothing to train: name a recipe, such as mlp2, or weights to begin with, such as builtin")
    if data is None:
        raise CifarlabError("name your pictures too: --data folder:my_pictures; or a recipe, see cifarlab recipes")
    beginning = open_beginning(os.fspath(name), data, code)
    choice = choose_recipe(data, data_dir, settings)
    if beginning is not None:
        beginning.chosen = choice.why
    return beginning, choice.recipe, [*choice.settings, *settings]


def begin_again(run: Run, model: "keras.Model", splits: Splits, code: Sequence[str | os.PathLike[str]] = ()) -> None:
    """Give the network of a run that has no checkpoint yet what it began with; nothing where it began anew.

    Args:
        run: The run.
        model: Freshly built; changed in place.
        splits: The run's data.
        code: The user's own Python files that the source may need.

    Raises:
        CifarlabError: If the weights are not there any more, or are others now.
    """
    recipe = resolve_start(run.recipe, ())
    beginning = open_beginning(recipe.start_from, recipe.data, code)
    if beginning is not None:
        beginning.hand_over(model, recipe, splits)
