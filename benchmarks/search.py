"""Replay searches on tables of trainings that are there already: which sampler and pruner find the best settings first?

    python benchmarks/search.py                     # all tables, 20 seeds of each searcher
    python benchmarks/search.py mlp2-cifar10 --seeds 5

A table (`benchmarks/search_tables.py`) holds 200 settings with their whole curves. A searcher proposes settings; each
is answered by the nearest setting of the table that this study has not had yet. So 20 studies take seconds, and all
searchers meet the same trainings. Told of each searcher, at budgets of 5, 10 and 20 whole trainings: how often it
trained one of the best 1 % to the end, and after how many epochs (median over the seeds); the accuracy of its choice on
images that no search has seen; and how often that choice was worse than the recipe as shipped, before and after the
verdict. Peers: Optuna's own TPE with Hyperband, and KerasTuner's Hyperband where it is installed.
"""

import argparse
import contextlib
import gzip
import importlib.util
import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from _measure import begin, errors_in_one_line

from cifarlab.recipes import from_dict
from cifarlab.search.parameters import Choice, Range, parse
from cifarlab.search.planning import plan_study
from cifarlab.search.rounds import Outcome, Trial, search
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space
from cifarlab.utils.arrays import Array

FOLDER = Path(__file__).parent / "search_tables"
BUDGETS = (5, 10, 20)
"""In whole trainings."""
TOP_SHARE = 0.01
CONFIRM_IMAGES, CONFIRM_SEEDS = 5000, 3
OURS = [(s, p) for s in ("tpe", "random") for p in ("halving", "hyperband", "median", "none", "one_epoch")]


class OutOfBudget(Exception):
    """The epochs are spent."""


@dataclass
class Table:
    """Settings with their curves.

    Attributes:
        parameters: Of each setting, as the sampler calls them.
        curves: `(N, E)` validation accuracies.
        accuracies: `(N,)` on images that are only asked at the end.
        shipped: Such accuracies of the recipe as shipped, one a seed.
        space: What was varied.
        recipe: As shipped.
    """

    name: str
    parameters: list[dict[str, Any]]
    curves: Array
    accuracies: Array
    shipped: list[float]
    space: Space
    recipe: Any
    best: set[int] = field(init=False)

    def __post_init__(self) -> None:
        order = np.argsort(-self.curves.max(axis=1), kind="stable")
        self.best = set(order[: max(1, round(TOP_SHARE * len(order)))].tolist())

    @property
    def epochs(self) -> int:
        """Of a whole training."""
        return int(self.curves.shape[1])

    def score(self, row: int, epochs: int) -> float:
        """The best validation accuracy until an epoch."""
        return float(self.curves[row, :epochs].max())


@dataclass
class Study:
    """One replayed search: which rows it has had, and what it spent."""

    table: Table
    budget: float
    reached: dict[int, int] = field(default_factory=dict)
    spent: int = 0
    found_after: int | None = None

    def nearest(self, parameters: dict[str, Any]) -> int:
        """The row nearest to what was proposed, of those that this study has not had."""
        rows = [row for row in range(len(self.table.parameters)) if row not in self.reached]
        if not rows:
            raise OutOfBudget
        row = min(rows, key=lambda each: distance(self.table, parameters, self.table.parameters[each]))
        self.reached[row] = 0
        return row

    def train(self, row: int, epochs: int) -> float:
        """Train a row up to an epoch, as far as the budget goes."""
        cost = max(0, epochs - self.reached[row])
        if self.spent + cost > self.budget:
            raise OutOfBudget
        self.spent += cost
        self.reached[row] = max(epochs, self.reached[row])
        if self.reached[row] == self.table.epochs and row in self.table.best and self.found_after is None:
            self.found_after = self.spent
        return self.table.score(row, epochs)

    def choice(self) -> int | None:
        """The best of those that were trained to the end; before there is one, of those that came furthest."""
        furthest = max(self.reached.values(), default=0)
        rows = [row for row, epochs in self.reached.items() if epochs == furthest and epochs]
        return max(rows, key=lambda row: self.table.score(row, furthest), default=None)


