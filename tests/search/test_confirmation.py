import numpy as np
import pytest

from cifarlab.metrics.statistics.significance import holm
from cifarlab.runs.predictions import Predictions
from cifarlab.search.confirmation import _holm_levels, judge

IMAGES, SEEDS = 2000, 3


def answers(accuracy, seed):
    """Predictions of two classes, right with a probability."""
    chance = np.random.default_rng(seed)
    labels = np.arange(IMAGES) % 2
    correct = chance.random(IMAGES) < accuracy
    logits = np.zeros((IMAGES, 2))
    logits[np.arange(IMAGES), np.where(correct, labels, 1 - labels)] = 1.0
    ids = np.array([f"train-{number:05d}" for number in range(IMAGES)])
    return Predictions(ids, labels, logits.astype(np.float32), ("a", "b"))


def group(accuracy, first):
    return [answers(accuracy, first + seed) for seed in range(SEEDS)]


def test_what_is_better_is_called_better_and_flattery_is_measured():
    found = [
        (7, {"learning_rate": "0.1"}, 0.80, group(0.70, 10)),
        (3, {"learning_rate": "0.2"}, 0.79, group(0.75, 20)),
    ]
    verdict = judge("mlp2", found, group(0.60, 30), epochs=9)
    assert verdict.is_better
    assert [each.trial for each in verdict.candidates] == [3, 7]  # from the best on the confirmation part
    best = verdict.candidates[0]
    assert best.difference.value == pytest.approx(0.15, abs=0.03)
    assert best.difference.low < 0.15 < best.difference.high
    assert best.p_value <= best.adjusted_p_value < 0.05
    assert verdict.too_high == pytest.approx(0.10, abs=0.03)  # of trial 7, which the search would have chosen
    assert "The recipe found (trial 3) is more accurate than mlp2 as shipped, by +15" in verdict.sentence
    assert "2,000 images that no trial has seen, 3 fresh seeds each; 9 epochs" in verdict.sentence
    assert "points too high" in verdict.sentence


def test_what_is_not_told_apart_is_said():
    verdict = judge("mlp2", [(7, {"a": "1"}, 0.61, group(0.60, 10))], group(0.60, 30), epochs=9)
    assert not verdict.is_better
    assert "is not told apart from mlp2 as shipped" in verdict.sentence


def test_what_is_worse_is_said():
    verdict = judge("mlp2", [(7, {"a": "1"}, 0.61, group(0.50, 10))], group(0.60, 30), epochs=9)
    assert not verdict.is_better
    assert "is worse than mlp2 as shipped" in verdict.sentence
    assert "Keep mlp2" in verdict.sentence


def test_one_seed_gives_a_verdict_about_images_alone():
    verdict = judge("mlp2", [(7, {"a": "1"}, 0.8, [answers(0.8, 1)])], [answers(0.6, 2)], epochs=1)
    assert verdict.is_better
    assert verdict.seeds == 1


def test_what_the_search_believed_is_about_the_trial_that_led():
    found = [(7, {"a": "1"}, 0.70, group(0.60, 10))]
    shipped = judge("mlp2", found, group(0.60, 30), 9, leader=(0, 0.75))
    assert shipped.too_high == pytest.approx(0.75 - shipped.shipped.value)
    assert "The search's own best score was" in shipped.sentence
    failed = judge("mlp2", found, group(0.60, 30), 9, leader=(4, 0.80))
    assert failed.too_high == pytest.approx(0.70 - failed.candidates[0].accuracy.value)
    assert "The score of trial 7 in the search was" in failed.sentence
    assert judge("mlp2", found, group(0.60, 30), 9).too_high == failed.too_high


def test_levels_agree_with_holms_adjusted_p_values():
    """By hand: 0.03 is not below 0.05 / 2, and so 0.04 is held against that too, though it is below 0.05."""
    assert _holm_levels([0.03, 0.04]) == [0.025, 0.025]
    assert _holm_levels([0.04, 0.01, 0.02]) == pytest.approx([0.05, 0.05 / 3, 0.025])
    random = np.random.default_rng(0)
    for _ in range(200):
        p_values = random.uniform(0, 0.1, 3).tolist()
        told = [adjusted < 0.05 for adjusted in holm(p_values)]
        assert told == [p < level for p, level in zip(p_values, _holm_levels(p_values), strict=True)]
