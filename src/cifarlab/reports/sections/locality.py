"""How local the first layer of a dense network became: the window that holds half of each unit."""

from typing import Any

import numpy as np
from markupsafe import Markup

from cifarlab.evaluation.locality import begun_side, half_energy_sides, random_side
from cifarlab.plots import series_colour
from cifarlab.plots.locality_histogram import plot_locality_histogram
from cifarlab.plots.unit_rows import plot_unit_rows
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import draw, render
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

ORDER = 102
TITLE = "Locality of first-layer weights"


def build(page: Page) -> Markup | None:
    """Of each dense network the most, the middling and the least local units; None where no run is one."""
    most = page.amount(alone=8, compared=6)
    shown = [found for record in page.runs if (found := _show(record, most)) is not None]
    return render("locality", page=page, shown=shown) if shown else None


def _show(record: RunRecord, most: int) -> dict[str, Any] | None:
    try:
        weights = record.first_layer
    except CifarlabError:
        return None  # the section before this one says why
    if weights is None:
        return None
    sides, shape = half_energy_sides(weights), weights.shape[1:]
    random, begun = random_side(shape), _begun(record, weights)
    histogram = plot_locality_histogram(sides, random, max(shape[:2]), begun=begun, colour=series_colour(record.index))
    described = f"How many units of {record.label} need which window to hold half of their weights' energy"
    tiles = f"First-layer weights of the most, middling and least local units of {record.label}"
    return {
        "record": record,
        "tiles": draw(plot_unit_rows(_rows(weights, sides, most)), f"locality-units-{record.index}", tiles),
        "histogram": draw(histogram, f"locality-{record.index}", described),
        "median": float(np.median(sides)),
        "random": random,
        "pixels": max(shape[:2]),
        "local": float((sides < random - 1).mean()),
        "begun": begun,
        "shuffled": bool(record.recipe.get("shuffle_pixels")),
    }


def _begun(record: RunRecord, weights: Array) -> float | None:
    """The window of a middling unit before the training, where units began near in the picture as we see it."""
    sigma_pixels = record.recipe.get("model.sigma_pixels")
    if record.recipe["model"] != "bottleneck_mlp" or not sigma_pixels or record.recipe.get("shuffle_pixels"):
        return None
    units, height, width, channels = weights.shape
    return begun_side((height, width, channels), units, sigma_pixels[0])


def _rows(weights: Array, sides: Array, most: int) -> dict[str, tuple[Array, list[str]]]:
    """The ends and the middle of the order by side, without showing a unit twice."""
    order = np.argsort(sides, kind="stable")
    if len(order) < 3 * most:
        places = {"all, the most local first": order[:most]}
    else:
        middle = (len(order) - most) // 2
        places = {
            "most local": order[:most],
            "in the middle": order[middle : middle + most],
            "least local": order[-most:],
        }
    return {name: (weights[chosen], [f"{side:.1f}" for side in sides[chosen]]) for name, chosen in places.items()}
