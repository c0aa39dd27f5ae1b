"""How much of the accuracy that wrong labels cost a few hundred verdicts win back, by a simulated labeller.

    python benchmarks/cleaning.py out/cleaning
    python benchmarks/cleaning.py out/cleaning --data cifar10 --recipe convnet94 --verdicts 200 500 2000
    python benchmarks/cleaning.py out/cleaning --data cifar10 --recipe mlp2 --doubts out/planted/*

5 % of the training labels are changed, as in `planted_labels.py`. Trainings of the folds give every training image
out-of-sample probabilities; the labels are ranked as `cifarlab doubts` ranks them, and the labeller judges the most
suspicious ones first: 95 % of the verdicts name the true class, the others a wrong one. Each number of verdicts is a
labels file, with which the same recipe is trained by the same seeds as without. With `--doubts` the ranking is that of
runs in folds that learned the same errors, see `planted_errors.py`. Beside it: the true labels, the most
that verdicts could win back; and as many verdicts on images drawn at random. Prints a table in Markdown; writes
`cleaning.json` and `cleaning.png`.
"""

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin, errors_in_one_line
from planted_labels import planted

from cifarlab import training
from cifarlab.datasets import ImageSet, Splits, load_data
from cifarlab.datasets.verdicts import Verdict, append_verdicts, new_verdict
from cifarlab.evaluation.label_errors import LEARNED, examine_labels, rank_labels
from cifarlab.evaluation.out_of_sample import join_folds, learning_losses
from cifarlab.inference import prediction
from cifarlab.metrics.statistics.significance import mean_difference
from cifarlab.runs import Run, open_run, training_dynamics
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.arrays import Array
from cifarlab.utils.text import signed

