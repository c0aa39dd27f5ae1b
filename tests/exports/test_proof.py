"""When a file answers as its run, by numbers made by hand."""

import numpy as np
import pytest
from scipy.special import softmax

from cifarlab.exports.proof import TOLERANCE, Proof, compare

RUN = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0]], np.float32)


def proven(file: np.ndarray, *, run: np.ndarray = RUN, temperature: float = 1.0, labels=None) -> Proof:
    return compare(run, file, softmax(file / temperature, axis=1), temperature, "test", labels)


def test_the_same_answers_are_the_same():
    found = proven(RUN)
    assert (found.same_classes, found.ties, found.largest_difference) == (2, 0, 0.0)
    assert found.objection(1.0) == ""


def test_another_class_is_refused():
    found = proven(RUN[:, ::-1])
    assert found.same_classes == 1
    assert found.objection(1.0) == "it names another class than the run on 1 picture of 2"


def test_a_logit_that_is_off_is_refused_though_the_classes_are_the_same():
    found = proven(RUN + np.float32(0.01) * np.array([[1, 0, 0], [0, 0, 0]], np.float32))
    assert found.same_classes == 2
    assert "logits differ from the run's by up to 0.01" in found.objection(1.0)


def test_which_of_two_equal_classes_is_named_is_no_difference():
    run = np.array([[1.0, 1.0 - TOLERANCE / 4, 0.0]], np.float32)
    file = np.array([[1.0 - TOLERANCE / 4, 1.0, 0.0]], np.float32)
    found = proven(file, run=run)
    assert (found.same_classes, found.ties) == (1, 1)
    assert found.objection(1.0) == ""


def test_two_classes_that_are_a_little_further_apart_are_not_equal():
    run = np.array([[1.0, 1.0 - 2 * TOLERANCE, 0.0]], np.float32)
    found = proven(run[:, [1, 0, 2]], run=run)
    assert (found.same_classes, found.ties) == (0, 0)


def test_probabilities_must_be_those_at_the_temperature():
    wrong = compare(RUN, RUN, softmax(RUN, axis=1), 2.0, "test")
    assert "probabilities differ" in wrong.objection(1.0)
    assert proven(RUN, temperature=2.0).objection(1.0) == ""


def test_nan_is_never_the_same():
    broken = RUN.copy()
    broken[1, 2] = np.nan
    assert proven(broken).objection(1.0)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected answers of shape \(2, 3\)"):
        compare(RUN, RUN[:1], RUN[:1], 1.0, "test")


def test_a_quantised_file_is_judged_by_its_accuracy():
    labels = np.array([0, 1])
    found = proven(np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0]], np.float32), labels=labels)
    assert found.accuracy_change.value == -0.5
    assert found.accuracy_change.low < -0.5 < found.accuracy_change.high
    assert found.objection(49.9).startswith("it loses 50.00 points of accuracy (")
    assert found.objection(50.0) == ""


def test_a_quantised_file_with_a_nan_is_refused_though_it_loses_no_accuracy():
    broken = RUN.copy()
    broken[0, 2] = np.nan
    assert proven(broken, labels=np.array([1, 0])).objection(100.0) == "it answers NaN or infinity"
