"""The exploration's page: findings into one HTML text that asks for nothing else."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from cifarlab.datasets.exploration.duplicate_words import has_copies, is_plain, say_duplicates
from cifarlab.datasets.exploration.duplicates import Pair
from cifarlab.datasets.exploration.findings import PLACES, Findings, duplicate_facts
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
    counts, facts = _counts(findings), duplicate_facts(findings)
    return render(
        "exploration",
        findings=findings,
        data=findings.description,
        names=findings.class_names,
        counts=counts,
        counts_figure=draw(figures.class_counts(findings), "counts", _counts_text(findings)),
        channels=_channels(findings),
        samples=_samples(findings),
        averages=_averages(findings),
        brightness_figure=draw(figures.brightness(findings), "brightness", _brightness_text(brightness, contrast)),
        brightness=brightness,
        contrast=contrast,
        facts=facts,
        duplicates_text=" ".join(say_duplicates(facts, counts["splits"])),
        folded=is_plain(facts, counts["splits"]) and not has_copies(facts),
        places=[_place(findings, place, facts["pairs"][place]) for place in PLACES],
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


def _webp(drawn: Image.Image, **options: Any) -> str:
    file = io.BytesIO()
    drawn.save(file, "webp", method=4, **options)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _framed(findings: Findings) -> bool:
    return len(findings.class_names) <= len(FRAME_COLOURS)


def _counts(findings: Findings) -> dict[str, Any]:
    totals = [sum(column) for column in zip(*findings.counts.values(), strict=True)]
    learned = [a + b for a, b in zip(findings.counts["train"], findings.counts["validation"], strict=True)]
    largest, smallest = int(np.argmax(learned)), int(np.argmin(learned))
    return {
        "total": sum(totals),
        "learned": sum(learned),
        "splits": {split: sum(column) for split, column in findings.counts.items() if sum(column)},
        "balanced": max(learned) - min(learned) <= 0.02 * max(learned),
        "each": learned[0],
        "largest": (findings.class_names[largest], learned[largest]),
        "smallest": (findings.class_names[smallest], learned[smallest]),
        "majority": max(learned) / max(1, sum(learned)),
    }


def _counts_text(findings: Findings) -> str:
    rows = zip(findings.class_names, *findings.counts.values(), strict=True)
    listed = "; ".join(f"{name} {train}, {validation}, {test}" for name, train, validation, test in rows)
    return f"Bars: images of each class in train, validation and test. {listed}."


def _channels(findings: Findings) -> list[dict[str, Any]]:
    names = ("red", "green", "blue") if findings.images.shape[-1] == 3 else ("grey",)
    rows = []
    for number, name in enumerate(names):
        row: dict[str, Any] = {"name": name}
        for part, (means, deviations) in findings.channels.items():
            row[part] = {"mean": float(means[number]), "std": float(deviations[number])}
        rows.append(row)
    return rows


def _samples(findings: Findings) -> list[dict[str, Any]]:
    """Each class's samples as two strips, which stand side by side or, where there is no room, one above the other."""
    rows = []
    for name, chosen in zip(findings.class_names, findings.samples, strict=True):
        halves = [half for half in np.array_split(chosen, 2) if len(half)]
        strips = [to_strip(findings.images[half], gap=0) for half in halves]
        images = [{"uri": picture(strip), "width": strip.shape[1]} for strip in strips]
        rows.append({"name": name, "images": images, "counts": [len(half) for half in halves]})
    return rows


def _averages(findings: Findings) -> dict[str, Any]:
    means, (deviations, low, high) = to_pictures(findings.means), stretch(findings.deviations)
    known = np.asarray(np.isfinite(findings.means).all(axis=(1, 2, 3)))
    items = [
        {"name": name, "mean": picture(mean), "deviation": picture(deviation)}
        for name, mean, deviation, there in zip(findings.class_names, means, deviations, known, strict=True)
        if there
    ]
    return {"items": items, "low": low, "high": high}


def _by_median(findings: Findings, quantity: str) -> list[tuple[str, float]]:
    """Classes with their median, the highest first; those without images are left out."""
    medians = findings.spreads[quantity][1][:, 2]
    pairs = [(name, float(value)) for name, value in zip(findings.class_names, medians, strict=True) if value == value]
    return sorted(pairs, key=lambda pair: -pair[1])


def _brightness_text(brightness: Sequence[tuple[str, float]], contrast: Sequence[tuple[str, float]]) -> str:
    lists = (", ".join(f"{name} {value:.2f}" for name, value in pairs) for pairs in (brightness, contrast))
    return "Distributions of each class. Median brightness: {}. Median contrast: {}.".format(*lists)


def _place(findings: Findings, place: str, counts: dict[str, int]) -> dict[str, Any]:
    pairs = [_pair(findings, pair) for pair in figures.shown_pairs(findings, place)]
    return {"title": _PLACE_TITLES[place], "total": counts["exact"] + counts["near"], **counts, "shown": pairs}


def _pair(findings: Findings, pair: Pair) -> dict[str, Any]:
    sides = [
        {
            "uri": picture(findings.images[index]),
            "name": findings.class_names[findings.labels[index]],
            "id": findings.ids[index],
        }
        for index in (pair.first, pair.second)
    ]
    return {"sides": sides, "conflicting": findings.conflicting(pair), "pair": pair}


def _groups(findings: Findings) -> list[dict[str, Any]]:
    shown = [group for group in findings.groups[:_SHOWN_GROUPS] if len(group) >= _SMALLEST_GROUP]
    return [
        {
            "size": len(group),
            "splits": {split: int((findings.splits[group] == split).sum()) for split in findings.counts},
            "names": sorted({findings.class_names[label] for label in findings.labels[group]}),
            "uris": [picture(findings.images[index]) for index in group[:_GROUP_PICTURES]],
        }
        for group in shown
    ]


def _maps(findings: Findings) -> dict[str, Any] | None:
    chart = findings.image_map
    if chart is None:
        return None
    pictures, labels = findings.images[chart.indices], findings.labels[chart.indices]
    uris = {}
    for name, points in (("pca", chart.pca), ("tsne", chart.tsne)):
        drawn = Image.fromarray(draw_image_map(points, pictures, labels, frames=_framed(findings)))
        uris[name] = _webp(drawn, quality=_MAP_QUALITY)
    return {"count": len(labels), "uris": uris, "chart": chart}