RIGHT_SHARE = 0.95
SETTINGS = ("epochs=30", "batch_size=50", "warmup_epochs=1", "flip=none")
"""For the digits; CIFAR-10's own recipes need none."""
NOTHING, TRUTH = "as they are", "all true"
DOUBTED, RANDOM = "most suspicious first", "at random"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, metavar="DIR")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--recipe", default="mlp1")
    parser.add_argument("--verdicts", type=int, nargs="+", default=[20, 50, 100, 200, 500])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--set", dest="settings", action="append")
    parser.add_argument("--doubts", nargs="+", metavar="RUN", help="folds with these errors, evaluated on validation")
    parser.add_argument("--no-random", action="store_true", help="no trainings with verdicts on images at random")
    parser.add_argument("--draw", action="store_true", help="only draw and print what cleaning.json says")
    arguments = begin(parser)
    with errors_in_one_line():
        found = files.read_json(arguments.output / "cleaning.json") if arguments.draw else measure(arguments)
        print(describe(found))
        files.write_bytes(arguments.output / "cleaning.png", draw(found))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every training, and what came of it; `cleaning.json` grows with each seed, so that a stop loses little."""
    settings = tuple(arguments.settings or (SETTINGS if arguments.data == "digits" else ()))
    bench = Bench(arguments.output, arguments.recipe, arguments.data, settings)
    everything = load_data(arguments.data, validation_fraction=0.0).train
    wrong = plant(everything)
    orders = {DOUBTED: read_ranking(arguments.doubts) if arguments.doubts else bench.rank(wrong, arguments.folds)}
    if not arguments.no_random:
        orders[RANDOM] = np.random.default_rng(1).permutation(everything.ids).tolist()
    judges = {name: judge(everything, wrong, ids) for name, ids in orders.items()}
    conditions: dict[str, tuple[Mapping[str, int], Path | None]] = {NOTHING: (wrong, None), TRUTH: ({}, None)}
    told: dict[str, Any] = {}
    for name, verdicts in judges.items():
        for count in arguments.verdicts:
            path = arguments.output / f"labels-{name.split()[-1]}-{count}.csv"
            path.unlink(missing_ok=True)
            append_verdicts(path, verdicts[:count])
            conditions[f"{count} {name}"] = (wrong, path)
            told[f"{count} {name}"] = left_wrong(everything, wrong, verdicts[:count])
    found: dict[str, Any] = {
        "recipe": arguments.recipe, "data": arguments.data, "settings": settings, "images": len(everything),
        "wrong": len(wrong), "verdicts": arguments.verdicts, "left_wrong": told,
        "accuracy": {name: [] for name in conditions},
    }  # fmt: skip
    for seed in range(arguments.seeds):
        for name, (labelled, path) in conditions.items():
            found["accuracy"][name].append(bench.accuracy(labelled, path, seed))
        files.write_json(arguments.output / "cleaning.json", found)
        print(json.dumps({name: round(values[-1], 4) for name, values in found["accuracy"].items()}), flush=True)
    return found


@dataclasses.dataclass(frozen=True)
class Bench:
    """Trains one recipe on one data set."""

    output: Path
    recipe: str
    data: str
    settings: tuple[str, ...]

    def accuracy(self, wrong: Mapping[str, int], labels: Path | None, seed: int) -> float:
        """Of the test images, all with their published labels, after a training with some labels wrong."""
        splits = mislabel(load_data(self.data), wrong)
        run = self._train(splits, self.settings, seed, labels)
        return float(predict(run, splits.test).correct.mean())

    def rank(self, wrong: Mapping[str, int], folds: int) -> list[str]:
        """Ids of the training images, the most suspicious label first."""
        parts, noted = [], []
        for fold in range(folds):
            splits = mislabel(load_data(self.data, validation_fraction=1 / folds, fold=fold), wrong)
            settings = (*self.settings, f"validation_fraction={1 / folds!r}", f"fold={fold}")
            run = self._train(splits, settings, 0, None)
            parts.append(predict(run, splits.validation))
            noted.append(training_dynamics.read(run.dynamics_file))
        predicted = join_folds(parts, load_data(self.data, validation_fraction=0.0).train.ids)
        losses = learning_losses(noted, predicted.ids, predicted.exponents)
        return [doubt.image_id for doubt in rank_labels(predicted, LEARNED, losses)]

    def _train(self, splits: Splits, settings: Sequence[str], seed: int, labels: Path | None) -> Run:
        return training.train(
            self.recipe, settings=settings, seed=seed, data=self.data, splits=splits, labels=labels, show=False,
            runs_dir=self.output / "runs",
        )  # fmt: skip


def plant(images: ImageSet) -> dict[str, int]:
    """One image in twenty, each with one of the other classes."""
    labels = planted(images.labels, len(images.class_names))
    (rows,) = np.nonzero(labels != images.labels)
    return dict(zip(images.ids[rows].tolist(), labels[rows].tolist(), strict=True))


def read_ranking(runs: Sequence[str]) -> list[str]:
    """Ids of the training images, the most suspicious label first, by runs that learned the same errors."""
    data = open_run(runs[0]).data_name
    code = [data] if data.endswith(".py") else []
    return [doubt.image_id for doubt in examine_labels(runs, split="train", duplicates=False, code=code).ranking]


def mislabel(splits: Splits, wrong: Mapping[str, int]) -> Splits:
    """The data with planted errors in what is learned from; the test set stays."""
    return dataclasses.replace(
        splits, train=_mislabelled(splits.train, wrong), validation=_mislabelled(splits.validation, wrong)
    )


def judge(images: ImageSet, wrong: Mapping[str, int], ids: Sequence[str]) -> list[Verdict]:
    """A labeller's verdicts in the order of the ids; the same image always gets the same one."""
    rows = {image_id: row for row, image_id in enumerate(images.ids.tolist())}
    names = images.class_names
    return [_judge_one(image_id, images, rows[image_id], wrong.get(image_id), names) for image_id in ids]


def left_wrong(images: ImageSet, wrong: Mapping[str, int], verdicts: Sequence[Verdict]) -> int:
    """How many labels are wrong once the verdicts are applied, those among them that the labeller made wrong."""
    truth = dict(zip(images.ids.tolist(), (images.class_names[label] for label in images.labels), strict=True))
    now = {image_id: images.class_names[label] for image_id, label in wrong.items()}
    now |= {each.image_id: each.new for each in verdicts if each.verdict == "relabel"}
    return sum(truth[image_id] != label for image_id, label in now.items())


