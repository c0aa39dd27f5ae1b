"""The search itself, on results made up from the settings: no training."""

import inspect
import math

import pytest

from cifarlab.cli.commands.tune import tune
from cifarlab.recipes import Recipe, override
from cifarlab.search.rounds import Outcome, plan_rounds, search
from cifarlab.search.rules import SAMPLERS, Rules
from cifarlab.search.space import make_space
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

RECIPE = Recipe(model="mlp", data="digits", learning_rate=1e-3, schedule="cosine")
SPACE = make_space(RECIPE, ["learning_rate=1e-5..1e-1:log"], ["schedule=cosine,linear,constant"], only=True)
GRID = make_space(RECIPE, [], ["schedule=cosine,linear,constant", "optimizer=adam,sgd,lion,muon"], only=True)
HERE = [name for name in SAMPLERS if name not in ("gp", "cmaes")]  # those need packages of their own


def score(settings, epochs):
    """Higher near a learning rate of 2e-3, and with more epochs."""
    recipe = override(RECIPE, [f"{key}={value}" for key, value in settings.items()])
    distance = abs(math.log10(recipe.learning_rate / 2e-3))
    return 0.9 - 0.1 * distance - 0.05 * (recipe.schedule == "constant") - 0.3 / (1 + epochs)


class Laboratory:
    """Trains nothing, and remembers what it was asked for."""

    def __init__(self, failing=()):
        self.asked, self.failing = [], failing

    def __call__(self, trials, epochs):
        self.asked.append(([trial.number for trial in trials], epochs))
        return [
            Outcome(None, "loss became nan") if trial.number in self.failing else Outcome(score(trial.settings, epochs))
            for trial in trials
        ]


def run(rules, space=SPACE, laboratory=None, known=lambda number: None):
    laboratory = laboratory or Laboratory()
    return [trial for members in search(RECIPE, space, laboratory, rules, known) for trial in members]


def summary(trials):
    return [(trial.number, trial.settings, trial.state, trial.scores) for trial in trials]


@pytest.mark.parametrize("sampler", HERE)
@pytest.mark.parametrize("pruner", discovery.names("search.pruners"))
def test_same_results_make_the_same_study(sampler, pruner):
    space = GRID if sampler == "grid" else SPACE
    rules = Rules(trials=12, epochs=9, sampler=sampler, pruner=pruner)
    first = run(rules, space)
    assert summary(first) == summary(run(rules, space))
    assert [trial.number for trial in first] == list(range(len(first)))
    assert {trial.state for trial in first} <= {"complete", "pruned"}
    assert any(trial.state == "complete" and trial.epochs == 9 for trial in first)


@pytest.mark.parametrize("pruner", discovery.names("search.pruners"))
def test_pruner_keeps_the_best_and_never_more_than_there_are(pruner):
    module = discovery.load("search.pruners", pruner)
    for trials in (1, 2, 5, 40):
        for number in range(4):
            plan = module.plan(27, trials, number)
            assert 1 <= plan.size <= trials
            assert plan.rungs == tuple(sorted(set(plan.rungs)))
            assert plan.rungs[-1] == 27
    for scores in ([0.5], [0.9, 0.5], [0.9, 0.8, 0.7, 0.1]):
        assert 1 <= module.keep(scores, [0.0]) <= len(scores)


def test_halving_by_hand():
    laboratory = Laboratory()
    trials = run(Rules(trials=9, epochs=9, pruner="halving"), laboratory=laboratory)
    assert [(len(numbers), epochs) for numbers, epochs in laboratory.asked] == [(9, 1), (3, 3), (1, 9)]
    by_score = sorted(trials, key=lambda trial: -score(trial.settings, 1))
    assert sorted(laboratory.asked[1][0]) == sorted(trial.number for trial in by_score[:3])
    assert laboratory.asked[2][0] == [by_score[0].number]
    assert by_score[0].state == "complete"
    assert set(by_score[0].scores) == {1, 3, 9}
    assert plan_rounds(Rules(trials=9, epochs=9, pruner="halving")) == [([9, 3, 1], (1, 3, 9))]


