"""Every figure keeps the same promises; the files are found by their names."""

import re
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from cifarlab import plots
from cifarlab.plots import _style
from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.plots.confusion_matrix import plot_confusion_matrix
from cifarlab.plots.first_layer import plot_first_layer
from cifarlab.plots.image_grid import plot_image_grid
from cifarlab.plots.ladder import plot_ladder
from cifarlab.plots.locality_histogram import plot_locality_histogram
from cifarlab.plots.loss_history import plot_loss_history
from cifarlab.plots.optimisation_history import plot_optimisation_history
from cifarlab.plots.parallel_coordinates import plot_parallel_coordinates
from cifarlab.plots.parameter_importances import plot_parameter_importances
from cifarlab.plots.per_class_scores import plot_per_class_scores
from cifarlab.plots.pixel_permutation import plot_pixel_permutation
from cifarlab.plots.saliency_overlay import overlay, plot_saliency_overlay
from cifarlab.plots.setting_contours import plot_setting_contours
from cifarlab.plots.setting_slices import plot_setting_slices
from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.plots.trial_curves import plot_trial_curves
from cifarlab.plots.unit_rows import plot_unit_rows
from cifarlab.utils import discovery
from cifarlab.utils.results import ClassScores, Interval, ParameterValues

FIGURES = discovery.names("plots")


