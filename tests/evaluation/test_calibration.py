import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from cifarlab import metrics, recipes, runs
from cifarlab.cli.tables.comparisons import print_calibrations
from cifarlab.evaluation import scoring
from cifarlab.evaluation.calibration import Calibration, calibrate, cross_fit, fit_temperature
from cifarlab.inference.temperature import scale, stored_temperature
from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.predictions import Origin, Predictions
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import from_json


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
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp", validation_fraction=0.1)))
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


def answers(right: int, wrong: int, sure: float = 3.0, num_classes: int = 3) -> Predictions:
    """So many right and wrong answers, each with a lead of `sure` for the class named."""
    count = right + wrong
    labels = np.arange(count) % num_classes
    named = np.where(np.arange(count) < right, labels, (labels + 1) % num_classes)
    logits = (sure * np.eye(num_classes)[named]).astype(np.float32)
    ids = np.array([f"validation-{index:05d}" for index in range(count)], dtype=str)
    return Predictions(ids, labels.astype(np.int64), logits, tuple(f"class {k}" for k in range(num_classes)))


@pytest.mark.parametrize(
    ("predictions", "why"),
    [
        (answers(4, 0), "of its 4 validation answers none is wrong and 4 are correct, and it takes at least 10"),
        (answers(0, 30), "30 are wrong and none is correct"),
        (answers(500, 1), "1 is wrong and 500 are correct"),
        (answers(500, 9), "9 are wrong and 500 are correct"),
        (answers(10, 200, sure=0.001), "210 validation answers wrong, the loss only falls as confidence falls"),
        (answers(40, 40, sure=0.0), "the loss only falls as confidence falls"),
        (answers(52, 48, sure=1.0, num_classes=2), "leave it anywhere from"),
    ],
)
def test_one_is_kept_where_the_images_cannot_tell(predictions: Predictions, why: str) -> None:
    found = fit_temperature(predictions)
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert why in found.method


def test_ten_wrong_answers_tell_a_temperature_and_it_is_the_one_by_hand() -> None:
    # Every answer leads by 3 / T: the loss is smallest where its confidence is the accuracy, 190 of 200.
    found = fit_temperature(answers(190, 10))
    assert found.value == pytest.approx(3 / np.log(190 / 10 * 2))
    assert found.low < found.value < found.high
    with pytest.raises(CifarlabError, match="at least two images"):
        fit_temperature(answers(1, 0))


def test_as_many_wrong_answers_as_it_asks_for_would_tell_it() -> None:
    needed = int(
        re.search("about ([0-9,]+) wrong", fit_temperature(answers(55, 45, 1.0, 2)).method)[1].replace(",", "")
    )
    more = answers(round(needed / 45 * 55), needed, 1.0, 2)
    assert fit_temperature(more).low is not None
    assert fit_temperature(answers(round(0.8 * needed / 45 * 55), round(0.8 * needed), 1.0, 2)).low is None


def test_after_is_at_temperatures_of_the_other_images() -> None:
    predictions = make(100, sharpness=2.0)
    crossed = cross_fit(predictions)
    factors = (predictions.logits / crossed.logits).mean(axis=1)
    found = sorted(set(np.round(factors, 3)))
    assert len(found) == 10
    assert [int((np.round(factors, 3) == factor).sum()) for factor in found] == [10] * 10
    own = np.round(factors, 3) != found[0]
    rest = Predictions(predictions.ids[own], predictions.labels[own], predictions.logits[own], predictions.class_names)
    assert fit_temperature(rest).value == pytest.approx(found[0], abs=1e-3)
    whole = scale(predictions, fit_temperature(predictions).value)
    assert whole.losses.mean() < crossed.losses.mean()  # fitted and measured on the same images flatters


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 20), st.integers(0, 100))
def test_scaling_changes_no_answer_and_the_fit_follows_it(factor: float, seed: int) -> None:
    predictions = make(60, seed=seed)
    scaled = scale(predictions, factor)
    assert metrics.measure("accuracy", scaled) == metrics.measure("accuracy", predictions)
    one, other = fit_temperature(predictions), fit_temperature(scaled)
    if one.low is not None and one.low / factor > 0.02 and one.high / factor < 50:
        assert other.value == pytest.approx(one.value / factor, rel=1e-4)


def test_the_result_is_written_returned_and_used(run: Run) -> None:
    result = calibrate(run.path)
    assert from_json(Calibration, files.read_json(run.path / "calibration.json")) == result
    assert result.sentence in str(result)
    assert stored_temperature(run) == result.temperature.value == pytest.approx(2.0, rel=0.2)
    assert result.loss.after.value < result.loss.before.value
    for name in ("loss", "expected_calibration_error"):
        for score in (getattr(result, name).before, getattr(result, name).after):
            assert score.low <= score.value <= score.high
    assert "is overconfident" in result.sentence
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
    assert scoring._calibrated(run, predictions) == (None, [])
    result = calibrate(run)
    found, notices = scoring._calibrated(run, predictions)
    assert notices == []
    scaled = scale(predictions, result.temperature.value)
    assert found.loss.value == pytest.approx(scaled.losses.mean())
    assert found.temperature == result.temperature.value
    run.model_file.write_bytes(b"another model")
    found, notices = scoring._calibrated(run, predictions)
    assert found is None
    assert "another model" in notices[0]


