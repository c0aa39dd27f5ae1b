"""Logits, probabilities and their logarithms are told apart, or refused where they could be either."""

from pathlib import Path

import numpy as np
import pytest

from cifarlab.evaluation.external.reading import predictions_from_files
from cifarlab.evaluation.external.scoring import evaluate_files
from cifarlab.utils.errors import CifarlabError

RANDOM = np.random.default_rng(5)
COUNT, CLASSES = 60, 3
LABELS = np.arange(COUNT) % CLASSES
LOGITS = np.round(RANDOM.normal(0, 1, (COUNT, CLASSES)) + 3 * np.eye(CLASSES)[LABELS], 4)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    np.save(tmp_path / "numbers.npy", LABELS)
    return tmp_path / "numbers.npy"


def test_rounded_probabilities_are_told_from_sigmoids(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    truth = np.arange(200) % 100
    np.save(tmp_path / "l.npy", truth)
    honest = np.round(random.dirichlet(np.full(100, 5), 200), 2)
    np.save(tmp_path / "p.npy", honest)
    assert predictions_from_files(tmp_path / "p.npy", tmp_path / "l.npy").logits.shape == (200, 100)
    np.save(tmp_path / "p.npy", np.round(random.uniform(0, 0.023, (200, 100)), 2))
    with pytest.raises(CifarlabError, match="neither logits nor probabilities"):
        predictions_from_files(tmp_path / "p.npy", tmp_path / "l.npy")


def test_logits_beside_their_own_probabilities_are_no_contradiction(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=LOGITS, probabilities=PROBABILITIES, labels=LABELS, y_true=LABELS)
    assert evaluate_files(tmp_path / "p.npz").accuracy == np.mean(LOGITS.argmax(axis=1) == LABELS)


@pytest.mark.parametrize("base", [2, 10])
@pytest.mark.parametrize("name", ["logits", "x"])
def test_logarithms_to_other_bases_are_refused(base: int, name: str, tmp_path: Path, numbers: Path) -> None:
    logarithms = np.log(PROBABILITIES) / np.log(base)
    for values in (logarithms, np.round(logarithms, 2), -logarithms):
        np.savez(tmp_path / "p.npz", **{name: values})
        with pytest.raises(CifarlabError, match=f"to base {base}: expected those to base e; multiply all by"):
            predictions_from_files(tmp_path / "p.npz", numbers)


@pytest.mark.parametrize("columns", ["npz", "csv"])
def test_probabilities_under_the_name_of_logits_are_refused(columns: str, tmp_path: Path, numbers: Path) -> None:
    file = tmp_path / f"p.{columns}"
    if columns == "npz":
        np.savez(file, logits=PROBABILITIES)
    else:
        np.savetxt(file, PROBABILITIES, delimiter=",", header="logit_cat,logit_dog,logit_ship", comments="")
    with pytest.raises(CifarlabError, match=r"has logits that look like probabilities.*named probabilities"):
        predictions_from_files(file, numbers)


def test_negative_log_probabilities_under_the_name_of_logits_are_refused(tmp_path: Path, numbers: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=-np.log(PROBABILITIES))
    with pytest.raises(CifarlabError, match="holds negative log-probabilities"):
        predictions_from_files(tmp_path / "p.npz", numbers)
