import json

import numpy as np
import pytest
from scipy import stats

from cifarlab.datasets import ImageSet
from cifarlab.datasets.exploration.statistics import brightness_and_contrast
from cifarlab.evaluation.slices import SliceAccuracy, nearest_distances, slice_accuracy
from cifarlab.metrics.statistics.significance import holm
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.json_data import json_data
from cifarlab.utils.json_reading import from_json

RANDOM = np.random.default_rng(0)


def make_images(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    levels = random.integers(20, 200, size=(count, 1, 1, 1))
    return (levels + random.integers(0, 50, size=(count, 16, 16, 3))).astype(np.uint8)


def make_predictions(right: np.ndarray) -> Predictions:
    labels = np.arange(len(right)) % 3
    predicted = np.where(right, labels, (labels + 1) % 3)
    ids = np.array([f"test-{index}" for index in range(len(right))])
    return Predictions(ids, labels.astype(np.int64), np.eye(3, dtype=np.float32)[predicted], tuple("abc"))


def make_train(images: np.ndarray) -> ImageSet:
    ids = np.array([f"train-{index}" for index in range(len(images))])
    return ImageSet(images, np.zeros(len(images), np.int64), ids, ("a",))


def test_the_dark_images_that_fail_stand_on_top() -> None:
    images = make_images(500)
    brightness, _ = brightness_and_contrast(images)
    dark = brightness <= np.quantile(brightness, 0.2)
    found = slice_accuracy(make_predictions(~dark | (RANDOM.random(500) < 0.3)), images)
    worst = found.slices[0]
    assert (worst.by, worst.name, worst.count) == ("brightness", "darkest", 100)
    assert worst.adjusted_p_value < 1e-6
    assert worst.accuracy.low < worst.accuracy.value < worst.accuracy.high
    assert worst.high == pytest.approx(brightness[dark].max())
    assert [row.accuracy.value for row in found.slices] == sorted(row.accuracy.value for row in found.slices)
    assert {row.by for row in found.slices} == {"brightness", "contrast"}
    assert from_json(SliceAccuracy, json.loads(json.dumps(json_data(found), allow_nan=False))) == found


def test_counts_and_tests_are_those_of_the_table_by_hand() -> None:
    images = make_images(300)
    right = RANDOM.random(300) < 0.7
    found = slice_accuracy(make_predictions(right), images).slices
    brightness, _ = brightness_and_contrast(images)
    members = brightness > np.quantile(brightness, 0.8)
    row = next(row for row in found if row.name == "brightest")
    table = [[right[members].sum(), (~right[members]).sum()], [right[~members].sum(), (~right[~members]).sum()]]
    assert row.count == 60
    assert row.p_value == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-12)
    assert row.difference == pytest.approx(right[members].mean() - right[~members].mean())
    assert sorted(row.adjusted_p_value for row in found) == pytest.approx(sorted(holm([r.p_value for r in found])))
    assert sum(row.count for row in found if row.by == "contrast") == 300


def test_copies_are_found_and_measured_apart() -> None:
    train = make_images(200, seed=1)
    images = np.concatenate([train[:30], make_images(70, seed=2)])
    distances = nearest_distances(images, train)
    assert (distances[:30] == 0).all()
    assert distances[30:].min() > 10
    right = np.arange(100) < 40
    found = slice_accuracy(make_predictions(right), images, make_train(train)).slices
    by_name = {row.name: row for row in found}
    assert by_name["copied from training"].count >= 30
    assert by_name["most like training"].accuracy.value == 1.0
    assert found[0].accuracy.value == 0.0


def test_the_distance_is_nearly_that_of_the_slow_search() -> None:
    train, images = make_images(80, seed=3), make_images(25, seed=4)
    slow = [min(np.sqrt(((image.astype(float) - other) ** 2).mean()) for other in train) for image in images]
    found = nearest_distances(images, train)
    assert (found >= np.array(slow) - 1e-3).all()
    assert np.median(found / slow) < 1.02


def test_images_that_are_all_alike_have_no_slices() -> None:
    images = np.full((10, 8, 8, 3), 7, np.uint8)
    assert slice_accuracy(make_predictions(np.ones(10, bool)), images).slices == ()
    with pytest.raises(ValueError, match="Received: 10, 9"):
        slice_accuracy(make_predictions(np.ones(9, bool)), images)


def test_distances_that_took_long_are_kept_and_answer_for_the_same_images_alone(tmp_path, monkeypatch):
    from cifarlab.evaluation import slices

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(slices, "_WORTH_KEEPING", 0)
    rng = np.random.default_rng(0)
    train, other, images = (rng.integers(0, 256, (size, 16, 16, 3), dtype=np.uint8) for size in (20, 20, 5))
    learned, elsewhere = (
        ImageSet(each, np.zeros(20, int), np.arange(20).astype(str), ("a",)) for each in (train, other)
    )
    expected = nearest_distances(images, train)
    assert slices._kept_distances(images, learned).tolist() == expected.tolist()
    with monkeypatch.context() as patch:
        patch.setattr(slices, "nearest_distances", lambda *_: pytest.fail("computed again"))
        assert slices._kept_distances(images, learned).tolist() == expected.tolist()
    assert slices._kept_distances(images, elsewhere).tolist() == nearest_distances(images, other).tolist()
    assert slices._kept_distances(images[::-1], learned).tolist() == expected[::-1].tolist()
    for file in tmp_path.rglob("*.npy"):
        file.write_bytes(b"damaged")
    assert slices._kept_distances(images, learned).tolist() == expected.tolist()
