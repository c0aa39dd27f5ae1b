"""How well label doubts find wrong labels, where it is known which are wrong: 5 % of CIFAR-10's training labels.

    cifarlab train convnet94 --data benchmarks/planted_labels.py --folds 4 --seeds 2 --runs-dir out/planted
    python benchmarks/planted_errors.py out/planted/*-fold[0-9]*
    python benchmarks/planted_errors.py --test runs/builtin runs/mlp2-seed0
    python benchmarks/planted_errors.py --test --answers cifar10_mturk.json runs/builtin

Each image's probabilities come from the trainings that left it out. Prints how good the models are against the true
labels, how many of the planted errors confident learning counts as wrong, and the average precision of every ranking
tried: those of `cifarlab doubts`, for each training and for all together, and others that it does without. Labels that
were wrong from the start count as right here: a small injustice to the doubts. With `--test` the runs are of the data
as they are, and 54 of the labels of the test images that they were evaluated on are changed, twenty times over; with
`--answers` too, nothing is changed: wrong are the labels that fewer than three of five people confirmed
(github.com/cleanlab/label-errors, `mturk/`).
"""

import argparse
import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin, errors_in_one_line
from cleanlab.rank import get_label_quality_scores
from planted_labels import planted
from planted_similar import planted as similar
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from cifarlab.datasets import ImageSet, cifar10
from cifarlab.evaluation.label_errors import LEARNED, SCORES, Findings, examine_labels, rank_labels
from cifarlab.evaluation.out_of_sample import OutOfSampleProbabilities, join_folds, learning_losses, pool_runs
from cifarlab.runs import Run, open_run, training_dynamics
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.training_dynamics import Dynamics
from cifarlab.utils.arrays import Array, rows_of

