"""A small figure of made-up numbers for every plot, found by the plot's name: the contract tests draw them all."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.plots.brightness import plot_brightness
from cifarlab.plots.class_counts import plot_class_counts
from cifarlab.plots.class_means import plot_class_means
from cifarlab.plots.class_samples import plot_class_samples
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.corruption_heatmap import plot_corruption_heatmap
from cifarlab.plots.duplicate_pairs import plot_duplicate_pairs
from cifarlab.plots.first_layer import plot_first_layer
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.plots.image_map import plot_image_map
from cifarlab.plots.ladder import plot_ladder
from cifarlab.plots.learning_rates import plot_learning_rates
from cifarlab.plots.locality_histogram import plot_locality_histogram
from cifarlab.plots.loss_history import plot_loss_history
from cifarlab.plots.optimisation_history import plot_optimisation_history
from cifarlab.plots.parallel_coordinates import plot_parallel_coordinates
from cifarlab.plots.parameter_importances import plot_parameter_importances
from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.plots.pixel_permutation import plot_pixel_permutation
from cifarlab.plots.reliability_diagram import plot_reliability_diagram
from cifarlab.plots.risk_coverage import plot_risk_coverage
from cifarlab.plots.saliency_overlay import plot_saliency_overlay
from cifarlab.plots.setting_contours import plot_setting_contours
from cifarlab.plots.setting_slices import plot_setting_slices
from cifarlab.plots.slice_accuracy import plot_slice_accuracy
from cifarlab.plots.swept_setting import plot_swept_setting
from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.plots.trial_curves import plot_trial_curves
from cifarlab.plots.unit_rows import plot_unit_rows
from cifarlab.utils.results import ClassScores, Interval, ParameterValues, ReliabilityBin, RiskCoverage, RiskPoint


def _epochs_of(epochs: int, held_out: bool) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "train_loss": 2 / epoch, "train_accuracy": 1 - 0.9 / epoch}
        if held_out:
            row |= {"validation_loss": 2.2 / epoch + 0.02 * epoch, "validation_accuracy": 0.9 - 0.8 / epoch}
        rows.append(row)
    return rows


def accuracy_intervals() -> Figure:
    """Three made-up runs."""
    return plot_accuracy_intervals(
        {name: Interval(value, value - 0.05, value + 0.05) for name, value in (("a", 0.5), ("b", 0.58), ("c", 0.6))}
    )


def brightness() -> Figure:
    """Two made-up classes."""
    histograms = np.array([[0.1, 0.6, 0.3], [0.0, 0.0, 0.0]])
    quantiles = np.array([[0.1, 0.3, 0.5, 0.7, 0.9], [np.nan] * 5])
    return plot_brightness([("Brightness", 1.0, histograms, quantiles)], ["cat", "dog"])


def class_counts() -> Figure:
    """Two made-up classes."""
    return plot_class_counts({"train": [90, 80], "validation": [10, 9], "test": [20, 20]}, ["cat", "dog"])


def class_means() -> Figure:
    """Two made-up classes of tiny images."""
    means = np.linspace(0, 255, 2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
    return plot_class_means(means, means[::-1] / 3, ["cat", "$dog"])


def class_samples() -> Figure:
    """One class with three tiny pictures, and one with none."""
    pictures = np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3)
    return plot_class_samples([pictures, pictures[:0]], ["cat", "$dog"])


def confusion_matrix() -> Figure:
    """Three made-up classes."""
    return plot_confusion_matrix([[8, 1, 1], [0, 9, 1], [2, 3, 5]], ["cat", "dog", "ship & boat"])


def corruption_heatmap() -> Figure:
    """Three made-up rows, one of an extra corruption."""
    rows = {"fog": [0.9, 0.8, 0.5], "snow": [0.7, 0.4, 0.1], "spatter": [0.91, 0.9, 0.8]}
    return plot_corruption_heatmap(rows, (1, 3, 5), 0.92, extra=("spatter",))


def duplicate_pairs() -> Figure:
    """One made-up pair with different labels."""
    images = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(1, 4, 4, 3)
    return plot_duplicate_pairs(images, images, ["cat / $dog"], [True], "Pairs")


def first_layer() -> Figure:
    """Five made-up units."""
    return plot_first_layer(np.random.default_rng(0).normal(size=(5, 4, 4, 3)))


def image_grid() -> Figure:
    """Three made-up pictures."""
    images = np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3)
    return plot_image_grid(images, ["cat 97 %\nis a dog", "dog", "$ship$"], right=[False, True, True], columns=2)


def image_map() -> Figure:
    """Two made-up pictures."""
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    return plot_image_map(np.array([[0.0, 0.0], [1.0, 2.0]]), images, np.array([0, 1]), ["cat", "dog"], "Two")


def ladder() -> Figure:
    """A made-up ladder of three rungs, one beside it, and an own run."""
    rows = [
        ("dense1", "record", 0.56, 100, 8e5),
        ("dense2", "record", 0.63, 240, 3e6),
        ("dense3", "record", 0.66, 260, 9e6),
        ("dense_distilled", "side", 0.71, 900, 9e6),
        ("dense2", "own", 0.625, 180, 3e6),
    ]
    points = [
        {
            **{"rung": name, "series": series, "accuracy": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01},
            **{"training_seconds": seconds, "parameters": parameters, "accelerators": ""},
        }
        for name, series, accuracy, seconds, parameters in rows
    ]
    return plot_ladder(points, [(0.70, "published"), (0.491, "classroom")])


def learning_rates() -> Figure:
    """A made-up range test."""
    rates = np.geomspace(1e-6, 10, 50).tolist()
    smoothed = [2.3 - 0.02 * step if step < 40 else 1.5 + 0.5 * (step - 39) for step in range(50)]
    losses = [value + 0.05 * (-1) ** step for step, value in enumerate(smoothed)]
    return plot_learning_rates(rates, losses, smoothed, {"valley": 1e-3, "steepest": 5e-3, "minimum / 10": 2e-3})


def locality_histogram() -> Figure:
    """Made-up sides."""
    return plot_locality_histogram(np.random.default_rng(0).uniform(3, 20, 200), 21.5, 32, begun=4.5)


def loss_history() -> Figure:
    """Two made-up runs; the second did not meet the image in its second epoch."""
    first = ([2.3, 1.5, 0.4, 0.9, 0.1], [False, False, True, False, True])
    return plot_loss_history({"first": first, "second": ([2.0, float("nan"), 0.3], [False, False, True])}, 2.3)


def optimisation_history() -> Figure:
    """Five made-up trials, one of each state."""
    states = ["pruned", "complete", "failed", "complete", "running"]
    return plot_optimisation_history(list(range(5)), [0.3, 0.5, None, 0.45, 0.2], states, 0.3)


_SETTINGS = [
    ParameterValues("learning_rate", (1e-4, 1e-2, None, 1e-3, 1e-3), (), True, (1e-4, 1e-2)),
    ParameterValues("model.widths", ("(512, 256)", "(64,)", "(64,)", None, "(512, 256)"), ("(512, 256)", "(64,)")),
    ParameterValues("model.$dropout", (0.0, 0.5, 0.25, 0.1, 0.1), (), False, (0.0, 0.5)),
    ParameterValues("batch_size", (8, 8, 8, 8, 8), (), False, (8, 8)),
]
_SCORES = [0.3, 0.5, 0.4, 0.45, 0.2]


def parallel_coordinates() -> Figure:
    """Five made-up trials."""
    return plot_parallel_coordinates(_SETTINGS, _SCORES)


def parameter_importances() -> Figure:
    """Two made-up settings."""
    return plot_parameter_importances({"learning_rate": 0.996, "model.dropout": 0.004})


def per_class_scores() -> Figure:
    """Two made-up classes of two made-up runs."""
    score = Interval(0.6, 0.5, 0.7)
    rows = [ClassScores(name, 10, 10, score, score, score) for name in ("cat", "dog")]
    return plot_per_class_scores({"first": rows, "second": rows})


def pixel_permutation() -> Figure:
    """Two made-up recipes."""
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3) * 5

    def score(value: float) -> Mapping[str, Any]:
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    rows = {"dense": (score(0.55), score(0.549), score(-0.001)), "conv": (score(0.9), score(0.4), score(-0.5))}
    return plot_pixel_permutation(rows, image, image[::-1], 0.1)


def reliability_diagram() -> Figure:
    """Two bins of two made-up runs."""
    rows = [ReliabilityBin(low, low + 0.5, 10, low + 0.3, Interval(0.6, 0.5, 0.7)) for low in (0.0, 0.5)]
    return plot_reliability_diagram({"first": rows, "second": rows[1:]})


def risk_coverage() -> Figure:
    """Two made-up curves."""
    point = RiskPoint(0.5, 0.7, 10, Interval(0.1, 0.05, 0.15))
    curve = RiskCoverage((0.1, 0.5, 1.0), (0.0, 0.1, 0.3), Interval(0.1, None, None), 0.05, (point,))
    return plot_risk_coverage({"first": curve, "second": replace(curve, risk=(0.0, 0.05, 0.2))})


def saliency_overlay() -> Figure:
    """A made-up picture with two maps."""
    image = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    heats = np.linspace(0, 1, 32).reshape(2, 4, 4)
    return plot_saliency_overlay(image, heats, ["what says cat", "what says $dog"])


def setting_contours() -> Figure:
    """Five made-up trials, of which one lies outside."""
    return plot_setting_contours(_SETTINGS[0], _SETTINGS[2], _SCORES)


def setting_slices() -> Figure:
    """Five made-up trials."""
    return plot_setting_slices(_SETTINGS, _SCORES)


def slice_accuracy() -> Figure:
    """Two made-up slices."""
    score = Interval(0.6, 0.5, 0.7)
    rows = {"brightness: darkest": (score, 0.01), "brightness: brightest": (score, 0.6)}
    return plot_slice_accuracy(rows, 0.7)


def swept_setting() -> Figure:
    """Two made-up recipes, one of them with a value that has no interval."""
    wide, alone = Interval(0.6, 0.5, 0.7), Interval(0.5, None, None)
    return plot_swept_setting({"mlp1": [(1e-4, wide), (1e-3, alone)], "mlp2": [(1e-3, wide)]}, "learning_rate")


def training_curves() -> Figure:
    """Two made-up runs, one of them without validation."""
    return plot_training_curves({"first": _epochs_of(8, True), "second": _epochs_of(5, False)})


def trial_curves() -> Figure:
    """Three made-up trials, one of them without an epoch."""
    return plot_trial_curves({0: [0.2, 0.3, 0.5], 3: [0.25], 4: []}, [1, 3])


def unit_rows() -> Figure:
    """Two rows of made-up units."""
    drawn = np.random.default_rng(0).normal(size=(5, 8, 8, 3))
    return plot_unit_rows({"the first": (drawn[:3], ["1 px", "2 px", "3 px"]), "others": (drawn[3:], ["4 px", "5 px"])})