def test_every_plot_has_an_example_and_no_example_is_left_over(plot_examples) -> None:
    assert [name for name in vars(plot_examples) if name in FIGURES] == FIGURES


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_a_plot_function_and_draws_the_same_bytes_twice(name: str, plot_examples) -> None:
    module = discovery.load("plots", name)
    assert callable(getattr(module, f"plot_{name}"))
    before = dict(matplotlib.rcParams)
    draw = getattr(plot_examples, name)
    first, second = draw(), draw()
    assert isinstance(first, Figure)
    assert dict(matplotlib.rcParams) == before
    assert plots.to_svg(first) == plots.to_svg(second)
    assert plots.to_png(first, 40) == plots.to_png(second, 40)
    assert plots.to_png(first, 40).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_inline_svg_stands_alone_and_shares_no_id(name: str, plot_examples) -> None:
    svg = plots.to_inline_svg(getattr(plot_examples, name)(), "mine", 'a "b" <c> & d')
    assert svg.startswith('<svg role="img" aria-label="a &quot;b&quot; &lt;c&gt; &amp; d" viewBox=')
    assert svg.endswith("</svg>")
    assert "http" not in svg
    assert "<style" not in svg
    ids = re.findall(r'id="([^"]+)"', svg)
    assert all(each.startswith("mine-") for each in ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= set(ids)


def test_names_are_text_and_never_mathematics() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = plots.to_inline_svg(plot_confusion_matrix([[1, 0], [0, 1]], ["$a_b$ <i>", "\u732b"]), "x", "")
    assert "$a_b$ &lt;i&gt;" in svg
    assert "\u732b" in svg


def test_confusion_matrix_has_true_classes_as_rows() -> None:
    figure = plot_confusion_matrix([[7, 3], [0, 5]], ["cat", "dog"])
    (axes,) = figure.axes
    numbers = {(text.get_position()[0], round(text.get_position()[1])): text.get_text() for text in axes.texts}
    shown = {place: text for place, text in numbers.items() if not text.endswith("%")}
    assert {text.get_text() for text in axes.texts} == {"7", "3", "5", "70%", "30%", "100%"}
    assert shown.keys() <= {(0, 0), (1, 0), (1, 1)}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert axes.get_ylabel() == "true class"
    assert axes.get_xlabel() == "predicted class"


@pytest.mark.parametrize(("paper", "ink"), [(_style.PAPER, _style.INK), ("#fbfaf7", "#1f2430"), ("#14171c", "#e9e6df")])
def test_confusion_matrix_can_be_read_on_light_and_on_dark_paper(paper: str, ink: str) -> None:
    """The page replaces the ink by its own, and cells are transparent; WCAG's contrast of text is at least 4.5."""

    def luminance(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    axes = plot_confusion_matrix([[99, 1, 0], [30, 40, 30], [0, 80, 20]], ["a", "b", "c"]).axes[0]
    heat = np.asarray(axes.get_images()[0].get_array())
    for text in axes.texts:
        column, row = text.get_position()
        *colour, alpha = heat[round(row), round(column)]
        cell = alpha * np.array(colour) + (1 - alpha) * np.array(to_rgb(paper))
        dark, light = sorted((luminance(cell), luminance(np.array(to_rgb(ink)))))
        assert text.get_color() == _style.INK
        assert text.get_alpha() is None
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_confusion_matrix_of_a_hundred_classes_stays_small() -> None:
    counts = np.random.default_rng(0).integers(0, 5, (100, 100))
    svg = plots.to_inline_svg(plot_confusion_matrix(counts, [f"class {n}" for n in range(100)]), "x", "")
    assert len(svg) < 120_000


def test_undefined_scores_are_left_out() -> None:
    nothing = Interval(None, None, None)
    row = ClassScores("cat", 0, 0, nothing, nothing, nothing)
    assert isinstance(plot_per_class_scores({"run": [row]}), Figure)


def test_first_layer_scales_every_unit_on_its_own_and_sorts_by_norm() -> None:
    weights = np.zeros((2, 1, 1, 1))
    weights[0], weights[1] = -0.1, 10
    image = plot_first_layer(weights, columns=2).axes[0].get_images()[0].get_array()
    assert image is not None
    assert image[0, 0, 0] == 255
    assert image[0, -1, 0] == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_confusion_matrix([[1, 2]], ["a"]),
        lambda: plot_accuracy_intervals({}),
        lambda: plot_per_class_scores({}),
        lambda: plot_first_layer(np.zeros((3, 4))),
        lambda: plot_image_grid(np.zeros((1, 2, 2, 3), np.uint8), []),
        lambda: plot_training_curves({}, quantities=("speed",)),
        lambda: plot_loss_history({}),
        lambda: plot_ladder([]),
        lambda: plot_unit_rows({}),
        lambda: plot_unit_rows({"a": (np.zeros((2, 4, 4, 3)), ["one"])}),
        lambda: plot_locality_histogram(np.zeros(0), 20.0, 32),
        lambda: plot_pixel_permutation({}, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)),
        lambda: plot_loss_history({"run": ([1.0], [])}),
        lambda: plot_optimisation_history([], [], []),
        lambda: plot_optimisation_history([0], [0.5], []),
        lambda: plot_parallel_coordinates([], [0.5]),
        lambda: plot_parallel_coordinates([ParameterValues("x", (1, 2))], [0.5]),
        lambda: plot_parameter_importances({}),
        lambda: plot_setting_contours(ParameterValues("x", ()), ParameterValues("y", ()), []),
        lambda: plot_setting_contours(ParameterValues("x", (1, 2)), ParameterValues("y", (1,)), [0.5, 0.6]),
        lambda: plot_setting_slices([ParameterValues("x", ())], []),
        lambda: plot_trial_curves({0: []}),
        lambda: plot_saliency_overlay(np.zeros((2, 2, 3), np.uint8), np.zeros((1, 3, 3)), ["a"]),
    ],
)
def test_wrong_input_says_what_was_received(draw) -> None:
    with pytest.raises(ValueError, match="Received"):
        draw()


def test_loss_history_shows_right_and_wrong_by_filled_and_hollow_dots() -> None:
    history = ([2.0, float("nan"), 1.0, 0.5], [False, False, True, True])
    (axes,) = plot_loss_history({"run": history}).axes
    line, right, wrong = axes.get_lines()
    assert list(line.get_xdata()) == [1, 3, 4]
    assert (list(right.get_xdata()), list(wrong.get_xdata())) == ([3, 4], [1])
    assert right.get_markerfacecolor() == _style.SERIES[0]
    assert wrong.get_markerfacecolor() == _style.PAPER