def test_what_cannot_be_calibrated_is_said_in_one_line(run: Run) -> None:
    calibrate(run)
    path = run.path / "calibration.json"
    stored = files.read_json(path)
    wide = {"value": 3.0, "low": 1.0, "high": 9.0, "method": ""}
    for changed, expected in [
        ({"temperature": {"value": 0.01, "low": None, "high": None, "method": ""}}, "could not tell: run cifarlab cal"),
        ({"temperature": {"value": 100.0, "low": 90.0, "high": 110.0, "method": ""}}, "could not tell"),
        ({"temperature": wide}, "could not tell"),
        ({"temperature": {**wide, "value": -1.0}}, "expected a number above 0"),
        ({"temperature": 3}, "damaged"),
        ({"temperature": {"value": 3.0}}, "damaged"),
        ({"model_checksum": "sha256:0"}, "made for another model"),
    ]:
        files.write_sealed(path, {**stored, **changed})
        with pytest.raises(CifarlabError, match=expected):
            stored_temperature(run)
    files.write_json(path, {**stored, "count": stored["count"] + 1})
    with pytest.raises(CifarlabError, match=r"its checksum is of another content.*: run cifarlab calibrate"):
        stored_temperature(run)
    with pytest.raises(CifarlabError, match="learned from all training images"):
        calibrate("builtin")
    everything = dataclasses.replace(run.recipe, validation_fraction=0.0)
    files.write_json(run.recipe_file, recipes.to_dict(everything))
    with pytest.raises(CifarlabError, match="held out no validation images"):
        calibrate(run)


def test_what_cannot_be_told_is_kept_at_one_and_used_nowhere(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    answers(4, 0).save(run.predictions_file("validation"))
    result = calibrate(run)
    assert not result.fitted
    assert result.wrong == 0
    assert result.temperature.value == 1.0
    assert result.loss.before == result.loss.after
    assert stored_temperature(run) is None
    assert scoring._calibrated(run, answers(4, 0)) == (None, [])
    print_calibrations([result])
    assert "not told" in capsys.readouterr().out


def test_a_temperature_that_helps_no_other_image_is_not_kept(run: Run) -> None:
    # 100 to 900 by a lead of log 9: the temperature is 1 exactly, and what nine tenths say differs by chance alone.
    answers(900, 100, sure=float(np.log(9)), num_classes=2).save(run.predictions_file("validation"))
    result = calibrate(run)
    assert result.temperature.value == 1.0
    assert "does not lower the loss of the last tenth" in result.sentence


def test_a_calibration_error_that_rose_is_said(run: Run) -> None:
    # Sure answers are too sure, and unsure ones not sure enough: one number cannot mend both.
    sure, unsure = answers(90, 30, sure=5.0, num_classes=2), answers(285, 15, sure=1.2, num_classes=2)
    labels, logits = np.concatenate([sure.labels, unsure.labels]), np.concatenate([sure.logits, unsure.logits])
    ids = np.array([f"validation-{index:05d}" for index in range(len(labels))], dtype=str)
    Predictions(ids, labels, logits, sure.class_names).save(run.predictions_file("validation"))
    result = calibrate(run)
    error = result.expected_calibration_error
    before, after = error.before.value, error.after.value
    assert after > before
    assert f"rose by {after - before:.4f}, from {before:.4f} to {after:.4f}" in result.sentence


def test_images_that_the_network_began_with_knowing_are_left_out(run: Run) -> None:
    predictions = make(sharpness=2.0)
    known = np.arange(len(predictions)) < 150
    surer = predictions.logits * np.where(known, 9, 1)[:, None].astype(np.float32)  # it has learned these by heart
    origin = Origin(model_checksum(run), "of the images", known)
    dataclasses.replace(predictions, logits=surer, origin=origin).save(run.predictions_file("validation"))
    found = calibrate(run)
    assert found.count == 250
    assert found.temperature.value == pytest.approx(fit_temperature(predictions.take(np.arange(150, 400))).value)
    assert found.sentence.endswith(" 150 validation images that it had learned from are left out.")
    dataclasses.replace(predictions, origin=dataclasses.replace(origin, trained_on=known | True)).save(
        run.predictions_file("validation")
    )
    with pytest.raises(CifarlabError, match=r"400 of 400.*none are left to fit a temperature on"):
        calibrate(run)
