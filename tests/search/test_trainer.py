"""How trials become trainings, and what is read of them: nothing is trained."""

import pytest

from cifarlab.datasets import load_data
from cifarlab.search import Rules, Silent, make_space
from cifarlab.search.beginning import begin_study, place_study
from cifarlab.search.confirmation import FRESH_SEED
from cifarlab.search.planning import prepare
from cifarlab.search.rounds import Trial
from cifarlab.search.trainer import Trainer, name_runs
from cifarlab.utils.errors import CifarlabError

RULES = Rules(trials=4, epochs=9, pruner="halving", seeds_per_trial=2, confirm_seeds=2)
FAST, SLOW = {"learning_rate": "0.005"}, {"learning_rate": "0.0001"}


class Watcher(Silent):
    def __init__(self):
        self.races = []

    def race(self, title, runs, since, until):
        self.races.append((title, list(runs), since, until))


@pytest.fixture
def make(recipe, fake_workers, tmp_path):
    """A trainer of a fresh study, and who watches it."""

    def make(workers=None):
        varied = prepare(recipe, RULES)
        study = place_study(tmp_path, "study")
        begin_study(study, varied, make_space(varied, ["learning_rate=1e-4..1e-1:log"], only=True), RULES, {}, "")
        watcher = Watcher()
        return Trainer(study, RULES, workers or fake_workers(), watcher, None, ()), study, watcher

    return make


@pytest.fixture
def trials():
    return [Trial(0, {}, {}, 1), Trial(3, FAST, {"learning_rate": 0.005}, 1)]


def test_a_trial_is_a_training_a_seed_and_its_score_their_mean_of_the_best_epoch(make, trials, search_fakes):
    trainer, study, watcher = make()
    outcomes = trainer.evaluate(trials, 3)
    for trial, outcome in zip(trials, outcomes, strict=True):
        runs = [study.trial_run(trial.number, seed) for seed in (0, 1)]
        assert [run.recipe.seed for run in runs] == [0, 1]
        best = [max(row["validation_accuracy"] for row in run.history()) for run in runs]
        assert outcome.score == pytest.approx(sum(best) / 2, abs=1e-12)
    labels = ["trial 0, seed 0", "trial 0, seed 1", "trial 3, seed 0", "trial 3, seed 1"]
    assert watcher.races == [("round 2", labels, 0, 3)]
    assert study.known(3) == (FAST, {"learning_rate": 0.005})


def test_a_later_rung_goes_on_from_the_one_before(make, trials, fake_workers):
    workers = fake_workers()
    trainer, _, watcher = make(workers)
    for trial, outcome in zip(trials, trainer.evaluate(trials, 3), strict=True):
        trial.scores[3] = outcome.score
    trainer.evaluate(trials[1:], 9)
    assert workers.trained[4:] == [("0003-seed0", 9), ("0003-seed1", 9)]
    assert watcher.races[-1] == ("round 2", ["trial 3, seed 0", "trial 3, seed 1"], 3, 9)


def test_a_failure_is_written_down_with_its_rung_and_not_tried_again(make, trials, fake_workers):
    workers = fake_workers(failing=lambda recipe: "loss became nan" if recipe.learning_rate == 0.005 else "")
    trainer, study, watcher = make(workers)
    outcomes = trainer.evaluate(trials, 3)
    assert (outcomes[1].score, outcomes[1].reason) == (None, "loss became nan")
    assert outcomes[0].score is not None
    assert study.failure(3) == (3, "loss became nan")
    before = list(workers.trained)
    assert trainer.evaluate(trials, 3)[1] == outcomes[1]
    assert workers.trained == before
    assert watcher.races[-1][1] == ["trial 0, seed 0", "trial 0, seed 1"]  # nobody waits for what failed


def test_what_was_trained_further_is_judged_at_the_rung_asked_for(make, trials):
    trainer, _, _ = make()
    first = trainer.evaluate(trials, 3)
    trainer.evaluate(trials, 9)
    assert trainer.evaluate(trials, 3) == first


def test_what_came_of_a_training_before(make, trials):
    trainer, study, _ = make()
    assert trainer.outcome_before(trials[0], 3) is None
    (outcome,) = trainer.evaluate(trials[:1], 3)
    assert trainer.outcome_before(trials[0], 3) == outcome
    assert trainer.outcome_before(trials[0], 9) is None
    study.remember(trials[0], (9, "out of memory"))
    assert trainer.outcome_before(trials[0], 3) == outcome
    assert trainer.outcome_before(trials[0], 9).reason == "out of memory"


@pytest.fixture(scope="module")
def splits():
    return load_data("digits", validation_fraction=0.1, confirmation_fraction=0.1)


def test_the_confirmation_trains_winners_and_the_shipped_recipe_with_seeds_that_no_trial_had(
    make, splits, fake_workers
):
    workers = fake_workers()
    trainer, study, _ = make(workers)
    leaders = [Trial(3, FAST, {}, 0, scores={9: 0.9}), Trial(1, SLOW, {}, 0, scores={9: 0.8})]
    verdict = trainer.confirm("mlp", leaders, splits)
    names = {f"{label}-seed{FRESH_SEED + seed}" for label in ("shipped", "trial0003", "trial0001") for seed in (0, 1)}
    assert {name for name, _ in workers.trained} == names
    assert {path.name for path in (study.path / "confirmation").iterdir()} >= names
    assert [each.trial for each in verdict.candidates] == [3, 1]
    assert verdict.images == len(splits.confirmation)
    assert verdict.seeds == 2


def test_where_the_shipped_recipe_led_there_is_nothing_to_confirm(make, splits, fake_workers):
    workers = fake_workers()
    trainer, _, _ = make(workers)
    assert trainer.confirm("mlp", [Trial(0, {}, {}, 0, scores={9: 0.9})], splits) is None
    assert workers.trained == []


def test_a_candidate_that_fails_with_a_fresh_seed_costs_only_itself(make, splits, fake_workers):
    leaders = [Trial(3, FAST, {}, 0, scores={9: 0.9}), Trial(1, SLOW, {}, 0, scores={9: 0.8})]
    failing = fake_workers(failing=lambda recipe: "loss became nan" if recipe.learning_rate == 0.005 else "")
    trainer, _, _ = make(failing)
    assert [each.trial for each in trainer.confirm("mlp", leaders, splits).candidates] == [1]


def test_without_the_shipped_recipe_there_is_no_verdict_but_a_reason(make, splits, fake_workers):
    failing = fake_workers(failing=lambda recipe: "out of memory" if recipe.learning_rate == 1e-3 else "")
    trainer, _, _ = make(failing)
    with pytest.raises(CifarlabError, match="the recipe as shipped failed in the confirmation: out of memory"):
        trainer.confirm("mlp", [Trial(3, FAST, {}, 0, scores={9: 0.9})], splits)


def test_a_run_is_named_by_its_seed_only_where_there_are_several(make, trials):
    trainer, _, _ = make()
    both = trainer.begin(trials[0], 3)
    assert list(name_runs({"trial 0": both})) == ["trial 0, seed 0", "trial 0, seed 1"]
    assert list(name_runs({"trial 0": both[:1]})) == ["trial 0"]
