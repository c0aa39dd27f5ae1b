"""Every figure that can be downloaded: the drawing, and the numbers that it shows."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cifarlab import metrics
from cifarlab.datasets.exploration import statistics
from cifarlab.datasets.exploration.findings import find_spreads
from cifarlab.evaluation.locality import half_energy_sides, random_side
from cifarlab.evaluation.robustness.results import read_results
from cifarlab.plots import to_png, to_svg
from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.plots.class_counts import plot_class_counts
from cifarlab.plots.class_means import plot_class_means
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.corruption_heatmap import plot_corruption_heatmap
from cifarlab.plots.first_layer import plot_first_layer
from cifarlab.plots.locality_histogram import plot_locality_histogram
from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.plots.reliability_diagram import plot_reliability_diagram
from cifarlab.plots.risk_coverage import plot_risk_coverage
from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.reports.exploration.figures import brightness
from cifarlab.reports.weights import has_first_layer, read_first_layer
from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import ClassScores, Interval, ReliabilityBin
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import RunSummary

KINDS = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv; charset=utf-8"}

# matplotlib's settings are global: one thread draws at a time.
DRAWING = threading.RLock()

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """A figure and its numbers, both made when they are asked for."""

    draw: Callable[[], Figure]
    rows: Callable[[], Sequence[Row]]

    def render(self, kind: str) -> bytes:
        """The figure as SVG or PNG, or its numbers as CSV.

        Args:
            kind: One of `KINDS`.
        """
        with DRAWING:
            if kind == "csv":
                return to_csv(self.rows())
            return to_png(self.draw()) if kind == "png" else to_svg(self.draw()).encode()


def draw_run_figure(library: Library, summary: RunSummary, split: str, name: str) -> Drawing:
    """One of `run_figures`."""
    if name == "robustness":
        return _robustness(summary.run)
    if name in FIRST_LAYER:
        return _first_layer(summary) if name == "first-layer" else _locality(summary)
    if name == "confusion-matrix":
        scores = summary.run.scores(split)
        counts, names = scores.confusion_matrix, scores.class_names
        return Drawing(lambda: plot_confusion_matrix(counts, names), lambda: _matrix_rows(counts, names))
    return draw_comparison(library, [summary], split, name)


def draw_comparison(library: Library, summaries: Sequence[RunSummary], split: str, name: str) -> Drawing:
    """One of `COMPARISONS`, of one run or of several."""
    # A figure that is downloaded stands alone: runs of different data sets say so beside their names.
    is_apart = len({summary.data for summary in summaries}) > 1
    runs = {f"{each.name} on {each.data}" if is_apart else each.name: each for each in summaries}
    if name == "training-curves":
        histories = {label: summary.run.history() for label, summary in runs.items()}
        return Drawing(lambda: plot_training_curves(histories), lambda: _joined(histories))
    if name in ("accuracy-intervals", "per-class-scores"):
        scores = {label: summary.run.scores(split) for label, summary in runs.items()}
        classes = {label: each.per_class for label, each in scores.items()}
        if name == "per-class-scores":
            return Drawing(lambda: plot_per_class_scores(classes), lambda: _joined(classes))
        intervals = {label: each.scores["accuracy"] for label, each in scores.items()}
        rows = {label: [{"accuracy": each}] for label, each in intervals.items()}
        return Drawing(lambda: plot_accuracy_intervals(intervals), lambda: _joined(rows))
    predictions = {label: library.predictions(summary, split) for label, summary in runs.items()}
    if name == "reliability":
        bins = {label: metrics.reliability(each) for label, each in predictions.items()}
        return Drawing(lambda: plot_reliability_diagram(bins), lambda: _joined(bins))
    curves = {label: metrics.risk_coverage(each) for label, each in predictions.items()}
    points = {
        label: [{"coverage": coverage, "risk": risk} for coverage, risk in zip(each.coverage, each.risk, strict=True)]
        for label, each in curves.items()
    }
    return Drawing(lambda: plot_risk_coverage(curves), lambda: _joined(points))


FIRST_LAYER = ("first-layer", "locality")
# All units of a wide layer would be megabytes in every format.
MOST_UNITS = 256
UNITS_A_ROW = 16
COMPARISONS = ("accuracy-intervals", "training-curves", "per-class-scores", "reliability", "risk-coverage")


def run_figures(summary: RunSummary, split: str) -> list[str]:
    """Names of the figures that a run has now."""
    names = ["training-curves"] if summary.epochs else []
    names += ["confusion-matrix", "per-class-scores", "reliability", "risk-coverage"] if split else []
    names += FIRST_LAYER if has_first_layer(summary.run.model_file) else ()
    return [*names, "robustness"]


DATA_FIGURES = ("class-counts", "class-means", "brightness")


def draw_data_figure(collection: Collection, name: str) -> Drawing:
    """One of `DATA_FIGURES`."""
    names = collection.class_names
    train = collection.splits.train
    if name == "class-counts":
        counts = {split: statistics.class_counts(part) for split, part in collection.parts.items()}
        return Drawing(lambda: plot_class_counts(counts, names), lambda: _count_rows(counts, names))
    if name == "class-means":
        means, deviations = statistics.class_images(train.images, train.labels, len(names))
        return Drawing(lambda: plot_class_means(means, deviations, names), lambda: _mean_rows(means, deviations, names))
    spreads = find_spreads(train.images, train.labels, len(names))
    return Drawing(lambda: brightness(spreads, names), lambda: _spread_rows(spreads, names))


def to_csv(rows: Sequence[Row]) -> bytes:
    """Rows as CSV under a header of all their columns."""
    return files.to_csv(rows, dict.fromkeys(key for row in rows for key in row)).encode()


def _robustness(run: Run) -> Drawing:
    results = read_results(run)
    if results is None:
        raise CifarlabError(f"{run.name} has no robustness.json: run cifarlab robustness {run.path}")
    accuracies, severities = results.accuracies, results.severities
    return Drawing(
        lambda: plot_corruption_heatmap(accuracies, severities, results.clean_accuracy, extra=results.extra),
        lambda: [
            {"corruption": name, "severity": severity, "accuracy": value}
            for name, row in accuracies.items()
            for severity, value in zip(severities, row, strict=True)
        ],
    )


def _first_layer(summary: RunSummary) -> Drawing:
    weights = _read_weights(summary)
    energies = _energies(weights)
    strongest = np.argsort(-energies, kind="stable")[:MOST_UNITS]
    return Drawing(
        lambda: plot_first_layer(weights[strongest], most=MOST_UNITS, columns=UNITS_A_ROW),
        lambda: _weight_rows(weights, energies, strongest.tolist()),
    )


def _locality(summary: RunSummary) -> Drawing:
    weights = _read_weights(summary)
    sides, (height, width, channels) = half_energy_sides(weights), weights.shape[1:]
    return Drawing(
        lambda: plot_locality_histogram(sides, random_side((height, width, channels)), max(height, width)),
        lambda: [
            {"unit": unit, "half_energy_side_pixels": float(side), "energy": float(energy)}
            for unit, (side, energy) in enumerate(zip(sides, _energies(weights), strict=True))
        ],
    )


def _read_weights(summary: RunSummary) -> Array:
    weights = read_first_layer(summary.run.model_file)
    if weights is None:
        raise CifarlabError(f"{summary.name} has no dense layer over the whole picture")
    return weights


def _energies(weights: Array) -> Array:
    """`(units,)` float64: the sum of each unit's squared weights, by which the strongest are the first."""
    energies: Array = (weights.astype(np.float64) ** 2).sum(axis=(1, 2, 3))
    return energies


