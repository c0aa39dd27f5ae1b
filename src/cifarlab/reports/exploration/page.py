"""The exploration's page: findings into one HTML text that asks for nothing else."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from cifarlab.datasets.exploration.duplicate_words import has_copies, is_plain, say_duplicates
from cifarlab.datasets.exploration.duplicates import Pair
from cifarlab.datasets.exploration.facts import PairCounts, duplicate_facts
from cifarlab.datasets.exploration.findings import PLACES, Findings
from cifarlab.plots.class_means import stretch, to_pictures
from cifarlab.plots.class_samples import to_strip
from cifarlab.plots.image_map import FRAME_COLOURS, draw_image_map
from cifarlab.reports.exploration import figures
from cifarlab.reports.rendering import draw, render
from cifarlab.utils.arrays import Array

_SHOWN_GROUPS, _SMALLEST_GROUP, _GROUP_PICTURES = 4, 4, 24
_LARGEST_SIDE_PIXELS = 64
_MAP_QUALITY = 62
_PLACE_TITLES = {
    PLACES[0]: "Within the training images",
    PLACES[1]: "Within the test images",
    PLACES[2]: "Between training and test",
}


def render_page(findings: Findings) -> str:
    """The whole page as one HTML text."""
    brightness = _by_median(findings, "brightness")
    contrast = _by_median(findings, "contrast")
    spreads = figures.brightness(findings.spreads, findings.class_names)
    counts, facts = _counts(findings), duplicate_facts(findings)
    deviations, darkest, brightest = stretch(findings.deviations)
    return render(
        "exploration",
        findings=findings,
        data=findings.description,
        names=findings.class_names,
        counts=counts,
        counts_figure=draw(figures.class_counts(findings), "counts", _counts_text(findings)),
        channels=("red", "green", "blue") if findings.images.shape[-1] == 3 else ("grey",),
        samples=_samples(findings),
        averages=_averages(findings, deviations),
        deviation_range=(darkest, brightest),
        brightness_figure=draw(spreads, "brightness", _brightness_text(brightness, contrast)),
        brightness=brightness,
        contrast=contrast,
        facts=facts,
        duplicates_text=" ".join(say_duplicates(facts, counts.splits)),
        folded=is_plain(facts, counts.splits) and not has_copies(facts),
        places=[_place(findings, place, facts.pairs[place]) for place in PLACES],
        groups=_groups(findings),
        maps=_maps(findings),
        colours=list(zip(findings.class_names, FRAME_COLOURS, strict=False)) if _framed(findings) else [],
    )  # fmt: skip


def picture(image: Array) -> str:
    """`(H, W, C)` uint8 as an address that needs no request: lossless WebP, made smaller where it is very large."""
    drawn = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if max(drawn.size) > _LARGEST_SIDE_PIXELS and drawn.size[0] == drawn.size[1]:
        drawn.thumbnail((_LARGEST_SIDE_PIXELS, _LARGEST_SIDE_PIXELS), Image.Resampling.LANCZOS)
    return _webp(drawn, lossless=True)


@dataclass(frozen=True)
class _Counts:
    """Images of each split that has any; `each`, largest, smallest and majority are of the training images' classes."""

    total: int
    learned: int
    splits: dict[str, int]
    balanced: bool
    each: int
    largest: tuple[str, int]
    smallest: tuple[str, int]
    majority: float


@dataclass(frozen=True)
class _Strip:
    """Some pictures side by side, in one address."""

    uri: str
    width: int
    count: int


@dataclass(frozen=True)
class _Side:
    """One picture of a pair."""

    uri: str
    name: str
    id: str


@dataclass(frozen=True)
class _ShownPair:
    pair: Pair
    conflicting: bool
    sides: list[_Side]


@dataclass(frozen=True)
class _Place:
    title: str
    counts: PairCounts
    shown: list[_ShownPair]


@dataclass(frozen=True)
class _Group:
    """Pictures joined by pairs, the first of them shown."""

    size: int
    splits: dict[str, int]
    class_names: list[str]
    uris: list[str]


