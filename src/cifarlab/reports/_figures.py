"""The figures of a run as PNG files beside its numbers, for slides and papers."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots import to_png
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.reports.page import RunView
from cifarlab.reports.pictures import Pictures
from cifarlab.utils import files

MOST_MISTAKES = 32


def write_figures(view: RunView, pictures: Pictures, split: str) -> list[Path]:
    """Write the run's figures into its `figures/`.

    Args:
        view: The run.
        pictures: The data's images; without them the gallery of mistakes is left out.
        split: Which images the numbers are about; part of the files' names.

    Returns:
        The files: training curves, confusion matrix, scores per class, most confident mistakes.
    """
    figures: dict[str, Figure | None] = {
        "training-curves": plot_training_curves({view.label: view.history}) if view.history else None,
        f"{split}-confusion-matrix": plot_confusion_matrix(np.array(view.scores["confusion_matrix"]), view.class_names),
        f"{split}-per-class-scores": plot_per_class_scores({view.label: view.scores["per_class"]}),
        f"{split}-mistakes": _plot_mistakes(view, pictures),
    }
    folder = view.run.figures_dir
    return [files.write_bytes(folder / f"{name}.png", to_png(figure)) for name, figure in figures.items() if figure]


def _plot_mistakes(view: RunView, pictures: Pictures) -> Figure | None:
    predictions = view.predictions
    confidence = predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    rows = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST_MISTAKES]
    if not len(rows) or not pictures.has(view.data["name"]):
        return None
    names = view.class_names
    captions = [
        f"{names[predictions.predicted[row]]} {confidence[row]:.0%}\nis {names[predictions.labels[row]]}"
        for row in rows
    ]
    images = pictures.images(view.data["name"], [str(predictions.ids[row]) for row in rows])
    return plot_image_grid(images, captions, right=[False] * len(rows))
