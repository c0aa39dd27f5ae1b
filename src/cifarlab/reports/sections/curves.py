"""How the training went."""

from markupsafe import Markup

from cifarlab.plots.training_curves import best_epoch, plot_training_curves
from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import draw, percent, render

ORDER = 30
TITLE = "How the training went"


def build(page: Page) -> Markup | None:
    """Loss and accuracy epoch by epoch; None where no run has a history."""
    histories = {view.label: view.history for view in page.runs}
    if not any(histories.values()):
        return None
    figures = []
    for quantity in ("accuracy", "loss"):
        figure = plot_training_curves(histories, quantities=(quantity,), width_inches=4.4)
        figures.append(draw(figure, f"curves-{quantity}", f"{quantity} by epoch. {_described(page)}"))
    best = {view.label: best_epoch(view.history) for view in page.runs}
    # A curve of held-out images is needed to look worse beside.
    handicapped = any(_is_handicapped(view) and best[view.label] is not None for view in page.runs)
    return render("curves", page=page, figures=figures, best=best, held_out=_held_out(page), handicapped=handicapped)


def _held_out(page: Page) -> str:
    """`"all"` where every run shown has curves of images that were held out, `"some"` where some have, else empty."""
    has = {best_epoch(view.history) is not None for view in page.runs if view.history}
    return "some" if len(has) > 1 else "all" if has == {True} else ""


def _is_handicapped(view: RunView) -> bool:
    """Whether dropout or augmentation made the training images harder than those held out."""
    names = (
        *("model.dropout", "model.input_dropout", "flip", "translate_pixels", "brightness_factor", "contrast_factor"),
        *("model.drop_path", "rotate_degrees", "zoom_factor", "mixup_alpha", "cutmix_alpha"),
    )
    return any(view.recipe.get(name) not in (None, 0, "none") for name in names)


def _described(page: Page) -> str:
    parts = []
    for view in page.runs:
        best = best_epoch(view.history)
        if best is not None:
            accuracy = percent(best["validation_accuracy"])
            parts.append(f"{view.label}: best validation accuracy {accuracy} in epoch {best['epoch']:.0f}")
    return "; ".join(parts) or "No images were held out."
