"""Human counts against numbers worked by hand and SciPy's entropies."""

import numpy as np
import pytest
from scipy import stats

from cifarlab.errors import CifarlabError
from cifarlab.human_labels import HumanLabels, compare_with_humans, load_human_labels, shared_mistakes
from cifarlab.records import Predictions

NAMES = ("cat", "dog", "ship")
COUNTS = np.array([[8, 2, 0], [3, 7, 0], [5, 5, 0], [0, 0, 10]])


@pytest.fixture
def predictions():
    logits = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]])).astype(np.float32)
    ids = np.array(["a", "b", "c", "d"])
    return Predictions(ids, np.array([0, 0, 0, 2]), logits, NAMES)


def test_by_hand(predictions):
    found = compare_with_humans(predictions, HumanLabels(COUNTS))
    assert found["tied"] == 1  # the third; of the others the majority says cat, dog, ship and the model cat, dog, cat
    assert found["accuracy_against_majority"]["value"] == pytest.approx(2 / 3)
    assert found["human_accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["agreement"]["value"] == pytest.approx((0.8 + 0.3 + 0.5 + 1) / 4)


def test_entropies_are_scipys(predictions):
    found = compare_with_humans(predictions, HumanLabels(COUNTS))
    shares, chances = COUNTS / 10, predictions.probabilities
    assert found["human_entropy"]["value"] == pytest.approx(np.mean(stats.entropy(shares, axis=1)), abs=1e-12)
    assert found["divergence"]["value"] == pytest.approx(np.mean(stats.entropy(shares, chances, axis=1)), abs=1e-12)
    total = found["human_entropy"]["value"] + found["divergence"]["value"]
    assert found["cross_entropy"]["value"] == pytest.approx(total, abs=1e-12)


def test_mistakes_that_people_make_too(predictions):
    found = shared_mistakes(predictions, HumanLabels(COUNTS))
    assert [each["id"] for each in found] == ["b", "c"]  # nobody else took d for a cat
    assert found[0]["sentence"] == "Your model is wrong here (dog instead of cat), and so were 70 % of people."
    assert found[1]["humans_said_the_same"] == 0.5


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
    path.write_bytes(b"nothing")
    with pytest.raises(CifarlabError, match="NumPy's format"):
        load_human_labels(path)
    with pytest.raises(CifarlabError, match="cannot read"):
        load_human_labels(tmp_path / "none.npy")


def test_other_numbers_are_refused(predictions):
    with pytest.raises(CifarlabError, match="people named 3 images"):
        compare_with_humans(predictions, HumanLabels(COUNTS[:3]))
    with pytest.raises(CifarlabError, match="among 2 classes"):
        compare_with_humans(predictions, HumanLabels(COUNTS[:, :2]))
