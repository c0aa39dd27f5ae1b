import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cifarlab import evaluation, files, metrics, recipe, runs
from cifarlab.calibration import calibrate, fit_temperature
from cifarlab.errors import CifarlabError
from cifarlab.records import Predictions
from cifarlab.runs import Run
from cifarlab.temperature import scale, stored_temperature
from cifarlab.verdicts import print_calibrations


def make(count: int = 400, num_classes: int = 5, sharpness: float = 1.0, seed: int = 0) -> Predictions:
    """Predictions whose labels are drawn from their own probabilities, then made surer by `sharpness`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, size=(count, num_classes))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(num_classes, p=row) for row in chances], np.int64)
    ids = np.array([f"validation-{index:05d}" for index in range(count)], dtype=str)
    names = tuple(f"class {k}" for k in range(num_classes))
    return Predictions(ids, labels, (sharpness * logits).astype(np.float32), names)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = runs.create_run(tmp_path, "tiny")
    run.set_state("finished")
    files.write_json(run.recipe_file, recipe.to_dict(recipe.Recipe(model="mlp", validation_fraction=0.1)))
    files.write_json(run.data_file, {"name": "digits"})
    files.write_json(run.environment_file, {})
    run.model_file.write_bytes(b"a model")
    make(sharpness=2.0).save(run.predictions_file("validation"))
    return run


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_is_scipys_minimum_and_undoes_the_sharpening(sharpness: float) -> None:
    predictions = make(3000, sharpness=sharpness)
    found = fit_temperature(predictions)

    def loss(temperature: float) -> float:
        scaled = predictions.logits.astype(np.float64) / temperature
        picked = scaled[np.arange(len(scaled)), predictions.labels]
        return float((np.log(np.exp(scaled).sum(axis=1)) - picked).mean())

    independent = optimize.minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10})
    assert found.value == pytest.approx(independent.x, rel=1e-6)
    assert loss(found.value) <= independent.fun + 1e-15
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(sharpness, rel=0.1)


def test_its_interval_is_what_a_bootstrap_gives() -> None:
    predictions, random = make(800), np.random.default_rng(5)
    draws = []
    for _ in range(200):
        rows = random.integers(800, size=800)
        drawn = Predictions(
            predictions.ids, predictions.labels[rows], predictions.logits[rows], predictions.class_names
        )
        draws.append(np.log(fit_temperature(drawn).value))
    found = fit_temperature(predictions)
    assert np.log(found.high / found.low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.15)


def test_where_no_temperature_fits_best_the_limit_is_said() -> None:
    labels = np.arange(6) % 3
    logits = np.eye(3, dtype=np.float32)[labels]
    ids = np.array(list("abcdef"))
    right = fit_temperature(Predictions(ids, labels, logits, tuple("xyz")))
    wrong = fit_temperature(Predictions(ids, (labels + 1) % 3, logits, tuple("xyz")))
    assert (right.value, right.low, wrong.value, wrong.low) == (0.01, None, 100.0, None)
    with pytest.raises(CifarlabError, match="at least two images"):
        fit_temperature(Predictions(ids[:1], labels[:1], logits[:1], tuple("xyz")))


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 20), st.integers(0, 100))
def test_scaling_changes_no_answer_and_the_fit_follows_it(factor: float, seed: int) -> None:
    predictions = make(60, seed=seed)
    scaled = scale(predictions, factor)
    assert metrics.measure("accuracy", scaled) == metrics.measure("accuracy", predictions)
    one, other = fit_temperature(predictions).value, fit_temperature(scaled).value
    assert one is not None
    if 0.1 < one < 10 and 0.011 < one / factor < 99:
        assert other == pytest.approx(one / factor, rel=1e-4)


def test_the_result_is_written_returned_and_used(run: Run) -> None:
    result = calibrate(run.path)
    assert files.read_json(run.path / "calibration.json") == result == json.loads(json.dumps(result, allow_nan=False))
    assert stored_temperature(run) == result["temperature"]["value"] == pytest.approx(2.0, rel=0.2)
    assert result["loss"]["after"]["value"] < result["loss"]["before"]["value"]
    for name in ("loss", "expected_calibration_error"):
        for score in result[name].values():
            assert score["low"] <= score["value"] <= score["high"]
    assert "surer than it should be" in result["sentence"]
    assert calibrate(run) == result


def test_no_two_columns_of_the_table_are_named_alike(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    print_calibrations([calibrate(run)])
    title, _, values, limits, *_ = capsys.readouterr().out.splitlines()
    columns = re.split(r" {2,}", title.strip())
    assert columns[2:] == ["loss before", "loss after", "calibration error before", "calibration error after"]
    assert len(columns) == len(set(columns)) == len(re.split(r" {2,}", values.strip()))
    assert limits.startswith("95 % interval ")


def test_evaluation_gains_the_calibrated_numbers(run: Run) -> None:
    predictions = Predictions.load(run.predictions_file("validation"))
    assert evaluation._calibrated(run, predictions) == ({}, [])
    result = calibrate(run)
    found, notices = evaluation._calibrated(run, predictions)
    assert notices == []
    assert found["calibrated"]["loss"] == result["loss"]["after"]
    assert found["calibrated"]["temperature"] == result["temperature"]["value"]
    run.model_file.write_bytes(b"another model")
    found, notices = evaluation._calibrated(run, predictions)
    assert found == {}
    assert "another model" in notices[0]


def test_what_cannot_be_calibrated_is_said_in_one_line(run: Run) -> None:
    calibrate(run)
    path = run.path / "calibration.json"
    stored = files.read_json(path)
    for changed, expected in [
        ({"temperature": {"value": -1.0}}, "expected a number above 0"),
        ({"temperature": 3}, "damaged"),
        ({"model_checksum": "sha256:0"}, "made for another model"),
    ]:
        files.write_json(path, {**stored, **changed})
        with pytest.raises(CifarlabError, match=expected):
            stored_temperature(run)
    with pytest.raises(CifarlabError, match="learned from all training images"):
        calibrate("builtin")
    everything = dataclasses.replace(run.recipe, validation_fraction=0.0)
    files.write_json(run.recipe_file, recipe.to_dict(everything))
    with pytest.raises(CifarlabError, match="held out no validation images"):
        calibrate(run)
