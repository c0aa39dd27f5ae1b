"""What it costs a training to note every image's loss (`dynamics.npz`): with and without, in turn.

    python benchmarks/recording.py mlp2 --set epochs=20 --rounds 5

Each round trains the recipe twice through `cifarlab.training.train`, once with a recorder that notes and writes
nothing; the data are in memory. Prints seconds (median and range) and the ratio of the medians with its range.
"""

import argparse
import dataclasses
import tempfile
import time
from typing import Any
from unittest import mock

from _measure import begin, errors_in_one_line, in_turn, ratios, spread

from cifarlab import datasets, training
from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, load_recipe, override
from cifarlab.utils.environment import choose_backend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mlp2")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in cifarlab train")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data-dir")
    arguments = begin(parser)
    with errors_in_one_line():
        backend = choose_backend()
        recipe = override(load_recipe(arguments.recipe), arguments.set)
        splits = datasets.load_data(recipe.data, data_dir=arguments.data_dir, **recipe.held_out)
        seconds(dataclasses.replace(recipe, epochs=1), splits, recording=True)  # everything imported and read once
        found = in_turn(
            {
                "recording": lambda: seconds(recipe, splits, recording=True),
                "not recording": lambda: seconds(recipe, splits, recording=False),
            },
            arguments.rounds,
        )
    print(f"{backend}, {arguments.recipe} with {' '.join(arguments.set) or 'nothing changed'}")
    for name, values in found.items():
        each = spread(values)
        print(f"{name:14s}{each['median']:8.2f} s ({each['min']:.2f} to {each['max']:.2f})")
    ratio = ratios(*found.values())
    print(f"ratio {ratio['ratio']:.3f} ({ratio['min']:.3f} to {ratio['max']:.3f})")


def seconds(recipe: Recipe, splits: Splits, recording: bool) -> float:
    """Train in a temporary folder, the data already in memory."""
    from cifarlab.training import fit
    from cifarlab.training.dynamics_recorder import Recorder

    recorder = Recorder if recording else Nothing
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(fit, "Recorder", recorder),
        mock.patch.object(datasets, "load_data", return_value=splits),
    ):
        began = time.perf_counter()
        training.train(recipe, runs_dir=folder)
        return time.perf_counter() - began


class Nothing:
    """A recorder that does nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def restore(self, *_: Any) -> None:
        """Nothing."""

    def add(self, *_: Any) -> None:
        """Nothing."""

    def write(self, *_: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    main()