def distance(table: Table, one: dict[str, Any], other: dict[str, Any]) -> float:
    """Between two settings: numbers by their place in the range, in [0, 1]; other choices are 1 apart."""
    total = 0.0
    for key, kind in table.space.parameters.items():
        if isinstance(kind, Choice):
            total += one[key] != other[key]
        else:
            total += abs(unit(kind, one[key]) - unit(kind, other[key]))
    return total


def unit(kind: Range, value: float) -> float:
    """Where a value lies in its range, in [0, 1]."""
    if kind.log:
        return math.log(value / kind.low) / math.log(kind.high / kind.low)
    return (value - kind.low) / (kind.high - kind.low)


def replay_ours(sampler: str, pruner: str) -> Callable[[Table, float, int], Study]:
    """A searcher of the package."""

    def run(table: Table, budget: float, seed: int) -> Study:
        study, rows = Study(table, budget), dict[int, int]()
        trials = most_trials(table, budget, pruner)

        def evaluate(members: Sequence[Trial], epochs: int) -> list[Outcome]:
            outcomes = []
            for trial in members:
                if trial.number not in rows:
                    rows[trial.number] = 0 if trial.number == 0 else study.nearest(dict(trial.parameters))
                    study.reached.setdefault(rows[trial.number], 0)
                outcomes.append(Outcome(study.train(rows[trial.number], epochs)))
            return outcomes

        rules = Rules(trials=trials, epochs=table.epochs, sampler=sampler, pruner=pruner, seed=seed)
        consume(search(table.recipe, table.space, evaluate, rules))
        return study

    return run


def most_trials(table: Table, budget: float, pruner: str) -> int:
    """As many as the budget allows, at most the table's."""
    trials = 1
    while trials < len(table.parameters):
        rules = Rules(trials=trials + 1, epochs=table.epochs, pruner=pruner)
        # The median rule stops about half: what it takes at most says little.
        if pruner != "median" and plan_study(rules, confirm=False).search > budget:
            break
        trials += 1
    return trials


def consume(rounds: Iterator[list[Trial]]) -> None:
    """Search until it ends or the budget does."""
    try:
        for _ in rounds:
            pass
    except OutOfBudget:
        pass


def replay_optuna(table: Table, budget: float, seed: int) -> Study:
    """Optuna as its users have it: TPE, Hyperband, a report after each epoch; the shipped recipe first, too."""
    study = Study(table, budget)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=table.epochs, reduction_factor=3)
    sampler = optuna.samplers.TPESampler(seed=seed)
    peer = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner, study_name=f"peer-{seed}")

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 0:
            row = study.reached.setdefault(0, 0)
        else:
            table.space.suggest(trial)
            row = study.nearest(trial.params)
        for epoch in range(1, table.epochs + 1):
            trial.report(score := study.train(row, epoch), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score

    with contextlib.suppress(OutOfBudget):
        peer.optimize(objective, n_trials=10 * len(table.parameters))
    return study


def replay_keras_tuner(table: Table, budget: float, seed: int) -> Study:
    """KerasTuner's Hyperband, by its oracle."""
    import keras_tuner

    study, rows = Study(table, budget), dict[str, int]()
    parameters = keras_tuner.HyperParameters()
    for key, kind in table.space.parameters.items():
        if isinstance(kind, Choice):
            parameters.Choice(key, list(kind.values))
        elif kind.whole:
            parameters.Int(key, int(kind.low), int(kind.high))
        else:
            parameters.Float(key, kind.low, kind.high, sampling="log" if kind.log else "linear")
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=keras_tuner.Objective("score", "max"),
        max_epochs=table.epochs,
        factor=3,
        hyperband_iterations=100,
        seed=seed,
        hyperparameters=parameters,
        tune_new_entries=False,
        allow_new_entries=False,
    )
    oracle._set_project_dir("/tmp", "replay")
    oracle.save = oracle._save_trial = lambda *words, **named: None
    try:
        while True:
            trial = oracle.create_trial("tuner0")
            if trial.status == "STOPPED":
                break
            values = trial.hyperparameters.values
            before = values.get("tuner/trial_id")
            row = rows[before] if before in rows else study.nearest(values)
            rows[trial.trial_id] = row
            score = study.train(row, int(values["tuner/epochs"]))
            oracle.update_trial(trial.trial_id, {"score": score}, step=int(values["tuner/epochs"]))
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
    except OutOfBudget:
        pass
    return study