TEST_ERRORS, DRAWS = 54, 20
OTHERS = ("confidence_weighted_entropy",)
"""Scores of cleanlab's that `cifarlab doubts` does not offer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--data-dir")
    parser.add_argument(
        "--test", action="store_true", help="errors planted in the test set, in what the runs predicted"
    )
    parser.add_argument(
        "--tta", default="none", help="with --test: the test-time augmentation they were evaluated with"
    )
    parser.add_argument("--answers", type=Path, help="with --test: what people said of the labels")
    arguments = begin(parser)
    with errors_in_one_line():
        runs = [open_run(each) for each in arguments.runs]
        if arguments.test:
            stored = [run.predictions_with_notices("test", arguments.tta)[0] for run in runs]
            print(table_of_test(stored) if arguments.answers is None else table_of_people(stored, arguments.answers))
            return
        folder = arguments.data_dir or runs[0].data_dir
        truth, _, _ = cifar10.load(data_dir=None if folder is None else Path(folder))
        own = [runs[0].data_name] if runs[0].data_name.endswith(".py") else []
        findings = examine_labels(runs, split="train", data_dir=arguments.data_dir, duplicates=False, code=own)
        describe(findings, truth)
        print(table(trainings(runs), truth))


def trainings(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each training in folds, by the training's name."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(re.sub(r"-fold\d+", "", run.name), []).append(run)
    return found


def table(found: dict[str, list[Run]], truth: ImageSet) -> str:
    """Average precision by each score, of each training alone and of all together; in Markdown."""
    joined = [_joined(runs, truth) for runs in found.values()]
    wrong = joined[0].labels != truth.labels
    everyone = [run for runs in found.values() for run in runs]
    alone = [qualities(each, runs) for each, runs in zip(joined, found.values(), strict=True)]
    together = qualities(_joined(everyone, truth), everyone)
    lines = [f"| Score | {' | '.join(found)} | Together |", f"|---|{'---|' * (1 + len(found))}"]
    for score, all_together in together.items():
        cells = [average_precision_score(wrong, -each) for each in [*(one[score] for one in alone), all_together]]
        lines.append(f"| {score} | {' | '.join(f'{each:.3f}' for each in cells)} |")
    mean = qualities(plain_mean(everyone, truth), everyone)
    others = {
        **{f"mean of probabilities, by {score}": mean[score] for score in (SCORES[0], LEARNED)},
        f"mean of ranks by {SCORES[0]}": ranks([one[SCORES[0]] for one in alone]),
        f"mean of ranks by {LEARNED}": ranks([one[LEARNED] for one in alone]),
    }
    lines += [f"together, {way}: {average_precision_score(wrong, -each):.3f}" for way, each in others.items()]
    return "\n".join(lines)


def table_of_test(stored: Sequence[Predictions]) -> str:
    """Average precision of self-confidence by each model, their plain mean and the pool, over draws; in Markdown."""
    names, lines = stored[0].class_names, ["| Errors | Each alone | Plain mean | Pooled |", "|---|---|---|---|"]
    share = TEST_ERRORS / len(stored[0])
    for kind in ("any other class", "similar class"):
        found = []
        for seed in range(DRAWS):
            truth = stored[0].labels
            labels = planted(truth, len(names), share, seed) if kind[0] == "a" else similar(truth, names, share, seed)
            said = [dataclasses.replace(each.take(rows_of(each.ids, stored[0].ids)), labels=labels) for each in stored]
            chances = [each.probabilities for each in said]
            chances += [np.mean(chances, axis=0), pool_runs(said).probabilities]
            found.append(
                [average_precision_score(labels != truth, -each[np.arange(len(labels)), labels]) for each in chances]
            )
        means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / DRAWS**0.5
        cells = [f"{mean:.3f} ± {1.96 * error:.3f}" for mean, error in zip(means, errors, strict=True)]
        lines.append(f"| {kind} | {', '.join(cells[:-2])} | {cells[-2]} | {cells[-1]} |")
    return "\n".join(lines)


def table_of_people(stored: Sequence[Predictions], answers: Path) -> str:
    """Average precision on the labels that people did not confirm, with its bootstrap interval; in Markdown."""
    wrong = not_confirmed(json.loads(answers.read_text()), stored[0].ids)
    judged = {f"model {number}": [each] for number, each in enumerate(stored, 1)} | {"pooled": list(stored)}
    lines = [f"{wrong.sum()} of {len(wrong):,} labels were not confirmed", ""]
    lines += ["| Models | Accuracy | Score | Average precision |", "|---|---|---|---|"]
    for models, predictions in judged.items():
        pooled = pool_runs(predictions)
        accuracy = np.mean(pooled.probabilities.argmax(axis=1) == pooled.labels)
        for score in SCORES[:2]:
            order = rows_of(pooled.ids, stored[0].ids)
            found = precision_interval(wrong, -quality(pooled, score)[order])
            lines.append(f"| {models} | {accuracy:.2%} | {score} | {'{:.3f} ({:.3f} to {:.3f})'.format(*found)} |")
    return "\n".join(lines)


def not_confirmed(answers: Sequence[dict[str, Any]], ids: Array) -> Array:
    """Which labels fewer than three of five people confirmed, `(N,)` bool; nobody was asked about most of them."""
    named = [f"test-{each['id']:05d}" for each in answers if each["mturk"]["given"] < 3]
    return np.isin(ids, named)


def precision_interval(wrong: Array, doubt: Array) -> tuple[float, float, float]:
    """Average precision, and its 95 % interval over 1,000 bootstrap draws of the images."""
    random, draws = np.random.default_rng(0), []
    for _ in range(1000):
        rows = random.integers(0, len(wrong), len(wrong))
        draws.append(average_precision_score(wrong[rows], doubt[rows]))
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(average_precision_score(wrong, doubt)), float(low), float(high)


def qualities(predicted: OutOfSampleProbabilities, runs: Sequence[Run]) -> dict[str, Array]:
    """`(N,)` float, of each label, by every score; the lower, the more probably wrong."""
    noted = [each for run in runs if (each := training_dynamics.load(run)) is not None]
    losses = learning_losses(noted, predicted.ids, predicted.exponents)
    ranked = rank_labels(predicted, LEARNED, losses)
    learned = np.empty(len(ranked))
    learned[[each.row for each in ranked]] = [each.score for each in ranked]
    return {
        **{score: quality(predicted, score) for score in (*SCORES[:2], *OTHERS)},
        "loss while learned": -np.nan_to_num(losses),
        "forgetting events": -forgotten(noted, predicted.ids),
        LEARNED: learned,
    }


def forgotten(noted: Sequence[Dynamics], ids: Array) -> Array:
    """How often each image was forgotten, a mean over trainings; one never learned comes before all others.

    Source: Toneva et al. 2019, arXiv:1812.05159.
    """
    total, times = np.zeros(len(ids)), np.zeros(len(ids))
    for curves in (each.train for each in noted):
        rows = rows_of(ids, curves.ids)
        never = training_dynamics.first_learnt(curves.correct) == 0
        events = training_dynamics.forgetting_events(curves.correct, curves.met)
        total[rows] += np.where(never, len(curves.losses), events)
        times[rows] += 1
    return np.asarray(total / np.maximum(times, 1))


def _joined(runs: Sequence[Run], truth: ImageSet) -> OutOfSampleProbabilities:
    return join_folds([run.predictions("validation") for run in runs], truth.ids)


def quality(predicted: OutOfSampleProbabilities, score: str) -> Array:
    """`(N,)` float, of each label; the lower, the more probably wrong."""
    adjusted: Array = get_label_quality_scores(predicted.labels, predicted.probabilities, method=score)
    return adjusted


def ranks(qualities: Sequence[Array]) -> Array:
    """The mean rank of each label among several rankings, `(N,)` float."""
    return np.asarray(np.mean([rankdata(each) for each in qualities], axis=0))


def plain_mean(runs: Sequence[Run], truth: ImageSet) -> OutOfSampleProbabilities:
    """Where `cifarlab doubts` gives each model an exponent, the mean of the models that left an image out."""
    total, times = np.zeros((len(truth), len(truth.class_names))), np.zeros((len(truth), 1))
    for predictions in (run.predictions("validation") for run in runs):
        rows = rows_of(truth.ids, predictions.ids)
        total[rows] += predictions.probabilities
        times[rows] += 1
    return dataclasses.replace(_joined(runs, truth), probabilities=total / times)


def describe(findings: Findings, truth: ImageSet) -> None:
    """How good the probabilities are, and what confident learning makes of them."""
    wrong, _ = wrong_and_doubt(findings, truth)
    names = np.array(truth.class_names)
    suggested = np.array([doubt.suggested for doubt in findings.ranking])
    right = names[truth.labels[[doubt.row for doubt in findings.ranking]]]
    counted = np.array([doubt.is_issue for doubt in findings.ranking])
    print(f"{len(findings.runs)} runs, {len(wrong):,} images, {wrong.sum():,} with a planted wrong label")
    print(f"the models agree with {np.mean(suggested == right):.1%} of the true labels")
    found = f"{(counted & wrong).sum():,} of them planted"
    print(f"confident learning counts {counted.sum():,} labels as wrong, {found}")
    mended = np.mean(suggested[wrong] == right[wrong])
    print(f"for {mended:.1%} of the planted errors the most probable class is the true one\n")


def wrong_and_doubt(findings: Findings, truth: ImageSet) -> tuple[Array, Array]:
    """Which labels were changed, `(N,)` bool, and how doubtful each is, `(N,)` float; in the order of the doubts."""
    true_names = {image: truth.class_names[label] for image, label in zip(truth.ids, truth.labels, strict=True)}
    wrong = np.array([doubt.given != true_names[doubt.image_id] for doubt in findings.ranking])
    return wrong, np.array([1 - doubt.score for doubt in findings.ranking])


if __name__ == "__main__":
    main()