def test_an_overlay_is_the_grey_picture_where_nothing_speaks() -> None:
    image = np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8)
    mixed = overlay(image, np.zeros((1, 2)))
    assert mixed[0].tolist() == [[255] * 3, [76] * 3]
    assert overlay(image, np.ones((1, 2)))[0, 0].tolist() == [219, 118, 38]


def test_the_permutation_figure_says_the_difference_and_where_chance_is() -> None:
    def score(value):
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    image = np.zeros((4, 4, 3), np.uint8)
    rows = {"dense": (score(0.5), score(0.5), score(0.0)), "conv": (score(0.9), score(0.5), score(-0.4))}
    figure = plot_pixel_permutation(rows, image, image, chance=0.1)
    texts = [text.get_text() for text in figure.axes[-1].texts]
    assert texts == ["+0.0 points", "\N{MINUS SIGN}40.0 points", "chance"]
    assert [label.get_text() for label in figure.axes[-1].get_yticklabels()] == ["dense", "conv"]


def test_class_means_leave_the_page_to_be_seen_between_the_pictures(plot_examples) -> None:
    (axes,) = plot_examples.class_means().axes
    opaque = np.asarray(axes.images[0].get_array())[..., 3] == 255
    assert opaque.sum() == 2 * 2 * 4 * 4  # of two classes a mean and a deviation, 4 x 4 pixels each
    assert not opaque[0].any()  # where the names stand


def test_every_bar_of_the_locality_histogram_is_a_pixel_wide() -> None:
    figure = plot_locality_histogram(np.array([1.0, 1.5, 3.2]), 4.5, 32)
    counts = [round(bar.get_height()) for bar in figure.axes[0].containers[0]]
    assert counts == [0, 2, 0, 1, 0, 0]
    assert [text.get_text() for text in figure.axes[0].texts] == ["random weights: 4.5"]


def test_the_locality_histogram_marks_where_units_began() -> None:
    figure = plot_locality_histogram(np.array([1.0, 1.5, 3.2]), 20.0, 32, begun=4.3)
    assert [text.get_text() for text in figure.axes[0].texts] == ["random weights: 20.0", "at initialisation: 4.3"]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [20.0, 4.3]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((0.1, 0.225), ["10.0 %", "12.5 %", "15.0 %", "17.5 %", "20.0 %", "22.5 %"]),
        ((0.1, 0.6), ["10 %", "20 %", "30 %", "40 %", "50 %", "60 %"]),
    ],
)
def test_percents_at_equal_distances_are_told_exactly(values, labels) -> None:
    history = [
        {"epoch": epoch, "train_loss": 1.0, "train_accuracy": value} for epoch, value in enumerate(values, start=1)
    ]
    (axes,) = plot_training_curves({"one": history}, quantities=["accuracy"]).axes
    low, high = axes.get_ylim()
    assert [text for text, at in _ticks(axes.yaxis) if low <= at <= high] == labels


