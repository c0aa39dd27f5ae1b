import pytest

from cifarlab.utils.best_epoch import best_accuracy, best_epoch
from cifarlab.utils.errors import CifarlabError

ROWS = [{"epoch": n, "validation_accuracy": a, "validation_loss": 1.0} for n, a in ((1, 0.2), (2, 0.5), (3, 0.5))]
NOTHING = [{"epoch": 1, "train_loss": 1.0}]


def test_best_epoch_is_the_first_of_equals_and_none_without_validation() -> None:
    best = best_epoch(ROWS)
    assert best is not None
    assert best["epoch"] == 2
    assert best_epoch(NOTHING) is None


def test_of_equal_accuracies_the_lower_loss_is_better() -> None:
    best = best_epoch([*ROWS, {"epoch": 4, "validation_accuracy": 0.5, "validation_loss": 0.9}])
    assert best is not None
    assert best["epoch"] == 4


def test_what_another_measure_chose_is_read_and_not_chosen_again() -> None:
    rows = [{**row, "is_best": float(row["epoch"] in (1, 3))} for row in ROWS]
    best = best_epoch([*rows, {**ROWS[0], "validation_accuracy": 0.9, "is_best": 0.0}])
    assert best is not None
    assert best["epoch"] == 3


def test_accuracy_of_the_best_epoch() -> None:
    assert best_accuracy(ROWS) == 0.5
    with pytest.raises(CifarlabError, match="nothing was held out"):
        best_accuracy(NOTHING)
