"""How well label doubts find wrong labels, where it is known which are wrong: 5 % of CIFAR-10's training labels.

    cifarlab train convnet94 --data benchmarks/planted_labels.py --folds 4 --runs-dir out/planted
    cifarlab evaluate out/planted/* --split validation
    python benchmarks/planted_errors.py out/planted/*

Each image's probabilities come from the training that left it out. Prints the average precision of the ranking by label
quality for both scores, how many of the planted errors confident learning counts as wrong, and how good the models are
against the true labels. Labels that were wrong from the start count as right here: a small injustice to the doubts.
"""

import argparse
from pathlib import Path

import numpy as np
from _measure import errors_in_one_line
from sklearn.metrics import average_precision_score

from cifarlab.datasets import ImageSet, cifar10
from cifarlab.evaluation.label_errors import SCORES, Findings, examine_labels
from cifarlab.runs import open_run
from cifarlab.utils.arrays import Array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    with errors_in_one_line():
        folder = arguments.data_dir or open_run(arguments.runs[0]).data_dir
        truth, _, _ = cifar10.load(data_dir=None if folder is None else Path(folder))
        for number, score in enumerate(SCORES):
            findings = examine_labels(
                arguments.runs, split="train", score=score, data_dir=arguments.data_dir, duplicates=False
            )
            if not number:
                describe(findings, truth)
            wrong, doubt = wrong_and_doubt(findings, truth)
            precision = average_precision_score(wrong, doubt)
            print(f"average precision by {score}: {precision:.3f} (by chance {wrong.mean():.2f})")


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
    print(f"for {mended:.1%} of the planted errors the most probable class is the true one")


def wrong_and_doubt(findings: Findings, truth: ImageSet) -> tuple[Array, Array]:
    """Which labels were changed, `(N,)` bool, and how doubtful each is, `(N,)` float; in the order of the doubts."""
    true_names = {image: truth.class_names[label] for image, label in zip(truth.ids, truth.labels, strict=True)}
    wrong = np.array([doubt.given != true_names[doubt.image_id] for doubt in findings.ranking])
    return wrong, np.array([1 - doubt.score for doubt in findings.ranking])


if __name__ == "__main__":
    main()