def _webp(drawn: Image.Image, **options: Any) -> str:
    file = io.BytesIO()
    drawn.save(file, "webp", method=4, **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _framed(findings: Findings) -> bool:
    return len(findings.class_names) <= len(FRAME_COLOURS)


def _counts(findings: Findings) -> _Counts:
    splits = {split: sum(column) for split, column in findings.counts.items()}
    learned = [a + b for a, b in zip(findings.counts["train"], findings.counts["validation"], strict=True)]
    largest, smallest = int(np.argmax(learned)), int(np.argmin(learned))
    return _Counts(
        total=sum(splits.values()),
        learned=sum(learned),
        splits={split: count for split, count in splits.items() if count},
        balanced=max(learned) - min(learned) <= 0.02 * max(learned),
        each=learned[0],
        largest=(findings.class_names[largest], learned[largest]),
        smallest=(findings.class_names[smallest], learned[smallest]),
        majority=max(learned) / max(1, sum(learned)),
    )


def _counts_text(findings: Findings) -> str:
    rows = zip(findings.class_names, *findings.counts.values(), strict=True)
    listed = "; ".join(f"{name} {train}, {validation}, {test}" for name, train, validation, test in rows)
    return f"Bars: images of each class in train, validation and test. {listed}."


def _samples(findings: Findings) -> list[tuple[str, list[_Strip]]]:
    """Each class's samples as two strips, which stand side by side or, where there is no room, one above the other."""
    rows = []
    for name, chosen in zip(findings.class_names, findings.samples, strict=True):
        halves = [half for half in np.array_split(chosen, 2) if len(half)]
        strips = [to_strip(findings.images[half], gap=0) for half in halves]
        shown = [_Strip(picture(strip), strip.shape[1], len(half)) for strip, half in zip(strips, halves, strict=True)]
        rows.append((name, shown))
    return rows


def _averages(findings: Findings, deviations: Array) -> list[tuple[str, str, str]]:
    """Name, mean and deviation of each class that has training images."""
    known = np.asarray(np.isfinite(findings.means).all(axis=(1, 2, 3)))
    every = zip(findings.class_names, to_pictures(findings.means), deviations, known, strict=True)
    return [(name, picture(mean), picture(deviation)) for name, mean, deviation, there in every if there]


def _by_median(findings: Findings, quantity: str) -> list[tuple[str, float]]:
    """Classes with their median, the highest first; those without images are left out."""
    medians = findings.spreads[quantity][1][:, 2]
    pairs = [(name, float(value)) for name, value in zip(findings.class_names, medians, strict=True) if value == value]
    return sorted(pairs, key=lambda pair: -pair[1])


def _brightness_text(brightness: Sequence[tuple[str, float]], contrast: Sequence[tuple[str, float]]) -> str:
    lists = (", ".join(f"{name} {value:.2f}" for name, value in pairs) for pairs in (brightness, contrast))
    return "Distributions of each class. Median brightness: {}. Median contrast: {}.".format(*lists)


def _place(findings: Findings, place: str, counts: PairCounts) -> _Place:
    pairs = [_pair(findings, pair) for pair in figures.shown_pairs(findings, place)]
    return _Place(_PLACE_TITLES[place], counts, pairs)


def _pair(findings: Findings, pair: Pair) -> _ShownPair:
    sides = [
        _Side(picture(findings.images[index]), findings.class_names[findings.labels[index]], str(findings.ids[index]))
        for index in (pair.first, pair.second)
    ]
    return _ShownPair(pair, findings.conflicting(pair), sides)


def _groups(findings: Findings) -> list[_Group]:
    shown = [group for group in findings.groups[:_SHOWN_GROUPS] if len(group) >= _SMALLEST_GROUP]
    return [
        _Group(
            size=len(group),
            splits={split: int((findings.splits[group] == split).sum()) for split in findings.counts},
            class_names=sorted({findings.class_names[label] for label in findings.labels[group]}),
            uris=[picture(findings.images[index]) for index in group[:_GROUP_PICTURES]],
        )
        for group in shown
    ]


def _maps(findings: Findings) -> dict[str, str]:
    """The address of each map by its name; none where there are too few images for one."""
    chart = findings.image_map
    if chart is None:
        return {}
    pictures, labels = findings.images[chart.indices], findings.labels[chart.indices]
    uris = {}
    for name, points in (("pca", chart.pca), ("tsne", chart.tsne)):
        drawn = Image.fromarray(draw_image_map(points, pictures, labels, frames=_framed(findings)))
        uris[name] = _webp(drawn, quality=_MAP_QUALITY)
    return uris
