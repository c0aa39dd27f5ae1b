"""Ways to make a small square of a larger picture of any aspect, judged by how many a model then names rightly.

    python benchmarks/resizing.py photos                     # photos/airplane/*.jpg, photos/automobile/*.jpg, ...
    python benchmarks/resizing.py photos --model runs/mlp2-seed0

Every way sees the same pictures: the accuracy has its Wilson interval, and the difference from what `cifarlab predict`
does now has a paired interval and an exact McNemar test (adjusted for all ways by Holm's method). Where some classes
have more pictures than others, the mean of the classes' accuracies says more than the accuracy.

The shapes: `squash` ignores the aspect, `crop` takes the centre square, `pad mean` and `pad edge` add bars in the mean
colour or drawn out from the border. The filters are Pillow's, antialiased, save `nearest`; `box 2x, ...` first shrinks
by areas to twice the size.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _measure import begin
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cifarlab.inference.prediction import class_names, compute_logits, input_shape, load_model
from cifarlab.inference.tta import NAMES
from cifarlab.metrics.statistics.intervals import wilson_limits
from cifarlab.metrics.statistics.significance import holm, mcnemar, paired_difference, show_p
from cifarlab.runs.layout import describe_tta
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import list_pictures, read_image

Pixels = NDArray[np.uint8]
Shape = Callable[[Image.Image], Image.Image]
Filter = Callable[[Image.Image, int], Image.Image]

NOW = ("as predict does", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--tta", default="none", choices=NAMES)
    arguments = begin(parser)
    names = class_names(arguments.model)
    paths, labels = find_pictures(arguments.folder, names)
    model = load_model(arguments.model)
    size, _, channels = input_shape(model)
    if channels != 3:
        raise CifarlabError(f"{arguments.model} takes images of {channels} channels: expected a model of colours")
    small = resize_all(paths, size)
    logits = compute_logits(model, np.concatenate(list(small.values())), 256, arguments.tta)
    guessed = logits.argmax(axis=1).reshape(len(small), len(paths))  # (ways, N)
    counts = ", ".join(f"{name} {(labels == k).sum()}" for k, name in enumerate(names) if (labels == k).any())
    print(f"{len(paths)} pictures ({counts}), {arguments.model}, {describe_tta(arguments.tta)}")
    report(list(small), guessed == labels, labels)


def find_pictures(folder: Path, names: Sequence[str]) -> tuple[list[Path], NDArray[np.int64]]:
    """The pictures below `folder`, N paths and `(N,)` labels by the names of their folders."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    unknown = [path.name for path in classes if path.name not in names]
    if unknown or not classes:
        what = f"has folders that are no classes ({', '.join(unknown)})" if unknown else "has no folders"
        raise CifarlabError(f"{folder} {what}: expected some of {', '.join(names)}")
    found = [(path, names.index(place.name)) for place in classes for path in list_pictures(place)]
    if not found:
        raise CifarlabError(f"no pictures in {folder}: expected {folder}/<class>/*.jpg or the like")
    return [path for path, _ in found], np.array([label for _, label in found], np.int64)


def resize_all(paths: Sequence[Path], size: int) -> dict[tuple[str, str], Pixels]:
    """`(N, size, size, 3)` for each way, named by its shape and its filter; every picture is decoded once."""
    small: dict[tuple[str, str], list[Pixels]] = {NOW: []}
    for path in paths:
        small[NOW].append(read_image(path, size))
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        for shape, to_square in SHAPES.items():
            square = to_square(image)
            for name, resize in FILTERS.items():
                small.setdefault((shape, name), []).append(np.asarray(resize(square, size), np.uint8))
    return {way: np.stack(images) for way, images in small.items()}


def crop(image: Image.Image) -> Image.Image:
    """The centre square, placed as `cifarlab.utils.images` places it."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def pad_mean(image: Image.Image) -> Image.Image:
    side = max(image.size)
    colour = tuple(np.asarray(image).mean(axis=(0, 1)).round().astype(int).tolist())
    square = Image.new("RGB", (side, side), colour)
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def pad_edge(image: Image.Image) -> Image.Image:
    side = max(image.size)
    left, top = (side - image.width) // 2, (side - image.height) // 2
    bars = ((top, side - image.height - top), (left, side - image.width - left), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), bars, mode="edge"))


def by(resampling: Image.Resampling) -> Filter:
    """One resize with a filter of Pillow's."""
    return lambda image, size: image.resize((size, size), resampling)


def halved_first(resampling: Image.Resampling) -> Filter:
    """Two resizes: by areas to twice the size, then with a filter; what is smaller already is not enlarged first."""

    def resize(image: Image.Image, size: int) -> Image.Image:
        if min(image.size) > 2 * size:
            image = image.resize((2 * size, 2 * size), Image.Resampling.BOX)
        return image.resize((size, size), resampling)

    return resize


SHAPES: dict[str, Shape] = {
    "squash": lambda image: image,
    "crop": crop,
    "pad mean": pad_mean,
    "pad edge": pad_edge,
}
FILTERS: dict[str, Filter] = {
    "nearest": by(Image.Resampling.NEAREST),
    "box": by(Image.Resampling.BOX),
    "bilinear": by(Image.Resampling.BILINEAR),
    "bicubic": by(Image.Resampling.BICUBIC),
    "lanczos": by(Image.Resampling.LANCZOS),
    "box 2x, bilinear": halved_first(Image.Resampling.BILINEAR),
    "box 2x, bicubic": halved_first(Image.Resampling.BICUBIC),
}


def report(ways: Sequence[tuple[str, str]], right: NDArray[np.bool_], labels: NDArray[np.int64]) -> None:
    """Print a line for each way; `right` is `(ways, N)`, its first row what predict does now."""
    now, count = right[0], len(labels)
    p_values = holm([mcnemar(int((row & ~now).sum()), int((now & ~row).sum())) for row in right[1:]])
    title = (
        f"{'shape':16s} {'filter':17s} {'right':>6s} {'accuracy':>9s}  {'95 % interval':15s} {'mean of classes':>15s}"
    )
    print(f"{title}  {'against now, 95 % paired':27s} McNemar p (Holm)")
    for way, row, p in zip(ways, right, [None, *p_values], strict=True):
        low, high = wilson_limits(int(row.sum()), count)
        classes = np.mean([row[labels == label].mean() for label in np.unique(labels)])
        line = f"{way[0]:16s} {way[1]:17s} {row.sum():6d} {row.mean():9.1%}  {low:6.1%} to {high:6.1%} {classes:15.1%}"
        print(line if p is None else f"{line}  {compared(row, now):27s} p {show_p(p)}")


def compared(row: NDArray[np.bool_], now: NDArray[np.bool_]) -> str:
    cells = [int(part.sum()) for part in (row & now, row & ~now, now & ~row, ~row & ~now)]
    difference = paired_difference(*cells)
    return f"{difference.value:+.1%} ({difference.low:+.1%} to {difference.high:+.1%})"


if __name__ == "__main__":
    main()
