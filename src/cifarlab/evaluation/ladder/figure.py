"""The ladder's figure as files: SVG, PNG, and its numbers as CSV."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from cifarlab.evaluation.ladder.description import Ladder
from cifarlab.evaluation.ladder.measurements import Summary
from cifarlab.evaluation.ladder.published import PUBLISHED
from cifarlab.plots import to_png, to_svg
from cifarlab.plots.ladder import plot_ladder
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

COLUMNS = (
    *("rung", "series", "data", "accuracy", "low", "high", "interval", "standard_deviation", "seeds", "images"),
    *("training_seconds", "parameters", "petaflop", "gigaflop_per_second", "share_of_limit", "precision"),
    *("processor", "cores", "accelerators", "backend"),
)


def write_figure(ladder: Ladder, folder: Path) -> list[Path]:
    """Write `ladder.svg`, `ladder.png` and `ladder.csv`.

    Args:
        ladder: At least one rung has a result.
        folder: Made if it is missing.

    Returns:
        The three files.

    Raises:
        CifarlabError: If no rung has a result, or the folder cannot be written.
    """
    figure = draw_ladder(ladder)
    return [
        files.write_text(folder / "ladder.svg", to_svg(figure)),
        files.write_bytes(folder / "ladder.png", to_png(figure)),
        files.write_csv(folder / "ladder.csv", points(ladder), COLUMNS),
    ]


def draw_ladder(ladder: Ladder) -> Figure:
    """The figure of a ladder, with what others reached where it is all about CIFAR-10.

    Raises:
        CifarlabError: If no rung has a result.
    """
    found = points(ladder)
    if not found:
        raise CifarlabError("no rung has a result, so there is nothing to draw: train and evaluate one of them first")
    is_cifar10 = {point["data"] for point in found} == {"cifar10"}
    return plot_ladder(found, [(each.accuracy, each.label) for each in PUBLISHED] if is_cifar10 else ())


def points(ladder: Ladder) -> list[dict[str, Any]]:
    """One row a result, in the order of the rungs: those on the ladder, beside it, and the user's own."""
    return [
        _row(rung.name, "own" if key == "own" else "side" if rung.reason else "record", result)
        for rung in ladder.rungs
        for key, result in rung.results.items()
    ]


def _row(name: str, series: str, result: Summary) -> dict[str, Any]:
    accuracy, machine = result.accuracy, result.machine
    return {
        "rung": name,
        "series": series,
        **{key: value for key, value in vars(result).items() if key in COLUMNS},
        "accuracy": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "interval": accuracy.method,
        "seeds": " ".join(str(seed) for seed in result.seeds),
        "processor": machine["processor"],
        "cores": machine["cores"],
        "accelerators": " ".join(machine.get("devices") or machine["accelerators"] or []),
        "backend": machine["backend"],
    }
