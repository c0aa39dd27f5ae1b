"""Loss and accuracy, epoch by epoch."""

from markupsafe import Markup

from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, percent, render
from cifarlab.utils.best_epoch import best_epoch

ORDER = 30
TITLE = "Training curves"
_HANDICAPS = {
    "dropout": ("model.dropout", "model.input_dropout", "model.drop_path"),
    "augmentation": (
        *("flip", "translate_pixels", "brightness_factor", "contrast_factor", "rotate_degrees", "zoom_factor"),
        *("cutout_pixels", "mixup_alpha", "cutmix_alpha"),
    ),
}
"""What is on in training and off in validation, and the settings that turn it on."""


def build(page: Page) -> Markup | None:
    """Loss and accuracy epoch by epoch; None where no run has a history."""
    histories = {record.label: record.history for record in page.runs}
    if not any(histories.values()):
        return None
    figures = []
    for quantity in ("accuracy", "loss"):
        figure = plot_training_curves(histories, quantities=(quantity,), width_inches=4.4)
        figures.append(draw(figure, f"curves-{quantity}", f"{quantity} by epoch. {_described(page)}"))
    best = {record.label: best_epoch(record.history) for record in page.runs}
    # A curve of held-out images is needed to look worse beside.
    told = [record for record in page.runs if best[record.label] is not None]
    handicaps = [name for name in _HANDICAPS if any(_has(record, name) for record in told)]
    return render(
        "training_curves", page=page, figures=figures, best=best, held_out=_held_out(page), handicaps=handicaps
    )


def _held_out(page: Page) -> str:
    """`"all"` where every run shown has curves of images that were held out, `"some"` where some have, else empty."""
    has = {best_epoch(record.history) is not None for record in page.runs if record.history}
    return "some" if len(has) > 1 else "all" if has == {True} else ""


def _has(record: RunRecord, handicap: str) -> bool:
    """Whether that made the training images harder than those held out."""
    values = [record.recipe.get(name) for name in _HANDICAPS[handicap]]
    return any(any(value) if isinstance(value, list | tuple) else value not in (None, 0, "none") for value in values)


def _described(page: Page) -> str:
    parts = []
    for record in page.runs:
        best = best_epoch(record.history)
        if best is not None:
            accuracy = percent(best["validation_accuracy"])
            parts.append(f"{record.label}: best validation accuracy {accuracy} in epoch {best['epoch']:.0f}")
    return "; ".join(parts) or "No images were held out."
