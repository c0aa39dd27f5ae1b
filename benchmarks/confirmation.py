"""Settings compared on training images that none of the runs was trained on or chosen by.

    cifarlab train dense8 --set confirmation_fraction=0.7 --name base
    cifarlab train dense8 --set confirmation_fraction=0.7 --set mixup_alpha=0.5 --name mixed
    python benchmarks/confirmation.py runs/base runs/mixed

Accuracy and mean loss of each run on its confirmation part, and how far they are from the first run's, with paired
95 % intervals over the images: with 35,000 of them a difference is known to about 0.4 points, with 1,500 validation
images to two. The intervals do not cover the seed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _measure import begin, errors_in_one_line, tell

from cifarlab.datasets import ImageSet, load_data
from cifarlab.inference.prediction import load_model, predict_images
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.metrics.statistics.significance import mean_difference, paired_difference
from cifarlab.runs import Run, open_run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import percent, signed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    arguments = begin(parser)
    with errors_in_one_line():
        choose_backend()
        runs = [open_run(path) for path in arguments.runs]
        images = common_images(runs)
        tell(f"{len(images):,} training images that none of the runs was trained on or chosen by")
        first = None
        for run in runs:
            found = predict_images(load_model(run), images)
            first = first or found
            print(describe(run.path.name, found, first), flush=True)


def common_images(runs: Sequence[Run]) -> ImageSet:
    """The confirmation part that all runs share.

    Raises:
        CifarlabError: If a run has none, or not the same one as the first.
    """
    parts = [confirmation_part(run) for run in runs]
    for run, part in zip(runs, parts, strict=True):
        if not np.array_equal(part.ids, parts[0].ids):
            raise CifarlabError(f"{run.path} held back other images than {runs[0].path}: they cannot be compared")
    return parts[0]


def confirmation_part(run: Run) -> ImageSet:
    part = load_data(run.data_name, data_dir=run.data_dir, **run.recipe.held_out).confirmation
    if part is None:
        raise CifarlabError(f"{run.path} held back no images: train it with --set confirmation_fraction=0.7")
    return part


def describe(name: str, found: Predictions, first: Predictions) -> str:
    """One line: a run's accuracy and mean loss, and how far both are from the first run's."""
    line = f"{name:24s} accuracy {percent(found.correct.mean())}, loss {found.losses.mean():.4f}"
    if found is first:
        return line
    points, losses = differences(found, first)
    return f"{line}; {show(points, 100, 2)} points, loss {show(losses, 1, 4)}"


def differences(found: Predictions, first: Predictions) -> tuple[Interval, Interval]:
    """Accuracy and mean loss minus the first run's, on the same images."""
    mine, its = found.correct, first.correct
    counts = (int(np.sum(images)) for images in (mine & its, mine & ~its, ~mine & its, ~mine & ~its))
    return paired_difference(*counts), mean_difference((found.losses - first.losses).tolist())


def show(difference: Interval, times: int, decimals: int) -> str:
    value = signed(times * (difference.value or 0.0), decimals)  # of some images it is never missing
    if difference.low is None or difference.high is None:  # all images the same: nothing shows a spread
        return value
    return f"{value} ({signed(times * difference.low, decimals)} to {signed(times * difference.high, decimals)})"


if __name__ == "__main__":
    main()
