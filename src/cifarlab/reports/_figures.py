"""The figures of a run as PNG files beside its numbers, for slides and papers."""

from pathlib import Path

from matplotlib.figure import Figure

from cifarlab.plots import to_png
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.reports.page import RunRecord
from cifarlab.reports.pictures import Pictures
from cifarlab.reports.sections.top_losses import find_top_losses
from cifarlab.utils import files
from cifarlab.utils.text import percent

MOST_MISTAKES = 32


def write_figures(record: RunRecord, pictures: Pictures, split: str) -> list[Path]:
    """Write the run's figures into its `figures/`: training curves, confusion matrix, scores per class, top losses.

    The split is part of the names. Where there are no pictures of the data, the gallery of top losses is left out.
    """
    figures: dict[str, Figure | None] = {
        "training-curves": plot_training_curves({record.label: record.history}) if record.history else None,
        f"{split}-confusion-matrix": plot_confusion_matrix(record.scores.confusion_matrix, record.class_names),
        f"{split}-per-class-scores": plot_per_class_scores({record.label: record.scores.per_class}),
        f"{split}-mistakes": _plot_top_losses(record, pictures),
    }
    folder = record.run.figures_dir
    return [files.write_bytes(folder / f"{name}.png", to_png(figure)) for name, figure in figures.items() if figure]


def _plot_top_losses(record: RunRecord, pictures: Pictures) -> Figure | None:
    predictions, names = record.predictions, record.class_names
    rows = find_top_losses(predictions, MOST_MISTAKES)
    if not rows or not pictures.has(record.data["name"]):
        return None
    confidence = predictions.probabilities.max(axis=1)
    captions = [
        f"{names[predictions.predicted[row]]} {percent(confidence[row], 1)}\ntrue: {names[predictions.labels[row]]}"
        for row in rows
    ]
    images = pictures.images(record.data["name"], [str(predictions.ids[row]) for row in rows])
    return plot_image_grid(images, captions, right=[False] * len(rows))
