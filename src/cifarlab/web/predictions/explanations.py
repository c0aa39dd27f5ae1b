"""Why a model named what it named: where it looked, and which training images it finds most alike.

The first question to a model compiles what answers it; that is kept, because a question of its own would take longer to
compile than to answer.
"""

import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab import recipes
from cifarlab.datasets import ImageSet, load_data
from cifarlab.evaluation.explanation.neighbours import Neighbour, feature_model, nearest_images, training_features
from cifarlab.evaluation.explanation.saliency import SaliencyMap, make_explainer
from cifarlab.inference import forward, prediction
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run
from cifarlab.runs.own_labels import with_own_labels
from cifarlab.utils.images import Pixels
from cifarlab.web.predictions.model_store import LoadedModel


class Explanations:
    """Explains answers, one question at a time: a question takes a whole core for a moment."""

    def __init__(self, data_dir_of: Callable[[str], str | None]) -> None:
        """Nothing is compiled yet.

        Args:
            data_dir_of: Tells where a data set is, by its name; None for the usual places.
        """
        self._data_dir_of = data_dir_of
        # Weak: what is compiled for a model goes when the service puts the model away.
        self._kept: weakref.WeakKeyDictionary[LoadedModel, _Compiled] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def attention(self, model: LoadedModel, picture: Pixels, labels: Sequence[int]) -> list[SaliencyMap]:
        """Where a model looked, once for each class; nothing for a model that is none of Keras's.

        Args:
            model: The model.
            picture: `(H, W, C)` uint8, as the model takes it.
            labels: The classes.
        """
        if model.network is None:
            return []
        with self._lock:
            return self._compiled(model).explain(picture, labels)

    def neighbours(self, model: LoadedModel, run: Run | None, picture: Pixels, count: int) -> list[Neighbour] | None:
        """The training images that a model finds most alike, the nearest first.

        The first question to a model sends it through all its training images, in the background. What it makes of them
        is kept in its run, where it has one.

        Args:
            model: The model.
            run: The one it came from; None for a built-in model that has none.
            picture: `(H, W, C)` uint8, as the model takes it.
            count: How many.

        Returns:
            None as long as the model is busy with the training images: ask again; an empty list where it has no layer
            to ask.

        Raises:
            CifarlabError: If the training images cannot be found, or what is made of them cannot be written.
        """
        if model.network is None:
            return []
        with self._lock:
            compiled = self._compiled(model)
            if compiled.body is None:
                return []
            if compiled.known is None:
                look = partial(_look_at_training_images, compiled.body, run, self._data_dir_of)
                compiled.known = _in_background(look)
            if not compiled.known.done():
                return None
            if compiled.known.exception() is not None:  # the data may be there next time
                failed, compiled.known = compiled.known, None
                failed.result()
            return compiled.nearest(picture, count)

    def _compiled(self, model: LoadedModel) -> "_Compiled":
        if model not in self._kept:
            self._kept[model] = _Compiled(model.network)
        return self._kept[model]


@dataclass(frozen=True, eq=False)
class _Known:
    """A model's training images, and what its last layer is given for each: `(N, D)` float16."""

    features: NDArray[np.float16]
    train: ImageSet


class _Compiled:
    """What explains one model."""

    def __init__(self, network: Any) -> None:
        # Only prepared: each is compiled by the first question to it.
        self.explain = make_explainer(network)
        self.body = feature_model(network)
        self.known: Future[_Known] | None = None
        self._forward = forward.compile_forward(self.body) if self.body is not None else None

    def nearest(self, picture: Pixels, count: int) -> list[Neighbour]:
        assert self.known is not None
        assert self._forward is not None
        known = self.known.result()
        return nearest_images(known.features, known.train, self._forward(picture[None])[0], count)


# Over all models: a pass through the training images takes every core, and the memory for all of them.
_one_at_a_time = threading.Lock()


def _in_background(make: Callable[[], _Known]) -> Future[_Known]:
    """What `make` gives, in a thread that does not keep a server from ending."""
    made: Future[_Known] = Future()

    def run() -> None:
        try:
            with _one_at_a_time:
                made.set_result(make())
        except Exception as error:  # noqa: BLE001 - whoever asks next is told
            made.set_exception(error)

    threading.Thread(target=run, name="training images", daemon=True).start()
    return made


def _look_at_training_images(body: Any, run: Run | None, data_dir_of: Callable[[str], str | None]) -> _Known:
    if run is not None:
        own = load_data(run.data_name, data_dir=data_dir_of(run.data_name), download=False, **run.recipe.held_out)
        train = with_own_labels(run, own).train
        return _Known(training_features(run, body, train), train)
    card = builtin.read_card()
    name, held_out = str(card["data"]["name"]), recipes.from_dict(card["recipe"]).held_out
    train = load_data(name, data_dir=data_dir_of(name), download=False, **held_out).train
    return _Known(prediction.compute_logits(body, train.images).astype(np.float16), train)