def test_one_epoch_is_a_whole_number() -> None:
    history = [{"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.3}]
    for axes in (*plot_training_curves({"one": history}).axes, *plot_loss_history({"one": ([1.0], [True])}).axes):
        low, high = axes.get_xlim()
        assert [at for _, at in _ticks(axes.xaxis) if low <= at <= high] == [1]


def _ticks(axis) -> list[tuple[str, float]]:
    places = axis.get_majorticklocs()
    return list(zip(axis.get_major_formatter().format_ticks(places), places.tolist(), strict=True))


def test_a_share_that_is_there_is_never_called_nothing() -> None:
    (axes,) = plot_confusion_matrix([[996, 4], [0, 1000]], ["a", "b"]).axes
    assert {text.get_text() for text in axes.texts if "%" in text.get_text()} == {"100%", "<1%"}


def test_the_best_so_far_of_a_search_counts_only_what_was_trained_to_the_end() -> None:
    states = ["pruned", "complete", "complete", "failed", "complete"]
    (axes,) = plot_optimisation_history(list(range(5)), [0.9, 0.5, 0.4, None, 0.6], states, 0.3).axes
    staircase = next(line for line in axes.get_lines() if line.get_drawstyle() == "steps-post")
    assert (list(staircase.get_xdata()), list(staircase.get_ydata())) == ([1, 2, 3, 4], [0.5, 0.5, 0.5, 0.6])
    failed = axes.get_lines()[-1]
    assert (failed.get_marker(), list(failed.get_xdata())) == ("X", [3])


def test_settings_stand_on_their_own_scales(plot_examples) -> None:
    rate, widths, dropout, _ = plot_examples.setting_slices().axes[:4]
    assert (rate.get_xscale(), dropout.get_xscale()) == ("log", "linear")
    assert [label.get_text() for label in widths.get_xticklabels()] == ["(512, 256)", "(64,)"]
    lines = [line for line in plot_examples.parallel_coordinates().axes[0].get_lines() if len(line.get_xdata()) == 5]
    best = np.asarray(lines[-1].get_ydata())
    assert best.tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert [np.isnan(np.asarray(line.get_ydata())).sum() for line in lines] == [0, 0, 1, 1, 0]


def test_contours_lie_between_numbers_on_their_own_scales() -> None:
    rate = ParameterValues("rate", (1e-4, 1e-2, 1e-4, 1e-2, 1e-3), (), True, (1e-4, 1e-2))
    drop = ParameterValues("drop", (0.0, 0.0, 0.5, 0.5, 0.25), (), False, (0.0, 0.5))
    axes, scale = plot_setting_contours(rate, drop, [0.1, 0.1, 0.1, 0.1, 0.9]).axes
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_xlabel()) == ("log", "linear", "rate")
    assert scale.get_ylabel() == "validation accuracy"
    (areas,) = (each for each in axes.collections if isinstance(each, ContourSet))
    # A pyramid over the whole square: the highest area is around its middle, which on a logarithmic scale is 1e-3.
    x, y = areas.get_paths()[-1].vertices.T
    assert np.exp(np.log(x).mean()) == pytest.approx(1e-3, rel=0.1)
    assert y.mean() == pytest.approx(0.25, abs=0.03)
    assert areas.get_paths()[0].vertices.shape[0] > 0


def test_contours_are_not_drawn_where_nothing_lies_between() -> None:
    rate = ParameterValues("rate", (1e-4, 1e-3, 1e-2, 1e-2), (), True, (1e-4, 1e-2))
    optimizer = ParameterValues("optimizer", ("adam", "sgd", "sgd", None), ("adam", "sgd"))
    (axes,) = plot_setting_contours(rate, optimizer, [0.1, 0.2, 0.3, 0.9]).axes
    (dots,) = axes.collections
    assert len(dots.get_offsets()) == 3  # the last is outside, also if it is the best
    (best,) = axes.get_lines()
    assert best.get_xdata()[0] == pytest.approx(1e-2)
    line = ParameterValues("drop", (0.0, 0.25, 0.5, 0.5), (), False, (0.0, 0.5))
    assert len(plot_setting_contours(rate, line, [0.1, 0.2, 0.3, 0.4]).axes) == 1  # all in one line


def test_the_best_curve_of_a_search_is_the_best_of_the_longest() -> None:
    (axes,) = plot_trial_curves({0: [0.9], 1: [0.2, 0.5], 2: [0.3, 0.4]}, [1, 2]).axes
    curves = {tuple(line.get_ydata()): line.get_color() for line in axes.get_lines() if len(line.get_xdata()) > 1}
    assert curves[(0.2, 0.5)] == _style.WRONG
    assert curves[(0.3, 0.4)] == _style.RIGHT