def test_trial_0_is_the_recipe_as_shipped():
    trials = run(Rules(trials=4, epochs=3, pruner="none"))
    assert trials[0].settings == {}
    assert all(trial.settings for trial in trials[1:])


def test_no_settings_are_tried_twice_and_a_used_up_space_ends_the_search():
    trials = run(Rules(trials=50, epochs=3, sampler="random", pruner="none"), GRID)
    tried = [override(RECIPE, [f"{k}={v}" for k, v in trial.settings.items()]) for trial in trials]
    assert all(tried.count(recipe) == 1 for recipe in tried)
    assert len(run(Rules(trials=50, epochs=3, sampler="grid", pruner="none"), GRID)) == 12


def test_a_search_that_goes_on_asks_only_for_what_is_new():
    """Trials that are known keep their settings, whatever the sampler would propose now."""
    rules = Rules(trials=18, epochs=9, pruner="halving")
    whole = run(rules)
    stored = {trial.number: (trial.settings, trial.parameters) for trial in whole[:11]}
    assert summary(run(rules, known=stored.get)) == summary(whole)
    moved = {1: ({"learning_rate": "0.05", "schedule": "linear"}, {"learning_rate": 0.05, "schedule": "linear"})}
    assert run(rules, known=moved.get)[1].settings == moved[1][0]


def test_more_trials_go_on_from_fewer():
    few, many = (run(Rules(trials=count, epochs=9, pruner="halving")) for count in (9, 27))
    assert summary(many)[:9] == summary(few)


def test_tpe_comes_nearer_to_the_best_than_chance():
    def best(sampler, seed):
        trials = run(Rules(trials=60, epochs=3, sampler=sampler, pruner="none", seed=seed))
        return max(trial.score for trial in trials[30:])

    assert sum(best("tpe", seed) for seed in range(3)) > sum(best("random", seed) for seed in range(3))


def test_failures_are_told_and_never_go_on():
    laboratory = Laboratory(failing=(1, 4))
    trials = run(Rules(trials=9, epochs=9, pruner="halving"), laboratory=laboratory)
    assert [trial.number for trial in trials if trial.state == "failed"] == [1, 4]
    assert trials[1].reason == "loss became nan"
    assert trials[1].score is None
    assert not {1, 4} & {number for numbers, epochs in laboratory.asked[1:] for number in numbers}


def test_ten_failures_in_a_row_end_the_study():
    with pytest.raises(CifarlabError, match="10 trials in a row failed, the last one: loss became nan"):
        run(Rules(trials=30, epochs=9, pruner="halving"), laboratory=Laboratory(failing=range(3, 30)))


def test_unknown_rules_are_refused():
    with pytest.raises(CifarlabError, match="did you mean halving"):
        Rules(pruner="halvin")
    with pytest.raises(CifarlabError, match="unknown sampler"):
        Rules(sampler="best")


def test_a_limit_of_time_needs_rounds():
    Rules(pruner="halving").check_minutes(5)
    Rules(pruner="one_epoch").check_minutes(None)
    with pytest.raises(CifarlabError, match="add --pruner halving"):
        Rules(pruner="one_epoch").check_minutes(5)


def test_the_command_has_the_rules_own_defaults():
    parameters = inspect.signature(tune).parameters
    names = ("trials", "sampler", "pruner", "seeds_per_trial", "threads", "confirm_seeds", "seed")
    assert {name: parameters[name].default for name in names} == {name: getattr(Rules(), name) for name in names}


def test_a_grid_goes_on_with_what_was_not_tried():
    """Also where more of it was tried than the attempts at something new."""
    choices = ["schedule=cosine,linear,constant", "optimizer=adam,sgd,lion", "batch_size=10,20,30,40,50,1000"]
    grid = make_space(RECIPE, [], choices, only=True)
    rules = Rules(trials=99, epochs=3, sampler="grid", pruner="none")
    whole = run(rules, grid)
    assert len(whole) == 54
    stored = {trial.number: (trial.settings, trial.parameters) for trial in whole[:30]}
    assert summary(run(rules, grid, known=stored.get)) == summary(whole)