def predict(run: Run, images: ImageSet) -> Predictions:
    """The answers of a run's model."""
    return prediction.predict_images(prediction.load_model(run), images)


def describe(found: Mapping[str, Any]) -> str:
    """The table, in Markdown; intervals of differences are paired by seed."""
    worst, best = (np.array(found["accuracy"][name]) for name in (NOTHING, TRUTH))
    lines = ["| Verdicts | Labels left wrong | Accuracy | Won back, points (95 % interval) | Of what was lost |"]
    lines.append("|---|---|---|---|---|")
    for name, values in found["accuracy"].items():
        gained = mean_difference((np.array(values) - worst).tolist())
        left = {NOTHING: found["wrong"], TRUTH: 0}.get(name, found["left_wrong"].get(name))
        share = np.mean(values - worst) / np.mean(best - worst)
        won = "" if name == NOTHING else f"{points(gained.value)} ({points(gained.low)} to {points(gained.high)})"
        lines.append(
            f"| {name} | {left:,} of {found['images']:,} | {100 * np.mean(values):.2f} % | {won} | "
            f"{'' if name == NOTHING else f'{100 * share:.0f} %'} |"
        )
    return "\n".join(lines)


def points(value: float | None) -> str:
    """A difference of fractions in percentage points."""
    return "undefined" if value is None else signed(100 * value)


def draw(found: Mapping[str, Any]) -> bytes:
    """Accuracy by the number of verdicts, whiskers over the paired interval of what was won back."""
    from cifarlab.plots import to_png
    from cifarlab.plots._axes import percent_ticks
    from cifarlab.plots._style import new_axes, series_colour, series_marker, style

    worst, best = (np.array(found["accuracy"][name]) for name in (NOTHING, TRUTH))
    with style():
        figure, (axes,) = new_axes(6.4, 3.6)
        drawn = [order for order in (DOUBTED, RANDOM) if f"{found['verdicts'][0]} {order}" in found["accuracy"]]
        for index, order in enumerate(drawn):
            gains = [
                mean_difference((np.array(found["accuracy"][f"{count} {order}"]) - worst).tolist())
                for count in found["verdicts"]
            ]
            middles = [worst.mean() + (each.value or 0) for each in gains]
            half = [((each.high or 0) - (each.low or 0)) / 2 for each in gains]
            places = np.arange(1, 1 + len(gains)) + (0.08 if index else -0.08)
            axes.errorbar(
                [0, *places], [worst.mean(), *middles], yerr=[0, *half], color=series_colour(index), capsize=3,
                marker=series_marker(index), markersize=5, label=order,
            )  # fmt: skip
        axes.axhline(best.mean(), color="0.45", linestyle="--", linewidth=1, label="all labels true")
        axes.set_xticks(range(1 + len(found["verdicts"])), ["0", *(f"{count:,}" for count in found["verdicts"])])
        axes.set_xlabel(f"verdicts, of {found['images']:,} training images with {found['wrong']:,} wrong labels")
        axes.set_ylabel("test accuracy")
        percent_ticks(axes.yaxis, 6)
        figure.legend(loc="outside lower center", ncols=3)
    return to_png(figure)


def _mislabelled(images: ImageSet, wrong: Mapping[str, int]) -> ImageSet:
    labels = [wrong.get(image_id, label) for image_id, label in zip(images.ids.tolist(), images.labels, strict=True)]
    return dataclasses.replace(images, labels=np.array(labels, np.int64))


def _judge_one(image_id: str, images: ImageSet, row: int, planted: int | None, names: Sequence[str]) -> Verdict:
    true, given = int(images.labels[row]), int(images.labels[row] if planted is None else planted)
    random = np.random.default_rng([2, row])
    said = true if random.random() < RIGHT_SHARE else int((true + random.integers(1, len(names))) % len(names))
    image: Array = images.images[row]
    verdict, new = ("keep", "") if said == given else ("relabel", names[said])
    return new_verdict(image_id, names[given], verdict, new, image)


if __name__ == "__main__":
    main()
