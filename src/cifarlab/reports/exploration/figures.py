"""The figures of an exploration as matplotlib draws them, to be kept as PNG files."""

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from cifarlab.datasets.exploration.duplicates import Pair
from cifarlab.datasets.exploration.findings import BRIGHTNESS_END, CONTRAST_END, PLACES, Findings
from cifarlab.plots import to_png
from cifarlab.plots.brightness import plot_brightness
from cifarlab.plots.class_counts import plot_class_counts
from cifarlab.plots.class_means import plot_class_means
from cifarlab.plots.class_samples import plot_class_samples
from cifarlab.plots.duplicate_pairs import plot_duplicate_pairs
from cifarlab.plots.image_map import plot_image_map
from cifarlab.utils.arrays import Array

_MOST_ALIKE, _LEAST_ALIKE = 12, 6


def draw_files(findings: Findings) -> dict[str, bytes]:
    """File name to PNG bytes, one for every figure of the page."""
    names = findings.class_names
    figures: dict[str, Callable[[], Figure]] = {
        "class-counts": lambda: class_counts(findings),
        "class-samples": lambda: plot_class_samples([findings.images[chosen] for chosen in findings.samples], names),
        "class-means": lambda: plot_class_means(findings.means, findings.deviations, names),
        "brightness": lambda: brightness(findings.spreads, names),
    }
    for place in PLACES:
        if shown_pairs(findings, place):
            figures[f"duplicates-{place.replace(' ', '-')}"] = lambda place=place: _pairs(findings, place)  # type: ignore[misc]
    chart = findings.image_map
    if chart is not None:
        pictures, labels = findings.images[chart.indices], findings.labels[chart.indices]
        for name, points, title in (
            ("pca", chart.pca, "Principal components"),
            ("tsne", chart.tsne, "t-SNE"),
        ):
            figures[f"map-{name}"] = lambda points=points, title=title: plot_image_map(  # type: ignore[misc]
                points, pictures, labels, names, f"{title} of {len(labels):,} pictures"
            )
    # Maps hold all their detail at 2,400 pixels; the others are drawn in inches.
    return {f"{name}.png": to_png(draw(), 200 if name.startswith("map") else 150) for name, draw in figures.items()}


def class_counts(findings: Findings) -> Figure:
    """Bars of the splits, class by class."""
    return plot_class_counts(findings.counts, findings.class_names)


def brightness(spreads: Mapping[str, tuple[Array, Array]], class_names: Sequence[str]) -> Figure:
    """`Findings.spreads` of the training images, the brightest class on top."""
    panels = [
        ("Brightness", BRIGHTNESS_END, *spreads["brightness"]),
        ("Contrast", CONTRAST_END, *spreads["contrast"]),
    ]
    medians = spreads["brightness"][1][:, 2]
    return plot_brightness(panels, class_names, (-medians).argsort(kind="stable").tolist())


def shown_pairs(findings: Findings, place: str) -> list[Pair]:
    """The pairs to show, one of every group: conflicting labels and the most alike first, the least alike last."""
    group_of = {index: number for number, group in enumerate(findings.groups) for index in group}
    shown: dict[int, Pair] = {}
    for pair in sorted(findings.pairs, key=lambda pair: (not findings.conflicting(pair), -pair.similarity)):
        if findings.place(pair) == place:
            shown.setdefault(group_of[pair.first], pair)
    pairs = list(shown.values())
    return pairs if len(pairs) <= _MOST_ALIKE + _LEAST_ALIKE else pairs[:_MOST_ALIKE] + pairs[-_LEAST_ALIKE:]


def _pairs(findings: Findings, place: str) -> Figure:
    pairs = shown_pairs(findings, place)
    first, second = ([getattr(pair, side) for pair in pairs] for side in ("first", "second"))
    name = [findings.class_names[label] for label in findings.labels]
    captions = [
        (f"{name[a]} / {name[b]}" if name[a] != name[b] else name[a])
        + (", exact" if pair.exact else f", {pair.similarity:.2f}")
        + (", mirrored" if pair.mirrored else "")
        for a, b, pair in zip(first, second, pairs, strict=True)
    ]
    conflicting = [findings.conflicting(pair) for pair in pairs]
    title = f"Duplicates {place}"
    return plot_duplicate_pairs(findings.images[first], findings.images[second], captions, conflicting, title)
