"""TensorBoard events without TensorFlow: scalars, weight histograms, sample predictions, confusion matrix."""

import io
from types import TracebackType
from typing import Any

import keras
import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter

from cifarlab.metrics._confusion import confusion_matrix
from cifarlab.plots._style import to_png
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.records import ImageSet, Predictions
from cifarlab.runs import Run

SAMPLES = 20


class EventWriter:
    """Writes a run's events: scalars after each epoch, pictures and histograms after every `every` epochs.

    Args:
        run: Where to.
        validation: The images that the predictions are about.
        every: Epochs between pictures.
        epochs: The last epoch always gets its pictures.
        first_epoch: Earlier events of this epoch and later ones are void: the training was resumed before them.
    """

    def __init__(self, run: Run, validation: ImageSet, every: int, epochs: int, first_epoch: int = 1) -> None:
        self._writer = SummaryWriter(str(run.tensorboard_dir), flush_secs=10, purge_step=first_epoch)
        self._validation = validation
        self._every = every
        self._epochs = epochs

    def __enter__(self) -> "EventWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def __call__(self, epoch: int, model: keras.Model, predictions: Predictions | None, row: dict[str, float]) -> None:
        """Write what an epoch gave."""
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(_tag(name), value, epoch)
        if epoch % self._every and epoch not in (1, self._epochs):
            return
        for variable in model.trainable_variables:
            self._writer.add_histogram(variable.path, keras.ops.convert_to_numpy(variable.value), epoch)
        if predictions is not None:
            self._add_pictures(epoch, predictions)

    def _add_pictures(self, epoch: int, predictions: Predictions) -> None:
        matrix = plot_confusion_matrix(confusion_matrix(predictions), predictions.class_names)
        self._add_figure("validation/confusion matrix", matrix, epoch)
        chosen = np.linspace(0, len(predictions) - 1, min(SAMPLES, len(predictions))).astype(int)
        names, certain = predictions.class_names, predictions.probabilities.max(axis=1)
        captions = [f"{names[predictions.predicted[i]]} {certain[i]:.0%}" for i in chosen]
        right = [bool(predictions.predicted[i] == predictions.labels[i]) for i in chosen]
        grid = plot_image_grid(self._validation.images[chosen], captions, right=right)
        self._add_figure("validation/sample predictions", grid, epoch)

    def _add_figure(self, tag: str, figure: Any, epoch: int) -> None:
        pixels = np.asarray(Image.open(io.BytesIO(to_png(figure, dots_per_inch=100))).convert("RGB"))
        self._writer.add_image(tag, pixels, epoch, dataformats="HWC")


def _tag(name: str) -> str:
    split, _, rest = name.partition("_")
    return f"{split}/{rest}" if split in ("train", "validation") else f"training/{name}"