def _weight_rows(weights: Array, energies: Array, units: Sequence[int]) -> list[Row]:
    """A row a unit with its number in the layer; four digits of a weight say more than the picture shows."""
    names = [f"w_{row}_{column}_{channel}" for row, column, channel in np.ndindex(*weights.shape[1:])]
    return [
        {
            "unit": unit,
            "energy": float(energies[unit]),
            **{name: f"{value:.4g}" for name, value in zip(names, weights[unit].ravel().tolist(), strict=True)},
        }
        for unit in units
    ]


def _joined(parts: Mapping[str, Sequence[Row | ClassScores | ReliabilityBin]]) -> list[Row]:
    """The rows of all runs, flat; where there are several, each row begins with its run's name."""
    several = len(parts) > 1
    return [{"run": run, **row} if several else row for run, rows in parts.items() for row in map(_flat, rows)]


def _flat(row: Row | ClassScores | ReliabilityBin) -> dict[str, Any]:
    """Intervals as columns: `f1` becomes `f1`, `f1_low` and `f1_high`."""
    flat: dict[str, Any] = {}
    for key, each in (row if isinstance(row, Mapping) else vars(row)).items():
        if isinstance(each, Interval):
            flat |= {key: each.value, f"{key}_low": each.low, f"{key}_high": each.high}
        else:
            flat[key] = each
    return flat


def _matrix_rows(counts: Sequence[Sequence[int]], names: Sequence[str]) -> list[Row]:
    return [{"true": name, **dict(zip(names, row, strict=True))} for name, row in zip(names, counts, strict=True)]


def _count_rows(counts: Mapping[str, Sequence[int]], names: Sequence[str]) -> list[Row]:
    return [
        {"class": name, **{split: column[index] for split, column in counts.items()}}
        for index, name in enumerate(names)
    ]


def _mean_rows(means: Array, deviations: Array, names: Sequence[str]) -> list[Row]:
    """Each class's mean and deviation by channel: the whole images are in the picture."""
    rows: list[Row] = []
    for index, name in enumerate(names):
        for channel in range(means.shape[-1]):
            mean, deviation = float(means[index, ..., channel].mean()), float(deviations[index, ..., channel].mean())
            rows.append({"class": name, "channel": channel, "mean": mean, "deviation": deviation})
    return rows


def _spread_rows(spreads: Mapping[str, tuple[Array, Array]], names: Sequence[str]) -> list[Row]:
    quantiles = [f"q{round(100 * each):02d}" for each in statistics.QUANTILES]
    return [
        {"quantity": quantity, "class": name, **dict(zip(quantiles, spread[index].tolist(), strict=True))}
        for quantity, (_, spread) in spreads.items()
        for index, name in enumerate(names)
    ]
