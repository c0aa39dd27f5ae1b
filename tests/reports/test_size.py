"""A report on the whole test set, with everything it can show, stays small enough to be sent."""

import dataclasses

import numpy as np
import pytest

from cifarlab import metrics, recipes
from cifarlab.datasets import load_data
from cifarlab.reports import writing
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.json_data import json_data

LARGEST = 3_000_000


@pytest.fixture(scope="module")
def cifar10(cifar10_dir):
    return load_data("cifar10", data_dir=str(cifar10_dir), validation_fraction=0.1)


def prepare(fake_run, run, cifar10, seed):
    """Turn a run on digits into one on CIFAR-10 that was measured in every way."""
    test = cifar10.test
    logits = np.random.default_rng(seed).normal(size=(len(test), 10)).astype(np.float32)
    logits[np.arange(len(test)), test.labels] += 1
    predictions = Predictions(test.ids, test.labels, logits, test.class_names)
    predictions.save(run.predictions_file("test"))
    files.write_json(
        run.scores_file("test"), {**json_data(metrics.score(predictions)), "data": "cifar10", "run": run.name}
    )
    files.write_json(run.data_file, dataclasses.asdict(cifar10.source))
    files.write_json(run.recipe_file, recipes.to_dict(dataclasses.replace(run.recipe, data="cifar10")))
    fake_run.write_robustness(run, len(test))
    return run


@pytest.mark.data
@pytest.mark.thorough
@pytest.mark.parametrize("count", [1, 3])
def test_a_report_with_everything_is_under_three_megabytes(count, fake_run, cifar10, cifar10_dir, tmp_path):
    runs = [prepare(fake_run, fake_run.make_run(tmp_path, f"run-{number}"), cifar10, number) for number in range(count)]
    people = np.ones((10_000, 10), np.int64)
    people[np.arange(10_000), cifar10.test.labels] = 30
    np.save(tmp_path / "counts.npy", people)
    page = writing.report(
        runs, data_dir=cifar10_dir, human_labels=tmp_path / "counts.npy", output=tmp_path / "all.html"
    )
    text = page.read_text(encoding="utf-8")
    assert "Human labels" in text
    assert "Robustness" in text
    assert len(text.encode()) < LARGEST
