"""Predictions made of plain arrays, what is computed of them once, and what is refused."""

import dataclasses

import numpy as np
import pytest
from scipy import special

from cifarlab import CifarlabError, HardPredictions, Predictions
from cifarlab.runs.predictions import Origin

LOGITS = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.5], [3.0, 0.0, 3.0]], np.float32)


def test_plain_arrays_become_predictions_by_hand():
    made = Predictions.of([[0], [2], [0]], LOGITS.tolist())
    assert made.ids.tolist() == ["00000000", "00000001", "00000002"]
    assert made.class_names == ("class 0", "class 1", "class 2")
    assert made.predicted.tolist() == [0, 1, 0]  # of equal logits the first
    assert made.correct.tolist() == [True, False, True]
    chances = np.exp(LOGITS.astype(float)) / np.exp(LOGITS.astype(float)).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.probabilities, chances, atol=1e-15)
    np.testing.assert_allclose(made.confidence, chances.max(axis=1), atol=1e-15)
    np.testing.assert_allclose(made.label_probabilities, chances[[0, 1, 2], [0, 2, 0]], atol=1e-15)
    np.testing.assert_allclose(made.losses, -np.log(chances[[0, 1, 2], [0, 2, 0]]), atol=1e-15)
    again = Predictions.of([0, 2, 0], probabilities=chances, ids=["a", "b", "c"], class_names=["x", "y", "z"])
    np.testing.assert_allclose(again.probabilities, chances, atol=1e-7)  # logits are float32
    assert (again.ids.tolist(), again.class_names) == (["a", "b", "c"], ("x", "y", "z"))


def test_a_probability_of_zero_has_a_finite_loss():
    assert Predictions.of([1], probabilities=[[1, 0]]).losses == pytest.approx(-np.log(np.finfo(np.float32).tiny))


def test_log_probabilities_are_scipys_to_the_last_bit():
    rng = np.random.default_rng(0)
    for size in (1.0, 30.0, 1e30):
        logits = (rng.normal(size=(200, 10)) * size).astype(np.float32)
        predictions = Predictions.of(np.zeros(200, int), logits)
        expected = special.log_softmax(logits.astype(np.float64), axis=1)
        np.testing.assert_array_equal(predictions.log_probabilities, expected)


def test_what_is_computed_is_computed_once_and_cannot_be_changed():
    made = Predictions.of([0, 2, 0], LOGITS)
    for name in ("probabilities", "log_probabilities", "predicted", "confidence", "losses"):
        assert getattr(made, name) is getattr(made, name)
        with pytest.raises(ValueError, match="read-only"):
            getattr(made, name)[0] = 0
    assert dataclasses.replace(made, logits=-LOGITS).predicted.tolist() == [2, 0, 1]  # nothing old is kept


def test_rows_are_taken_with_all_that_belongs_to_them():
    origin = Origin("crc32:1", "images", np.array([True, False, False]))
    made = dataclasses.replace(Predictions.of([0, 2, 1], LOGITS, ids=["a", "b", "c"]), origin=origin)
    taken = made.take(np.array([2, 0]))
    assert (taken.ids.tolist(), taken.labels.tolist()) == (["c", "a"], [1, 0])
    assert taken.origin.trained_on.tolist() == [False, True]
    np.testing.assert_array_equal(taken.logits, LOGITS[[2, 0]])
    hard = HardPredictions.of([0, 2], [1, 2], ids=["a", "b"]).take(np.array([1]))
    assert (hard.ids.tolist(), hard.labels.tolist(), hard.predicted.tolist()) == (["b"], [2], [2])
    assert hard.correct.tolist() == [True]


@pytest.mark.parametrize(
    ("labels", "arrays", "message"),
    [
        ([0, 1], {"logits": [[0.2, 0.8], [0.5, 0.5]]}, "look like probabilities: give them as probabilities="),
        ([0, 1], {"probabilities": [[2.0, 8.0], [5.0, 5.0]]}, "do not sum to 1"),
        ([0, 1], {}, "give one of the two"),
        ([0, 2], {"logits": [[2, 8], [5, 5]]}, r"labels must be in \[0, 2\)"),
        ([0], {"logits": [[2, 8], [5, 5]]}, "labels"),
        ([0, 0.5], {"logits": [[2, 8], [5, 5]]}, "whole numbers"),
        ([0, 1], {"logits": [[2, np.nan], [5, 5]]}, "finite numbers"),
        ([0, 1], {"logits": [2, 8]}, "finite numbers of shape"),
        ([0, 1], {"logits": [[2, 8], [5, 5]], "ids": ["a", "a"]}, "unique"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(labels, arrays, message):
    with pytest.raises(CifarlabError, match=message):
        Predictions.of(labels, **arrays)
