"""The simulated labeller, what its verdicts leave wrong, and the table, against numbers made by hand."""

import json

import numpy as np
import pytest

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.datasets.verdicts import append_verdicts, correct_labels

NAMES = ("cat", "dog", "frog")


@pytest.fixture
def cleaning(load_benchmark):
    return load_benchmark("cleaning")


@pytest.fixture
def images():
    count = 400
    pixels = np.arange(count * 4, dtype=np.int64).reshape(count, 2, 2, 1).astype(np.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 1, 0] = np.arange(count) // 256, np.arange(count) % 256
    return ImageSet(pixels, np.arange(count) % 3, np.array([f"t{n}" for n in range(count)]), NAMES)


def test_one_label_in_twenty_is_planted_and_always_another_class(cleaning, images):
    wrong = cleaning.plant(images)
    assert len(wrong) == 20
    truth = dict(zip(images.ids.tolist(), images.labels.tolist(), strict=True))
    assert all(label != truth[image_id] and 0 <= label < 3 for image_id, label in wrong.items())


def test_the_labeller_is_right_19_times_in_20_and_its_file_leaves_wrong_what_is_counted(cleaning, images, tmp_path):
    wrong = cleaning.plant(images)
    verdicts = cleaning.judge(images, wrong, images.ids.tolist())
    truth = [NAMES[label] for label in images.labels]
    said = [each.new or each.old for each in verdicts]
    assert 0.91 < np.mean([one == other for one, other in zip(said, truth, strict=True)]) < 0.99
    (alone,) = cleaning.judge(images, wrong, ["t5"])
    assert (alone.verdict, alone.new) == (verdicts[5].verdict, verdicts[5].new)
    assert cleaning.left_wrong(images, wrong, []) == 20
    part = images.take(np.arange(4))
    splits = cleaning.mislabel(
        Splits(images, part.take(np.zeros(0, int)), part.take(np.zeros(0, int)), Source("a", "b", "c")), wrong
    )
    assert (splits.train.labels != images.labels).sum() == 20
    labels = append_verdicts(tmp_path / "labels.csv", verdicts[:150])
    corrected, _ = correct_labels(splits, labels, ("train",))
    assert (corrected.train.labels != images.labels).sum() == cleaning.left_wrong(images, wrong, verdicts[:150])


def test_the_table_pairs_seeds(cleaning):
    found = {
        "images": 1000, "wrong": 50, "verdicts": [20], "left_wrong": {"20 at random": 49},
        "accuracy": {"as they are": [0.90, 0.92], "all true": [0.95, 0.97], "20 at random": [0.91, 0.94]},
    }  # fmt: skip
    lines = cleaning.describe(json.loads(json.dumps(found))).splitlines()
    assert lines[2] == "| as they are | 50 of 1,000 | 91.00 % |  |  |"
    # Differences of 1 and 2 points: the mean 1.5, Student's t with one degree of freedom 12.706 x 0.5 around it.
    assert lines[4] == "| 20 at random | 49 of 1,000 | 92.50 % | +1.50 (−4.85 to +7.85) | 30 % |"  # noqa: RUF001
