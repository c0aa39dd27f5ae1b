"""The range test: its rules by hand, what it writes, and that it leaves nothing behind."""

import csv
import json
import math

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, find_rate, training
from cifarlab.datasets import load_data
from cifarlab.training import rate_range
from cifarlab.training.optimizers.schedules import ExponentialRise
from cifarlab.training.rate_range import judge, middle_of_longest_fall, smooth

RECIPE = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", epochs=1, batch_size=300)


def test_the_rate_rises_by_the_same_factor_every_step():
    schedule = ExponentialRise(1e-4, 10.0, 11, peak=1.0)
    rates = [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(11)]
    np.testing.assert_allclose(rates, np.geomspace(1e-4, 10, 11), rtol=1e-5)
    assert schedule.get_config() == {"low": 1e-4, "high": 10.0, "steps": 11, "peak": 1.0}


def test_smoothing_begins_at_the_first_loss_and_weighs_the_last_by_a_fiftieth():
    assert smooth([3.0, 3.0, 3.0]) == pytest.approx([3.0, 3.0, 3.0])
    # (0.98 * 2 + 1 * 4) / (0.98 + 1): both weigh nearly the same so early.
    assert smooth([2.0, 4.0])[1] == pytest.approx((0.98 * 2 + 4) / 1.98)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([9, 8, 7, 6, 5, 4, 3, 2, 1], 9 - 1 - 9 + 3 + 1),  # all fall: length 9, its last index 8
        ([5, 9, 8, 7, 6, 5.5, 5.2, 9], 6 - 6 + 2 + 1),  # the fall has length 6 and ends at index 6
        ([1, 2, 3], 0 - 1 + 0 + 0),
    ],
)
def test_the_middle_of_the_longest_fall(losses, expected):
    assert middle_of_longest_fall(np.array(losses, float)) == expected


def test_the_rules_agree_with_what_is_drawn_by_hand(monkeypatch):
    monkeypatch.setattr(rate_range, "smooth", list)
    rates = np.geomspace(1e-6, 1e-1, 51)  # ten steps a decade
    losses = [2.0] * 20 + [2.0 - 0.05 * n for n in range(1, 16)] + [1.0, 1.25] + [1.3 + 0.1 * n for n in range(14)]
    found = judge("made up", rates, losses, 1e-3)
    assert not found.has_diverged
    assert found.steepest == pytest.approx(rates[34])  # 1.25 to 1.0
    assert found.minimum == pytest.approx(rates[35] / 10)
    # The fall has 17 members, from step 19 or before to step 35; the middle is 16 - 17 + 5 + 2 behind the first tenth.
    assert found.valley == pytest.approx(rates[35 - 17 + 5 + 2])


def test_a_loss_that_never_falls_suggests_nothing():
    found = judge("made up", np.geomspace(1e-6, 1, 40), [2.0 + 0.1 * n for n in range(40)], 1e-3)
    assert (found.valley, found.steepest, found.minimum) == (None, None, None)


def test_a_loss_that_is_no_number_ends_the_test():
    found = judge("made up", np.geomspace(1e-6, 1, 40), [2.0] * 30 + [math.nan], 1e-3)
    assert (found.has_diverged, len(found.rates), len(found.losses)) == (True, 30, 30)
    with pytest.raises(CifarlabError, match="no number from the first step on"):
        judge("made up", np.geomspace(1e-6, 1, 40), [math.inf], 1e-3)


def test_a_test_writes_its_files_and_no_run_and_does_the_same_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = []
    options = {"splits": load_data("digits"), "steps": 30, "low": 1e-5, "high": 1.0}
    found = find_rate(RECIPE, output="rates", progress=lambda phrase, share: told.append(share), **options)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mlp.csv", "mlp.json", "mlp.png", "rates"]
    assert found.rates[0] == pytest.approx(1e-5)
    assert found.recipe_rate == RECIPE.learning_rate
    assert len(told) == len(found.losses)
    assert all(1e-5 < rate < 1.0 for rate in (found.valley, found.steepest, found.minimum))
    rows = list(csv.DictReader((tmp_path / "rates/mlp.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == list(found.losses)
    assert json.loads((tmp_path / "rates/mlp.json").read_text())["valley"] == found.valley
    assert find_rate(RECIPE, **options) == found


def test_the_first_loss_is_that_of_a_training_s_first_step(tmp_path):
    found = find_rate(RECIPE, steps=20, low=1e-9, high=1e-8)
    run = training.train(RECIPE, settings=["learning_rate=1e-9"], runs_dir=tmp_path, show=False, until=1)
    # Nothing is learned at such rates: the mean over the epoch's steps is that of as many of these.
    steps = len(load_data("digits").train) // 300
    assert np.mean(found.losses[:steps]) == pytest.approx(run.history()[0]["train_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 1.0, "high": 0.1}, "rates rise from low to high"),
        ({"low": 0.0}, "above 0"),
        ({"high": math.inf}, "rates rise"),
        ({"low": math.nan}, "rates rise"),
        ({"steps": 19}, "at least 20 steps"),
        ({"settings": ["batch_size=0"]}, "at least 1"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(CifarlabError, match=message):
        find_rate(RECIPE, **options)
