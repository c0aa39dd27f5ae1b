"""Runs made by an earlier version, before the modules were given rooms: they open, and answer as they did."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cifarlab import compare, evaluate, open_run, report
from cifarlab.inference.temperature import stored_temperature
from cifarlab.runs.predictions import Predictions

EARLIER = Path(__file__).parent / "before_rooms"


@pytest.fixture
def earlier(tmp_path):
    """A copy, since evaluating writes into it."""
    return shutil.copytree(EARLIER, tmp_path / "runs", copy_function=shutil.copy)


@pytest.mark.parametrize("name", ["plain", "shuffled"])  # the second has a layer of cifarlab's own in its file
def test_its_model_answers_as_it_did(earlier, name):
    run = open_run(earlier / name)
    before = Predictions.load(EARLIER / name / "predictions-test.npz")
    scores = evaluate(run)
    after = run.predictions("test")
    assert np.allclose(after.logits[np.argsort(after.ids)], before.logits[np.argsort(before.ids)], atol=1e-4)
    assert scores.accuracy == json.loads((EARLIER / name / "scores.json").read_text())["accuracy"]


def test_what_it_says_is_read_without_its_being_evaluated_again(earlier, undrawn):
    run = open_run(earlier / "plain")
    assert run.recipe.model_args["widths"] == (8,)
    assert len(run.history()) == 6
    assert stored_temperature(run) == pytest.approx(0.519, abs=1e-3)
    assert f"{100 * run.scores().accuracy:.2f}" in report(run).read_text()
    assert len(compare([earlier / "plain", earlier / "shuffled"]).pairs) == 1
