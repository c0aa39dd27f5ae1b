"""The pictures of a report: found by their ids, embedded once each, however often they are shown."""

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifarlab import datasets
from cifarlab.datasets import ImageSet, Splits
from cifarlab.plots import data_uri
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.own_labels import with_own_labels
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import encode_png
from cifarlab.utils.own_code import NotNamedError

_LARGEST_SIDE_PIXELS = 64


class Pictures:
    """Loads each data set once and remembers which pictures the page has used."""

    def __init__(self, split: str, data_dir: Path | None = None) -> None:
        """Nothing is read yet.

        Args:
            split: Which images the page is about.
            data_dir: Where to look for the data; None looks where each run found it.
        """
        self._split = split
        self._data_dir = data_dir
        self._loaded: tuple[tuple[str, str, str], Splits] | None = None  # one data set at a time: it may be large
        self._shown: set[tuple[str, str]] = set()
        self._found: dict[str, dict[str, tuple[ImageSet, int]]] = {}
        self._used: dict[tuple[str, str], str] = {}
        self.problems: dict[str, str] = {}

    def add_data(self, data: dict[str, Any], predictions: Predictions, recipe: Recipe) -> None:
        """Find the pictures that `predictions` are about; what fails is kept in `problems`, by data set.

        Args:
            data: As in a run's `data.json`.
            predictions: Whose ids must all be found.
            recipe: The run's own, which says which training images were held out.
        """
        name = str(data["name"])
        # The test images are always the same, whatever a run held out.
        part = str(recipe.held_out) if self._split == "validation" else ""
        if (name, part) not in self._shown and name not in self.problems:
            self._find(name, data, recipe)
            self._shown.add((name, part))
        if name in self._found and not all(str(image_id) in self._found[name] for image_id in predictions.ids):
            del self._found[name]
            self.problems[name] = f"the {self._split} images of {name} found here are not those that were evaluated"

    def has(self, data_name: str) -> bool:
        """Whether pictures of this data set can be shown."""
        return data_name in self._found

    def images(self, data_name: str, image_ids: list[str]) -> NDArray[np.uint8]:
        """The pictures themselves.

        Returns:
            `(N, H, W, C)` uint8, in the order of the ids.
        """
        return np.stack([self._image(data_name, image_id) for image_id in image_ids])

    def training_images(self, run: Run) -> ImageSet | None:
        """What a run was trained on, held-out images left out; None where it cannot be had."""
        try:
            return with_own_labels(run, self._load(run.data_name, run.data_dir, run.recipe.held_out)).train
        except CifarlabError:  # it is not they that were asked for
            return None

    def show(self, data_name: str, image_id: str, description: str) -> Markup:
        """The picture as an element that refers to its one embedded copy."""
        key = (data_name, image_id)
        name = self._used.setdefault(key, f"picture-{len(self._used)}")
        height, width = self._image(data_name, image_id).shape[:2]
        return Markup(
            '<svg class="picture" role="img" viewBox="0 0 {} {}"><title>{}</title><use href="#{}"/></svg>'
        ).format(width, height, description, name)

    def definitions(self) -> Markup:
        """Every picture that `show` was asked for, to be put on the page once."""
        element = Markup('<image id="{}" width="{}" height="{}" href="{}"/>')
        shown = ((name, self._image(*key)) for key, name in self._used.items())
        return Markup("\n").join(
            element.format(name, image.shape[1], image.shape[0], image_uri(image)) for name, image in shown
        )

    def _image(self, data_name: str, image_id: str) -> NDArray[np.uint8]:
        images, row = self._found[data_name][image_id]
        found: NDArray[np.uint8] = images.images[row]
        return found

    def _find(self, name: str, data: dict[str, Any], recipe: Recipe) -> None:
        try:
            images = self._images(name, data.get("data_dir"), recipe)
        except NotNamedError:  # the user decides, and is asked at once
            raise
        except CifarlabError as error:
            self.problems[name] = str(error)
            return
        # An image keeps its id whatever is held out, so what runs held out differently can be put together.
        self._found.setdefault(name, {}).update(
            {str(image_id): (images, row) for row, image_id in enumerate(images.ids)}
        )

    def _images(self, name: str, data_dir: str | None, recipe: Recipe) -> ImageSet:
        try:
            return self._load(name, data_dir, recipe.held_out)[self._split]
        except NotNamedError:
            raise
        except CifarlabError:
            if self._split == "validation":
                raise
            # The test images are there even where the run's own part of the others has become empty.
            return self._load(name, data_dir, {"validation_fraction": 0.0})[self._split]

    def _load(self, name: str, data_dir: str | None, held_out: dict[str, Any]) -> Splits:
        """The data, divided as a run divided them; those asked for last are kept."""
        where = self._data_dir or data_dir
        key = (name, str(where), str(held_out))
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = key, datasets.load_data(name, data_dir=where, download=False, **held_out)
        return self._loaded[1]


def image_uri(image: NDArray[np.uint8]) -> str:
    """`(H, W, C)` uint8 as an address that needs no request: PNG, made smaller where it is large."""
    return data_uri(encode_png(image, _LARGEST_SIDE_PIXELS, smallest=True))
