"""What it costs that nothing is lost: the same training with and without its checkpoints, in turn.

    python benchmarks/checkpoint_cost.py mlp2 --epochs 20 --rounds 5

Without: nothing is copied, written or synced until the training ends. Both are timed from the end of the first
epoch to that of the last; the writing at the end, which both do, is left out of both.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from _measure import begin, in_turn, ratios, spread

from cifarlab import Recipe, training
from cifarlab.datasets import Splits, load_data
from cifarlab.recipes import load_recipe
from cifarlab.training import checkpoint_manager
from cifarlab.training.observer import TrainingObserver


class _Clock(TrainingObserver):
    """When each epoch ended, its checkpoint included."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def epoch(self, *_: object) -> None:
        self.times.append(time.monotonic())

    @property
    def seconds(self) -> float:
        """Of all epochs but the first, which traces the step."""
        return self.times[-1] - self.times[0]


@contextmanager
def _without_checkpoints() -> Iterator[None]:
    with mock.patch.object(checkpoint_manager._Throttle, "is_due", return_value=False):
        yield


def _seconds(recipe: Recipe, splits: Splits) -> float:
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="checkpoint-cost-") as folder:
        training.train(recipe, runs_dir=Path(folder), splits=splits, show=clock)
    return clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mlp2")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = begin(parser)
    recipe = replace(load_recipe(options.recipe), epochs=options.epochs)
    splits = load_data(recipe.data, **recipe.held_out)

    def undisturbed() -> float:
        with _without_checkpoints():
            return _seconds(recipe, splits)

    seconds = in_turn({"with": lambda: _seconds(recipe, splits), "without": undisturbed}, options.rounds)
    medians = {name: spread(values)["median"] for name, values in seconds.items()}
    ratio = ratios(seconds["with"], seconds["without"])
    low, middle, high = (100 * (ratio[key] - 1) for key in ("min", "ratio", "max"))
    print(f"{options.recipe}, {options.epochs} epochs, medians of {options.rounds}: {medians['with']:.2f} s with")
    print(f"checkpoints, {medians['without']:.2f} s without: {middle:+.2f} % ({low:+.2f} to {high:+.2f} %)")
    if options.json:
        figures = {name: spread(values) for name, values in seconds.items()} | {"ratio": ratio}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