def keep_shipped(table: Table, chosen: int, seed: int) -> bool:
    """Whether the verdict would keep the recipe as shipped: a confirmation drawn from what the table knows."""
    chance = np.random.default_rng([seed, chosen])
    spread = statistics.stdev(table.shipped)
    base, found = statistics.mean(table.shipped), float(table.accuracies[chosen])
    # Networks agree on most images: about half of the variance of two accuracies is shared.
    images = math.sqrt((base * (1 - base) + found * (1 - found)) / 2 / CONFIRM_IMAGES)
    error = math.hypot(images, spread * math.sqrt(2 / CONFIRM_SEEDS))
    return bool(found - base + chance.normal(0, error) < 2.4 * error)  # z of 5 % for three candidates


def summarise(table: Table, name: str, run: Callable[[Table, float, int], Study], seeds: int) -> list[str]:
    """One line a budget."""
    lines, shipped = [], statistics.mean(table.shipped)
    for whole in BUDGETS:
        studies = [run(table, whole * table.epochs, seed) for seed in range(seeds)]
        chosen = [(seed, row) for seed, study in enumerate(studies) if (row := study.choice()) is not None]
        values = [100 * float(table.accuracies[row]) for _, row in chosen]
        after = sorted(study.found_after or math.inf for study in studies)
        hits, median = sum(map(math.isfinite, after)), after[len(after) // 2]
        worse = [(seed, row) for seed, row in chosen if row and table.accuracies[row] < shipped]
        kept = [row for seed, row in worse if not keep_shipped(table, row, seed)]
        error = 1.96 * statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        lines.append(
            f"{name:22} {whole:6} {100 * hits / seeds:6.0f} % {'-' if math.isinf(median) else median:>7} "
            f"{statistics.mean(values):8.2f} ± {error:.2f} {100 * len(worse) / seeds:8.0f} % "
            f"{100 * len(kept) / seeds:6.0f} %"
        )
    return lines


def load(name: str) -> Table:
    """A table from its file."""
    stored = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    space = Space({key: parse(key, text) for key, text in stored["space"].items()})
    rows = [row for row in stored["rows"] if "curve" in row]
    recipe = from_dict(stored["recipe_fields"])
    shipped = [rows[0]["accuracy"], *(each["accuracy"] for each in stored["shipped_again"])]
    parameters = [row["parameters"] for row in rows]
    # Where the space does not hold the recipe as shipped, nothing is near to it.
    middle = {key: middle_of(kind) for key, kind in space.parameters.items()}
    parameters[0] = parameters[0] or middle
    curves, accuracies = np.array([row["curve"] for row in rows]), np.array([row["accuracy"] for row in rows])
    return Table(name, parameters, curves, accuracies, shipped, space, recipe)


def middle_of(kind: Range | Choice) -> Any:
    """A value for what has none."""
    return kind.values[0] if isinstance(kind, Choice) else (kind.low * kind.high) ** 0.5 if kind.log else kind.low


def main() -> None:
    arguments = parse_words()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with errors_in_one_line():
        searchers: dict[str, Callable[[Table, float, int], Study]] = {
            f"{sampler} + {pruner}": replay_ours(sampler, pruner) for sampler, pruner in OURS
        }
        searchers["Optuna's TPE+Hyperband"] = replay_optuna
        if importlib.util.find_spec("keras_tuner"):
            searchers["KerasTuner's Hyperband"] = replay_keras_tuner
        print(f"{arguments.seeds} seeds a searcher")
        for name in arguments.tables or sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")):
            table = load(name)
            best = 100 * table.accuracies[sorted(table.best)].mean()
            shipped = f"{100 * statistics.mean(table.shipped):.2f} ± {100 * statistics.stdev(table.shipped):.2f} %"
            print(f"\n{name}: {len(table.parameters)} settings of {table.epochs} epochs")
            print(f"accuracy of the best 1 % {best:.2f} %, of the recipe as shipped {shipped}")
            print("searcher               budget best 1 %   after accuracy of choice    worse   told")
            for title, run in searchers.items():
                print("\n".join(summarise(table, title, run, arguments.seeds)), flush=True)


def parse_words() -> argparse.Namespace:
    """The command's words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of tables; by default all")
    parser.add_argument("--seeds", type=int, default=20, help="studies of each searcher")
    return begin(parser)


if __name__ == "__main__":
    main()
