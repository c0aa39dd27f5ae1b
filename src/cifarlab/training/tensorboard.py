"""What TensorBoard shows of a training, written without TensorFlow, on any backend.

    tensorboard --logdir runs

A run's events lie where TensorBoard gives them the names that people know from Keras's own callback:

    runs/mlp2-seed0/            `mlp2-seed0`: the settings, for the HParams tab
    runs/mlp2-seed0/train       curves, weight histograms, the model for the Graphs tab
    runs/mlp2-seed0/validation  curves of the images held out, confusion matrix, sample predictions

A measure has one tag in both, `epoch_loss` or `epoch_accuracy`, so that TensorBoard draws training and validation in
one chart, and beside them the curves of any bare Keras script. Time Series sorts tags by the alphabet: curves
come before `pictures/` and `weights/`.
"""

import contextlib
import io
import json
from types import TracebackType
from typing import Any

import keras
import numpy as np
from PIL import Image
from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

from cifarlab.datasets import ImageSet
from cifarlab.metrics import confusion_matrix
from cifarlab.plots import to_png
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.recipes import Recipe, settings_of
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.training.event_file import EventFolder
from cifarlab.utils.best_epoch import IS_BEST
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import percent

SAMPLES, COLUMNS = 12, 3
# Time Series opens the first two tags by the alphabet: those shall be accuracy and loss.
_TAGS = {
    "learning_rate": "epoch_lr",
    "images_per_second": "epoch_throughput_images_per_second",
    "epoch_seconds": "epoch_training_seconds",
}
_SUCCEEDED = 1  # STATUS_SUCCESS of TensorBoard's HParams plug-in


class EventWriter:
    """Writes a run's events: curves after each epoch, pictures and histograms after every `every` epochs.

    Args:
        run: Where to.
        recipe: What is trained; its settings are columns of the HParams tab.
        validation: The images that the predictions are about.
        every: Epochs between pictures; the first and the last always have theirs. None for no pictures.
        first_epoch: Earlier events of this epoch and later ones are void: the training was resumed before them.
    """

    def __init__(self, run: Run, recipe: Recipe, validation: ImageSet, every: int | None, first_epoch: int = 1) -> None:
        self._settings = EventFolder(run.path, first_epoch)
        self._train = EventFolder(run.path / "train", first_epoch)
        self._validation = EventFolder(run.path / "validation", first_epoch) if len(validation) else None
        self._images = validation
        self._every, self._epochs, self._first_epoch = every, recipe.epochs, first_epoch
        self._recipe = recipe

    def __enter__(self) -> "EventWriter":
        started = HParamsPluginData()
        for name, value in settings_of(self._recipe).items():
            field = started.session_start_info.hparams[name]
            if isinstance(value, bool):
                field.bool_value = value
            elif isinstance(value, int | float):
                field.number_value = value
            else:
                field.string_value = str(value)
        _add_hparams(self._settings, "session_start_info", started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:  # TensorBoard keeps the first end that it reads: an interrupted training may be resumed
            ended = HParamsPluginData()
            ended.session_end_info.status = _SUCCEEDED
            _add_hparams(self._settings, "session_end_info", ended)
        with contextlib.ExitStack() as closing:  # each is closed, also where another cannot be
            if kind is not None:  # what ended the training is what must be told
                closing.enter_context(contextlib.suppress(CifarlabError))
            for writer in (self._settings, self._train, self._validation):
                if writer is not None:
                    closing.callback(writer.close)

    def __call__(self, epoch: int, model: keras.Model, predictions: Predictions | None, row: dict[str, float]) -> None:
        """Write what an epoch gave."""
        if epoch == self._first_epoch:
            _add_model(self._train, model)
        for name, value in row.items():
            if name in ("epoch", IS_BEST):
                continue
            split, _, measure = name.partition("_")
            if split == "validation" and self._validation is not None:
                self._validation.add_scalar(f"epoch_{measure}", value, epoch)
            else:
                self._train.add_scalar(_TAGS.get(name) or f"epoch_{measure}", value, epoch)
        if self._every is None or (epoch % self._every and epoch not in (1, self._epochs)):
            return
        for variable in model.trainable_variables:
            values = keras.ops.convert_to_numpy(variable.value)
            self._train.add_histogram(f"weights/{variable.path}", values, epoch)
        if predictions is not None and self._validation is not None:
            self._add_pictures(self._validation, epoch, predictions)

    def _add_pictures(self, writer: SummaryWriter, epoch: int, predictions: Predictions) -> None:
        matrix = plot_confusion_matrix(confusion_matrix(predictions), predictions.class_names)
        _add_figure(writer, "pictures/confusion_matrix", matrix, epoch)
        chosen = np.linspace(0, len(predictions) - 1, min(SAMPLES, len(predictions))).astype(int)
        names, confidence = predictions.class_names, predictions.probabilities.max(axis=1)
        correct = [bool(predictions.predicted[i] == predictions.labels[i]) for i in chosen]
        captions = [
            f"{names[predictions.predicted[i]]} {percent(confidence[i], 1)}"
            + ("" if good else f"\nis {names[predictions.labels[i]]}")
            for i, good in zip(chosen, correct, strict=True)
        ]
        grid = plot_image_grid(self._images.images[chosen], captions, right=correct, columns=COLUMNS)
        _add_figure(writer, "pictures/sample_predictions", grid, epoch)


def _add_figure(writer: SummaryWriter, tag: str, figure: Any, epoch: int) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(to_png(figure, dots_per_inch=150))).convert("RGB"))
    writer.add_image(tag, pixels, epoch, dataformats="HWC")


def _add_model(writer: SummaryWriter, model: keras.Model) -> None:
    """The layers and their connections, each layer a node, as TensorBoard itself draws the models of Keras's callback.

    That callback writes them as a "conceptual graph", which the Graphs tab cannot open by itself: it begins with the
    graph of operations, so that is where they are put.
    """
    if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
        return  # a subclassed model does not say how its layers are connected
    graph = keras_model_to_graph_def(_without_dtypes(json.loads(model.to_json())))
    scope = f"{model.name}/"  # else the tab begins with one closed box
    for node in graph.node:
        node.name = node.name.removeprefix(scope)
        node.input[:] = [name.removeprefix(scope) for name in node.input]
        node.op = node.attr["keras_class"].s.decode()
    writer.file_writer.add_event(Event(graph_def=graph.SerializeToString()))


def _without_dtypes(config: Any) -> Any:
    """TensorBoard knows no policy of mixed precision, and says so for every layer."""
    if isinstance(config, dict):
        return {key: _without_dtypes(value) for key, value in config.items() if key != "dtype"}
    return [_without_dtypes(each) for each in config] if isinstance(config, list) else config


def _add_hparams(writer: SummaryWriter, tag: str, data: HParamsPluginData) -> None:
    """What the HParams tab reads; tensorboardX's own method would make a run of its own for it."""
    plugin_data = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    value = Summary.Value(tag=f"_hparams_/{tag}", metadata=SummaryMetadata(plugin_data=plugin_data))
    writer.file_writer.add_summary(Summary(value=[value]), 0)
