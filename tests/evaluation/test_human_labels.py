"""Human counts against numbers worked by hand and SciPy's entropies."""

import dataclasses
import os

import numpy as np
import pytest
from scipy import stats

from cifarlab.evaluation.human_comparison import describe, read_comparison
from cifarlab.evaluation.human_labels import (
    HumanLabels,
    compare_with_humans,
    load_human_labels,
    open_human_labels,
    score_with_humans,
    shared_mistakes,
)
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

NAMES = ("cat", "dog", "ship")
COUNTS = np.array([[8, 2, 0], [3, 7, 0], [5, 5, 0], [0, 0, 10]])


@pytest.fixture
def predictions():
    logits = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]])).astype(np.float32)
    ids = np.array(["a", "b", "c", "d"])
    return Predictions(ids, np.array([0, 0, 0, 2]), logits, NAMES)


def test_by_hand(predictions):
    found = compare_with_humans(predictions, HumanLabels(COUNTS))
    assert found.tied == 1  # the third; of the others the majority says cat, dog, ship and the model cat, dog, cat
    assert found.accuracy_against_majority.value == pytest.approx(2 / 3)
    assert found.human_accuracy.value == pytest.approx(2 / 3)
    assert found.agreement.value == pytest.approx((0.8 + 0.3 + 0.5 + 1) / 4)
    assert found.mistakes == 3  # b, c and d, of which nobody else got the last wrong
    assert found.shared_mistakes.value == pytest.approx(2 / 3)


def test_entropies_are_scipys(predictions):
    found = compare_with_humans(predictions, HumanLabels(COUNTS))
    shares, chances = COUNTS / 10, predictions.probabilities
    assert found.human_entropy.value == pytest.approx(np.mean(stats.entropy(shares, axis=1)), abs=1e-12)
    assert found.divergence.value == pytest.approx(np.mean(stats.entropy(shares, chances, axis=1)), abs=1e-12)
    total = found.human_entropy.value + found.divergence.value
    assert found.cross_entropy.value == pytest.approx(total, abs=1e-12)


def test_mistakes_that_people_make_too(predictions):
    found = shared_mistakes(predictions, HumanLabels(COUNTS))
    assert [each.id for each in found] == ["b", "c"]  # nobody else took d for a cat
    assert found[0].sentence == "Your model is wrong here (dog instead of cat), and so were 70 % of people."
    assert found[1].humans_said_the_same == 0.5


def test_rows_follow_the_ids(predictions):
    shuffled = HumanLabels(COUNTS[::-1])
    found = compare_with_humans(predictions, shuffled, rows=np.array([3, 2, 1, 0]))
    assert found == compare_with_humans(predictions, HumanLabels(COUNTS))


def test_a_file_is_read_and_checked(tmp_path):
    path = tmp_path / "counts.npy"
    np.save(path, COUNTS.astype(float))
    assert load_human_labels(path, 4, 3).counts.dtype == np.int64
    with pytest.raises(CifarlabError, match=r"holds \(4, 3\): expected counts, \(10000, 10\)"):
        load_human_labels(path)
    for wrong, said in ((COUNTS / 10, "no counts"), (COUNTS - 1, "negative"), (COUNTS * 0, "nobody named")):
        np.save(path, wrong)
        with pytest.raises(CifarlabError, match=said):
            load_human_labels(path, 4, 3)
    for broken in (b"nothing", b"", b"PK\x03\x04 an archive cut short"):
        path.write_bytes(broken)
        with pytest.raises(CifarlabError, match="NumPy's format"):
            load_human_labels(path)
    with pytest.raises(CifarlabError, match="cannot read"):
        load_human_labels(tmp_path / "none.npy")


def test_other_numbers_are_refused(predictions):
    with pytest.raises(CifarlabError, match="the human labels are of 3 images"):
        compare_with_humans(predictions, HumanLabels(COUNTS[:3]))
    with pytest.raises(CifarlabError, match="among 2 classes"):
        compare_with_humans(predictions, HumanLabels(COUNTS[:, :2]))


def test_a_fifth_of_people_is_enough(predictions):
    counts = np.array([[10, 0, 0], [8, 2, 0], [81, 19, 0], [0, 0, 10]])
    assert [each.id for each in shared_mistakes(predictions, HumanLabels(counts))] == ["b"]
    assert compare_with_humans(predictions, HumanLabels(counts)).shared_mistakes.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(("data", "split"), [("cifar10", "validation"), ("digits", "test"), ("cifar100", "test")])
