"""Accuracy on slices of the images, by brightness, contrast and distance to the training images."""

from markupsafe import Markup

from cifarlab.evaluation.slices import COPY_GREY_LEVELS, slice_accuracy
from cifarlab.plots.slice_accuracy import plot_slice_accuracy
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import draw, render

ORDER = 65
TITLE = "Accuracy by slice"


def build(page: Page) -> Markup | None:
    """The leading run's accuracy on slices of the images; None where there are no pictures."""
    record = page.leader
    name = str(record.data["name"])
    if not page.pictures.has(name) or len(record.predictions) < 2:
        return None
    images = page.pictures.images(name, [str(image_id) for image_id in record.predictions.ids])
    train = page.pictures.training_images(record.run)
    found = slice_accuracy(record.predictions, images, train)
    if not found.slices or found.accuracy.value is None:
        return None
    rows = {f"{each.by}: {each.name}": (each.accuracy, each.adjusted_p_value) for each in found.slices}
    figure = plot_slice_accuracy(rows, found.accuracy.value)
    described = f"Accuracy of {record.label} on slices of the images; the table below has the numbers"
    drawn = draw(figure, "slices", described)
    return render("slices", page=page, record=record, figure=drawn, found=found, copy=COPY_GREY_LEVELS)
