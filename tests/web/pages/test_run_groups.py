"""Seeds as one: means, standard deviations and intervals beside those of SciPy, and what is left out of them."""

import statistics

import pytest
from scipy import stats

from cifarlab.runs import Run
from cifarlab.runs.scores import Scores
from cifarlab.web.pages.run_groups import group_by, group_runs
from cifarlab.web.pages.run_summaries import RunSummary


@pytest.fixture
def summary(tmp_path):
    def make(name, accuracy=None, *, seed=0, state="finished", data="digits", labels="", damaged=None, **recipe):
        scores = {} if accuracy is None else {"test": Scores(accuracy=accuracy, loss=1 - accuracy, scores={})}
        return RunSummary(
            Run(tmp_path / name), (), state, model="mlp", data=data, recipe={"model": "mlp", **recipe, "seed": seed},
            scores=scores, labels=labels, damaged=damaged or {},
        )  # fmt: skip

    return make


def test_seeds_are_one_row_with_their_mean_deviation_and_interval(summary):
    accuracies = [0.70, 0.74, 0.75]
    runs = [summary(f"a-seed{seed}", accuracy, seed=seed) for seed, accuracy in enumerate(accuracies)]
    (group,) = group_runs(runs[::-1])
    assert (group.name, [run.name for run in group.runs]) == ("a", ["a-seed0", "a-seed1", "a-seed2"])
    found = group.accuracy
    assert found.mean.value == pytest.approx(statistics.fmean(accuracies))
    assert found.deviation == pytest.approx(statistics.stdev(accuracies))
    expected = stats.t.interval(0.95, 2, loc=statistics.fmean(accuracies), scale=stats.sem(accuracies))
    assert (found.mean.low, found.mean.high) == pytest.approx(expected)
    assert group.loss.mean.value == pytest.approx(1 - found.mean.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["mlp-lr0.1-seed0", "mlp-lr0.1-seed1", "mine"], "mlp-lr0.1"),  # one was renamed
        (["mlp1-app", "mlp1-app-2", "mlp1-app-3"], "mlp1-app"),
        (["wide-a", "wide-b"], "wide"),
        (["mine", "my-other"], "mlp"),  # that both begin with m says nothing: the network's name
        (["a", "b"], "mlp"),
    ],
)
def test_a_group_is_called_what_most_of_its_runs_are(summary, names, said):
    (group,) = group_runs([summary(name, 0.7, seed=seed) for seed, name in enumerate(names)])
    assert group.name == said


def test_one_run_has_no_interval(summary):
    (group,) = group_runs([summary("alone", 0.7)])
    assert (group.name, group.accuracy.mean.value, group.accuracy.deviation) == ("alone", 0.7, None)
    assert (group.accuracy.mean.low, group.accuracy.mean.high) == (None, None)
    assert group.best is None


@pytest.mark.parametrize("change", [{"data": "cifar10"}, {"labels": "sha256:1"}, {"lr": 0.2}, {"extra": 1}])
def test_any_other_difference_is_another_row(summary, change):
    runs = [summary("a", 0.7, lr=0.1), summary("b", 0.8, seed=1, **({"lr": 0.1} | change))]
    assert [len(group.runs) for group in group_runs(runs)] == [1, 1]


def test_what_is_not_finished_is_left_out_of_the_means_and_said(summary):
    runs = [summary("a", 0.7), summary("b", 0.8, seed=1), summary("c", 0.1, seed=2, state="stopped")]
    (group,) = group_runs(runs)
    assert group.accuracy.mean.value == pytest.approx(0.75)
    assert group.note == "1 run not finished, left out of the means"


def test_a_seed_that_is_there_twice_gives_no_interval(summary):
    (group,) = group_runs([summary("a", 0.7), summary("b", 0.8)])
    assert (group.accuracy.mean.low, group.note) == (None, "a seed is there twice: no interval")


def test_runs_whose_recipe_cannot_be_read_are_the_same_as_no_other(summary):
    runs = [summary(name, 0.7, damaged={"recipe.json": "broken"}) for name in ("a", "b")]
    assert len(group_runs(runs)) == 2


def test_a_mean_over_different_data_says_so(summary):
    runs = [summary("a", 0.9, lr=0.1), summary("b", 0.5, lr=0.1, data="cifar10"), summary("c", 0.8, lr=0.2)]
    assert {group.name: group.note for group in group_by(runs, "lr")} == {
        "lr = 0.1": "trained on different data: filter by one of them",
        "lr = 0.2": "",
    }