def test_only_cifar10s_test_images_have_been_shown_to_people(data, split, tmp_path):
    with pytest.raises(CifarlabError, match=f"these are the {split} images of {data}: leave out --human-labels"):
        open_human_labels(tmp_path / "not-even-read.npy", data, split)


def test_another_order_is_noticed(predictions):
    named = dataclasses.replace(predictions, ids=np.array([f"test-{number:05d}" for number in range(4)]))
    expected = compare_with_humans(predictions, HumanLabels(COUNTS))
    assert score_with_humans(named, HumanLabels(COUNTS)) == expected
    assert score_with_humans(predictions, HumanLabels(COUNTS), own_order=False) == expected
    swapped = dataclasses.replace(named, ids=named.ids[[0, 2, 1, 3]])
    with pytest.raises(CifarlabError, match="image 1 is test-00002 instead of test-00001"):
        score_with_humans(swapped, HumanLabels(COUNTS))
    with pytest.raises(CifarlabError, match="only 28 % of people's answers are the labels"):
        score_with_humans(named, HumanLabels(COUNTS[[3, 0, 1, 2]]))


def test_it_is_said_in_a_sentence(predictions):
    said = describe(compare_with_humans(predictions, HumanLabels(COUNTS)))
    assert said.startswith("predicts the majority label of 66.67 % (20.77 to 93.85) of the images, diverges from")
    assert said.endswith("of its mistakes with at least a fifth of people")
    right = dataclasses.replace(predictions, labels=predictions.predicted)
    assert "mistakes" not in describe(compare_with_humans(right, HumanLabels(COUNTS)))


@pytest.fixture
def many():
    """Sixty images on which the model and people doubt alike, but not the same."""
    random = np.random.default_rng(4)
    counts = random.multinomial(20, random.dirichlet((1.0, 1.0, 1.0), size=60))
    logits = (np.log(counts + 1) + random.normal(0, 0.3, size=counts.shape)).astype(np.float32)
    ids = np.array([f"{index}" for index in range(60)])
    return Predictions(ids, np.zeros(60, np.int64), logits, NAMES), HumanLabels(counts)


def test_entropy_correlations_are_scipys(many):
    predictions, humans = many
    found = compare_with_humans(predictions, humans)
    entropies = stats.entropy(predictions.probabilities, axis=1), stats.entropy(humans.shares, axis=1)
    assert found.model_entropy.value == pytest.approx(np.mean(entropies[0]))
    assert found.entropy_pearson.value == pytest.approx(stats.pearsonr(*entropies).statistic)
    assert found.entropy_spearman.value == pytest.approx(stats.spearmanr(*np.round(entropies, 12)).statistic)
    for name in ("entropy_pearson", "entropy_spearman"):
        assert -1 <= getattr(found, name).low < getattr(found, name).value < getattr(found, name).high <= 1
    assert "rank correlation of +0." in describe(found)


def test_a_model_without_any_doubt_correlates_with_nobody(many):
    _, humans = many
    even = Predictions(np.arange(60).astype(str), np.zeros(60, np.int64), np.zeros((60, 3), np.float32), NAMES)
    found = compare_with_humans(even, humans)
    assert found.entropy_spearman.value is None
    assert "the same for all images" in found.entropy_pearson.method
    assert "rank correlation" not in describe(found)


def test_scores_of_earlier_versions_are_still_described(predictions):
    stored = json_data(compare_with_humans(predictions, HumanLabels(COUNTS)))
    earlier = {name: value for name, value in stored.items() if not name.startswith(("entropy_", "model_entropy"))}
    assert "diverges from their answers" in describe(read_comparison(earlier))
    assert read_comparison(earlier).entropy_spearman is None


def test_what_was_stored_is_read_again(predictions):
    found = compare_with_humans(predictions, HumanLabels(COUNTS))
    stored = json_data(found)
    assert read_comparison(stored) == found
    for damaged in ({}, {**stored, "divergence": None}, {**stored, "divergence": {"value": 1.0}}):
        with pytest.raises(CifarlabError, match="damaged: run cifarlab evaluate --human-labels again"):
            read_comparison(damaged)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "counts.npy")
    with pytest.raises(CifarlabError, match="no regular file"):
        load_human_labels(tmp_path / "counts.npy")
