"""Several runs as one, against hand-computed answers."""

import dataclasses

import numpy as np
import pytest

from cifarlab.evaluation.ensemble import average, combine
from cifarlab.metrics import score
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils.errors import CifarlabError


def predictions(probabilities, labels):
    return Predictions.of(labels, probabilities=probabilities)


def evaluated(path, found, **changes):
    run = Run(path)
    path.mkdir()
    (path / "data.json").write_text('{"name": "digits"}')
    found.save(run.predictions_file("test"))
    entry = dataclasses.replace(score(found), data="digits", split="test", images="x", tta="none", looks=2)
    return run, dataclasses.replace(entry, run=run.name, **changes)


def test_the_mean_is_of_probabilities_and_not_of_logits():
    one, other = predictions([[0.9, 0.1], [0.2, 0.8]], [0, 1]), predictions([[0.3, 0.7], [0.4, 0.6]], [0, 1])
    together = average([one, other])
    np.testing.assert_allclose(np.exp(together.log_probabilities), [[0.6, 0.4], [0.3, 0.7]], atol=1e-6)
    assert together.predicted.tolist() == [0, 1]


def test_a_probability_too_small_for_a_number_stays_one():
    sure = Predictions.of([0], [[0.0, 2000.0]])
    together = average([sure, sure])
    assert np.isfinite(together.logits).all()
    np.testing.assert_allclose(together.losses, sure.losses)


def test_a_gain_is_told_from_chance(tmp_path):
    # Each of two is wrong, with little confidence, where the other is right and sure: together they are always right.
    labels = np.zeros(40, int)
    sure, wrong = [0.9, 0.1], [0.4, 0.6]
    first = evaluated(tmp_path / "a", predictions([sure] * 30 + [wrong] * 10, labels))
    second = evaluated(tmp_path / "b", predictions([wrong] * 20 + [sure] * 20, labels))
    runs, entries = zip(first, second, strict=True)
    found = combine(runs, entries)
    assert (found.members, found.best) == (("a", "b"), "a")
    assert found.scores.accuracy == 1.0
    assert found.gain.value == pytest.approx(0.25)
    assert found.p_value == pytest.approx(2 * 0.5**10)  # ten images, all on one side
    assert found.sentence.startswith("The ensemble is more accurate than a, the best of them: +25.00 percentage points")
    assert (found.scores.looks, found.scores.run) == (2, "ensemble of 2 runs")


def test_corrected_labels_are_those_that_are_answered(tmp_path):
    """Both kinds of predictions are there: those on the published labels are not taken."""
    published, corrected = (predictions([[0.9, 0.1], [0.2, 0.8]], labels) for labels in ([1, 0], [0, 1]))
    about = {"file": "labels.csv", "checksum": "x"}
    members = []
    for name in "ab":
        run, entry = evaluated(tmp_path / name, published, labels=about)
        corrected.save(run.predictions_file("test", corrected=True))
        members.append((run, entry))
    found = combine(*zip(*members, strict=True))
    assert (found.scores.accuracy, found.scores.labels) == (1.0, about)


def test_none_is_said_to_be_none(tmp_path):
    same = predictions([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    runs, entries = zip(*(evaluated(tmp_path / name, same) for name in "ab"), strict=True)
    found = combine(runs, entries)
    assert (found.gain.value, found.p_value) == (0.0, 1.0)
    assert "do not tell the ensemble and a, the best of them, apart: +0.00" in found.sentence


def test_what_cannot_answer_together_is_one_line(tmp_path):
    found = predictions([[0.9, 0.1], [0.2, 0.8]], [0, 0])
    run, entry = evaluated(tmp_path / "a", found)
    other, elsewhere = evaluated(tmp_path / "b", found, images="y")
    with pytest.raises(CifarlabError, match="two runs at least"):
        combine([run], [entry])
    with pytest.raises(CifarlabError, match="each run once"):
        combine([run, run], [entry, entry])
    with pytest.raises(CifarlabError, match="a and b answered different images"):
        combine([run, other], [entry, elsewhere])
