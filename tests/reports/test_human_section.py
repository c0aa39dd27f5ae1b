"""The section about people's answers, on invented predictions and counts of CIFAR-10's size."""

import numpy as np
import pytest

from cifarlab import datasets, metrics
from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.datasets.cifar10 import CLASS_NAMES
from cifarlab.evaluation import human_labels
from cifarlab.reports import writing
from cifarlab.reports.page import open_page
from cifarlab.reports.sections import human_labels as section
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

COUNT = 10_000


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """Fifty answers an image: all give the label, but 30 of 50 call the first hundred images the next class."""
    labels = np.arange(COUNT) % 10
    made = np.zeros((COUNT, 10), np.int64)
    made[np.arange(COUNT), labels] = 50
    made[np.arange(100), labels[:100]] = 20
    made[np.arange(100), (labels[:100] + 1) % 10] = 30
    path = tmp_path_factory.mktemp("people") / "counts.npy"
    np.save(path, made)
    return path


@pytest.fixture
def cifar10_run(make_run, tmp_path):
    """Says the next class for the first fifty images and for fifty that people know well."""
    run = make_run(tmp_path, "run")
    labels = np.arange(COUNT, dtype=np.int64) % 10
    said = labels.copy()
    said[[*range(50), *range(500, 550)]] += 1
    logits = 4 * np.eye(10, dtype=np.float32)[said % 10]
    ids = np.array([f"test-{number:05d}" for number in range(COUNT)])
    predictions = Predictions(ids, labels, logits, CLASS_NAMES)
    predictions.save(run.predictions_file("test"))
    files.write_json(
        run.scores_file("test"), {**json_data(metrics.score(predictions)), "data": "cifar10", "run": run.name}
    )
    files.write_json(run.data_file, {**run.data, "name": "cifar10"})
    return run


@pytest.fixture
def pictures(monkeypatch):
    """Black pictures in the place of CIFAR-10's."""

    def part(split: str, count: int) -> ImageSet:
        ids = np.array([f"{split}-{number:05d}" for number in range(count)])
        return ImageSet(np.zeros((count, 4, 4, 3), np.uint8), np.arange(count) % 10, ids, CLASS_NAMES)

    splits = Splits(part("train", 10), part("validation", 10), part("test", COUNT), Source("cifar10", "here", "made"))
    monkeypatch.setattr(datasets, "load_data", lambda *_, **__: splits)


def test_shared_mistakes_are_shown_and_counted(cifar10_run, counts, pictures):
    html = section.build(open_page([cifar10_run], human_labels=counts))
    assert html.count('<svg class="picture"') == 24
    wanted = "Your model is wrong here (automobile instead of airplane), and so were 60 % of people."
    assert wanted in html
    assert "60 % of 50 people said automobile too (test-00000)" in html
    assert "50.00\N{NO-BREAK SPACE}%" in html  # of a hundred mistakes fifty are shared
    assert "99.00\N{NO-BREAK SPACE}%" in html


def test_stored_numbers_are_shown_without_the_file(cifar10_run, counts, pictures):
    assert section.build(open_page([cifar10_run])) is None
    page = open_page([cifar10_run], human_labels=counts)
    found = human_labels.score_with_humans(page.leader.predictions, page.humans)
    files.write_json(
        cifar10_run.scores_file("test"), {**json_data(cifar10_run.scores("test")), "human": json_data(found)}
    )
    html = section.build(open_page([cifar10_run]))
    assert "<svg" not in html
    assert "--human-labels FILE" in html
    assert "50.00\N{NO-BREAK SPACE}%" in html


def test_without_pictures_there_are_numbers(cifar10_run, counts, monkeypatch):
    def missing(*_, **__):
        raise CifarlabError("not here")

    monkeypatch.setattr(datasets, "load_data", missing)
    html = section.build(open_page([cifar10_run], human_labels=counts))
    assert "<svg" not in html
    assert "99.00\N{NO-BREAK SPACE}%" in html


def test_other_images_are_refused(make_run, tmp_path, counts):
    run = make_run(tmp_path, "digits")
    with pytest.raises(
        CifarlabError, match="the human labels are of the test images of cifar10, these are the test images of digits"
    ):
        writing.report(run, human_labels=counts)
    assert not run.report_file.exists()
