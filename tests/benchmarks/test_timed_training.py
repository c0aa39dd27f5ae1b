"""A timed training is the product's own: the same weights, warmed or not."""

import dataclasses
import json
import sys

import keras
import numpy as np
import pytest

from cifarlab import load_recipe, training
from cifarlab.datasets import load_data
from cifarlab.inference.prediction import load_model
from cifarlab.utils.errors import CifarlabError

RECIPE = dataclasses.replace(load_recipe("smoke"), validation_fraction=0.0, flip="random", seed=3)


@pytest.fixture(scope="module")
def splits():
    return load_data("digits", validation_fraction=0)


def weights(model):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.weights]


@pytest.mark.thorough
def test_timed_cold_and_warm_trainings_give_the_weights_of_a_plain_one(splits, tmp_path):
    from _training import record_calls, time_training

    plain = load_model(training.train(RECIPE, runs_dir=tmp_path))
    calls = record_calls(RECIPE, splits)
    cold, warm = time_training(RECIPE, splits), time_training(RECIPE, splits, calls)
    for timed in (cold, warm):
        assert all(np.array_equal(a, b) for a, b in zip(weights(plain), weights(timed.model), strict=True))
        assert timed.images == 3 * (len(splits.train) // 100) * 100
        assert timed.prepare_seconds > 0
        assert timed.train_seconds > sum(dispatch.seconds for dispatch in timed.dispatches) > 0
    assert warm.dispatches[0].seconds < cold.dispatches[0].seconds


def test_what_first_calls_cost_beyond_later_ones():
    from _training import Dispatch, first_call_excess

    dispatches = [
        Dispatch((1, 5), 1, 5, 32, 10.0),  # 9 more than the second time
        Dispatch((1, 5), 1, 5, 32, 1.0),
        Dispatch((4, 5), 4, 20, 32, 7.0),  # called once: 3 more than 4 steps of the median 1.0
        Dispatch((2, 5), 2, 10, 32, 0.5),  # quicker than others: nothing was compiled
    ]
    assert first_call_excess(dispatches) == pytest.approx(12.0)
    assert first_call_excess(dispatches[:1]) == 0.0


def test_a_recipe_that_holds_images_out_is_refused():
    from _training import check_trains_on_all

    with pytest.raises(CifarlabError, match="--set validation_fraction=0"):
        check_trains_on_all(load_recipe("smoke"))
    check_trains_on_all(RECIPE)


@pytest.mark.thorough
def test_the_whole_program(tmp_path, monkeypatch, capsys):
    import time_to_accuracy

    file = tmp_path / "result.json"
    peer = f"{sys.executable} -c \"print('seconds 2 accuracy 0.5')\""
    words = ["x", "smoke", "--set", "data=digits", "--set", "validation_fraction=0", "--runs", "2", "--target", "0.99"]
    monkeypatch.setattr(time_to_accuracy, "matrix_rate", lambda dtype: 1e12)
    monkeypatch.setattr(sys, "argv", [*words, "--tta", "flip-shift", "--json", str(file), "--vs", peer])
    time_to_accuracy.main()
    result = json.loads(file.read_text())
    assert [row["seed"] for row in result["rounds"]] == [0, 1]
    assert result["vs"]["ratio"] == pytest.approx(result["seconds_with_tta"]["median"] / 2)
    multiply_adds = 3072 * 32 + 32 * 10
    work = 2 * (3 * multiply_adds - 3072 * 32) * 3 * 1400 / 1e15
    assert result["petaflop"]["median"] == pytest.approx(work)
    printed = capsys.readouterr().out
    assert "the mean does not reach 99.00% (TTA flip-shift)" in printed
    assert "over 2 rounds" in printed
