"""Records: arrays are checked where they are made, predictions survive the disk, and what they derive is right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.datasets._image_set import numbered_set
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError

NAMES = ("cat", "dog", "ship")


def image_set(count: int = 4, size: int = 8, **changes) -> ImageSet:
    values = {
        "images": np.arange(count * size * size * 3, dtype=np.uint8).reshape(count, size, size, 3),
        "labels": np.arange(count, dtype=np.int64) % 3,
        "ids": np.array([f"test-{index}" for index in range(count)], dtype="<U12"),
        "class_names": NAMES,
    }
    return ImageSet(**{**values, **changes})


def predictions(scores: np.ndarray, **changes) -> Predictions:
    count = len(scores)
    values = {
        "ids": np.array([f"test-{index}" for index in range(count)], dtype="<U12"),
        "labels": np.arange(count, dtype=np.int64) % 3,
        "logits": scores.astype(np.float32),
        "class_names": NAMES,
    }
    return Predictions(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"images": np.zeros((4, 8, 8, 3))}, "uint8"),
        ({"images": np.zeros((4, 8, 8), np.uint8)}, r"\(N, H, W, C\)"),
        ({"labels": np.zeros((4, 1), np.int64)}, r"labels \(4,\)"),
        ({"labels": np.zeros(4, np.int32)}, "int64"),
        ({"labels": np.array([0, 1, 2, 3])}, r"\[0, 3\)"),
        ({"labels": np.array([0, 1, 2, -1])}, r"\[0, 3\)"),
        ({"labels": np.zeros(3, np.int64)}, r"labels \(4,\)"),
        ({"ids": np.array(["a", "b", "c", "a"])}, "unique"),
        ({"ids": np.arange(4)}, "ids"),
    ],
)
def test_wrong_arrays_are_refused_with_what_was_expected(changes, expected):
    with pytest.raises(ValueError, match=expected):
        image_set(**changes)


def test_take_keeps_labels_and_ids_with_their_images():
    whole = image_set()
    for indices in (np.array([2, 0]), np.array([True, False, True, False])):
        part = whole.take(indices)
        for index, name in enumerate(part.ids):
            at = list(whole.ids).index(name)
            assert (part.images[index] == whole.images[at]).all()
            assert part.labels[index] == whole.labels[at]


def test_splits_have_one_shape_and_three_names():
    source = Source("made", "here", "made up")
    splits = Splits(image_set(), image_set(0), image_set(2), source)
    assert [len(splits[name]) for name in ("train", "validation", "test")] == [4, 0, 2]
    assert splits.class_names == NAMES
    with pytest.raises(CifarlabError, match="train, validation or test"):
        splits["tests"]
    with pytest.raises(ValueError, match="one shape"):
        Splits(image_set(), image_set(0), image_set(size=16), source)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"logits": np.zeros((2, 3))}, "float32"),
        ({"logits": np.zeros((3, 3), np.float32)}, r"labels \(3,\)"),
        ({"logits": np.zeros((2, 4), np.float32)}, "3 logits"),
        ({"logits": np.full((2, 3), np.nan, np.float32)}, "finite"),
        ({"class_names": ("cat", "dog")}, "2 logits"),
        ({"labels": np.array([0, 3])}, r"\[0, 3\)"),
    ],
)
def test_wrong_predictions_are_refused(changes, expected):
    with pytest.raises(ValueError, match=expected):
        predictions(np.zeros((2, 3)), **changes)


@given(arrays.arrays(np.float32, (5, 3), elements=st.floats(-1e4, 1e4, width=32)))
def test_probabilities_are_probabilities(logits):
    made = predictions(logits)
    np.testing.assert_allclose(made.probabilities.sum(axis=1), 1)
    assert (made.losses >= 0).all()
    assert (made.probabilities[np.arange(5), made.predicted] == made.probabilities.max(axis=1)).all()


def test_losses_are_cross_entropy_in_nats():
    made = predictions(np.log([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    np.testing.assert_allclose(made.losses, [np.log(2), np.log(1.25)], rtol=1e-6)


def test_predictions_survive_the_disk(tmp_path):
    made = predictions(np.random.default_rng(0).normal(size=(7, 3)))
    read = Predictions.load(made.save(tmp_path / "predictions.npz"))
    assert read.class_names == made.class_names
    for name in ("ids", "labels", "logits"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))


def break_it(kind: str, path) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-40])
    elif kind == "flipped":
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 0xFF
        path.write_bytes(data)
    elif kind == "objects":
        np.savez(path, ids=np.array([{}], dtype=object))
    elif kind == "another":
        path.write_bytes(
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(127)
            + b"\n"
            + bytes(8)
        )
    elif kind == "lacking":
        np.savez(path, ids=np.array(["a"]))
    else:
        path.unlink()


@pytest.mark.parametrize("kind", ["empty", "truncated", "flipped", "objects", "another", "lacking", "missing"])
def test_broken_predictions_are_one_line(kind, tmp_path):
    path = predictions(np.random.default_rng(0).normal(size=(50, 3))).save(tmp_path / "predictions.npz")
    break_it(kind, path)
    with pytest.raises(CifarlabError, match="cannot read predictions"):
        Predictions.load(path)


def test_a_numbered_set_has_ids_in_order_and_labels_of_one_axis():
    numbered = numbered_set("test", np.zeros((3, 4, 5), np.uint8), np.array([[1], [0], [1]], np.uint8), ("a", "b"))
    assert numbered.images.shape == (3, 4, 5, 1)
    assert (numbered.labels.tolist(), numbered.labels.dtype) == ([1, 0, 1], np.int64)
    assert numbered.ids.tolist() == ["test-00000", "test-00001", "test-00002"]
