"""Sweeps on results made up from the recipe: no training."""

import csv
import json
from pathlib import Path

import pytest
from scipy import stats

from cifarlab.datasets import load_data
from cifarlab.recipes import to_dict
from cifarlab.runs import Run
from cifarlab.search import sweep
from cifarlab.search.combinations import plan_sweep
from cifarlab.search.sweep_results import paired
from cifarlab.search.tasks import DONE, FAILED, Answer
from cifarlab.training.preparation import describe_splits
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

SPLITS = load_data("digits", validation_fraction=0.1)
NOISE = (0.0, 0.01, -0.005)


def accuracy(recipe):
    return 0.9 - 10 * recipe.learning_rate + NOISE[recipe.seed] * (1 + (recipe.learning_rate > 2e-3))


def make_run(folder, recipe, state="finished", splits=SPLITS):
    """What is read of a run's folder."""
    run = Run(folder)
    run.set_state(state)
    files.write_json(run.recipe_file, to_dict(resolve_start(recipe, ())))
    files.write_json(run.data_file, describe_splits(splits))
    files.write_json(run.environment_file, {})
    files.write_text(run.command_file, "cifarlab train\n")
    rows = [{"epoch": epoch, "validation_accuracy": accuracy(recipe) - 0.1 * (epoch != 2)} for epoch in (1, 2, 3)]
    run.write_history(rows)
    return run


class Crew:
    """Trains nothing, and remembers what it was asked for."""

    def __init__(self, failing=()):
        self.asked, self.failing = [], failing

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, tasks, tick=lambda: None):
        answers = {}
        for task in tasks:
            self.asked.append(task.folder.name)
            if task.folder.name in self.failing:
                answers[task] = Answer(FAILED, "loss became nan")
            else:
                make_run(task.folder, task.recipe)
                answers[task] = Answer(DONE)
        return answers


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_sweep(crew, over=("learning_rate=1e-3,3e-3",), **more):
    return sweep("smoke", over, workers=crew, show=False, **more)


def test_rows_are_means_over_seeds_compared_seed_by_seed(here):
    found = run_sweep(Crew())
    first, second = found.rows
    ours, others = ([0.9 - 10 * rate + each * factor for each in NOISE] for rate, factor in ((1e-3, 1), (3e-3, 2)))
    assert first.accuracy.value == pytest.approx(sum(ours) / 3)
    limits = stats.t.interval(0.95, 2, sum(ours) / 3, stats.sem(ours))
    assert (first.accuracy.low, first.accuracy.high) == pytest.approx(limits)
    test = stats.ttest_rel(others, ours)
    wanted = test.confidence_interval(0.95)
    assert (second.difference.low, second.difference.high) == pytest.approx((wanted.low, wanted.high))
    assert second.p_value == second.adjusted_p_value == pytest.approx(test.pvalue)
    assert first.difference is None
    assert found.sentence == "3 seeds tell no combination apart from smoke, learning_rate=1e-3."  # p is 0.053
    assert found.images == len(SPLITS.validation)


def test_what_is_told_apart_is_said(here):
    less = run_sweep(Crew(), ("learning_rate=1e-3,9e-3",)).sentence
    assert less.startswith(
        "Less accurate than smoke, learning_rate=1e-3: smoke, learning_rate=9e-3 (\N{MINUS SIGN}7.83 "
    )
    more = run_sweep(Crew(), ("learning_rate=9e-3,1e-3",), name="other").sentence
    assert more.startswith("More accurate than smoke, learning_rate=9e-3: smoke, learning_rate=1e-3 (+7.83 points, p =")


def test_runs_are_ordinary_ones_named_by_what_differs(here):
    crew = Crew()
    run_sweep(crew, ("learning_rate=1e-3", "model.widths=(32,);(16, 8)"), seeds=2, settings=["batch_size=50"])
    stems = ["smoke-batch_size-50-learning_rate-1e-3-model.widths-32", "smoke-batch_size-50-learning_rate-1e-3"]
    assert crew.asked[:2] == [f"{stems[0]}-seed0", f"{stems[0]}-seed1"]
    assert crew.asked[2:] == [f"{stems[1]}-model.widths-16-8-seed0", f"{stems[1]}-model.widths-16-8-seed1"]


def test_what_is_there_is_not_trained_again_and_values_and_seeds_may_be_added(here):
    run_sweep(Crew(), seeds=2)
    again, more = Crew(), Crew()
    assert run_sweep(again, seeds=2).trained == 0
    found = run_sweep(more, ("learning_rate=0.001,3e-3,5e-3",), seeds=3)  # another way to write a value is the same run
    assert (again.asked, found.trained) == ([], 5)
    assert [run.is_new for run in found.rows[0].runs] == [False, False, True]


def test_trainings_that_begin_with_trained_weights_are_known_again(here):
    again = Crew()
    for crew in (Crew(), again):
        found = sweep("finetune", ["from_rate=0,0.1"], seeds=2, data="digits", workers=crew, show=False)
    assert (again.asked, found.trained) == ([], 0)
    assert all(run.accuracy is not None for row in found.rows for run in row.runs)


def test_a_run_that_train_made_counts(here):
    recipe = plan_sweep(["smoke"], ["learning_rate=1e-3"])[0].recipe
    make_run(here / "runs/by-hand", recipe)
    crew = Crew()
    found = run_sweep(crew, ("learning_rate=1e-3",), seeds=1)
    assert crew.asked == []
    assert found.rows[0].runs[0].path == Path("runs/by-hand")


@pytest.mark.parametrize("differing", ["recipe", "data", "unfinished"])
def test_another_run_of_the_name_is_left_alone(here, differing):
    settings = ["label_smoothing=0.1"] if differing == "recipe" else []
    splits = load_data("digits", validation_fraction=0.2) if differing == "data" else SPLITS
    state = "running" if differing == "unfinished" else "finished"  # without a checkpoint, by who knows whom
    name = "smoke-learning_rate-1e-3-seed0"
    recipe = plan_sweep(["smoke"], ["learning_rate=1e-3"], settings)[0].recipe
    before = make_run(here / "runs" / name, recipe, state, splits).recipe_file.read_bytes()
    crew = Crew()
    run_sweep(crew, ("learning_rate=1e-3",), seeds=1)
    assert crew.asked == [f"{name}-2"]
    assert (here / "runs" / name / "recipe.json").read_bytes() == before


def test_a_half_made_run_of_a_killed_worker_is_made_anew(here):
    name = "smoke-learning_rate-1e-3-seed0"
    Run(here / "runs" / name).set_state("running")
    (here / f"runs/.{name}.lock").touch()
    crew = Crew()
    run_sweep(crew, ("learning_rate=1e-3",), seeds=1)
    assert crew.asked == [name]
    assert not (here / f"runs/.{name}.lock").exists()


def test_failed_trainings_are_told_and_leave_the_pairs(here):
    found = run_sweep(Crew(["smoke-learning_rate-3e-3-seed1"]))
    (row, run), *others = found.failed
    assert (row.label, run.seed, run.reason, others) == ("smoke, learning_rate=3e-3", 1, "loss became nan", [])
    assert found.rows[1].accuracy.value == pytest.approx(0.87 - 0.005)
    assert found.rows[1].difference.value == pytest.approx(-0.02 - 0.0025)
    with (found.path / "sweep.csv").open(newline="") as file:
        second = list(csv.DictReader(file))[1]
    assert (second["seeds"], second["failed"], second["learning_rate"]) == ("2", "1", "3e-3")
    assert float(second["difference"]) == pytest.approx(-0.0225)


def test_where_the_first_row_failed_nothing_is_compared(here):
    found = run_sweep(Crew([f"smoke-learning_rate-1e-3-seed{seed}" for seed in range(3)]))
    assert found.rows[1].difference.value is None
    assert found.rows[1].p_value is None
    assert found.sentence.startswith("Nothing can be told apart")
    assert (found.path / "accuracy.png").is_file()


def test_the_folder_holds_all_that_was_found(here):
    found = run_sweep(Crew(), settings=["batch_size=50"])
    assert found.path == Path("sweeps/smoke-learning_rate")
    assert {path.name for path in found.path.iterdir()} == {"sweep.json", "sweep.csv", "accuracy.png"}
    stored = json.loads((found.path / "sweep.json").read_text("utf-8"))
    assert stored["about"]["settings"] == ["batch_size=50"]
    assert stored["rows"][0]["runs"][2]["accuracy"] == pytest.approx(0.89 - 0.005)
    with pytest.raises(CifarlabError, match="is another sweep"):
        run_sweep(Crew(), ("batch_size=10,20",), name="smoke-learning_rate")


@pytest.mark.parametrize(
    ("recipes", "over", "settings", "said"),
    [
        ([], [], [], "nothing to sweep"),
        (["smoke"], ["learning_rat=1"], [], "did you mean learning_rate"),
        (["smoke"], ["learning_rate"], [], "--over takes key=values"),
        (["smoke"], ["learning_rate=1e-4..1e-2"], [], "--over takes key=values"),
        (["smoke"], ["learning_rate="], [], "nothing to choose from"),
        (["smoke"], ["learning_rate=-1"], [], "learning_rate"),
        (["smoke"], ["model.depth=3"], [], "model.depth"),
        (["smoke"], ["learning_rate=1e-3,0.001"], [], "a value twice"),
        (["smoke"], ["epochs=1", "epochs=2"], [], "swept twice"),
        (["smoke"], ["epochs=1,2"], ["epochs=3"], "swept and set"),
        (["smoke"], ["seed=1,2"], [], "--seeds"),
        (["smoke"], ["fold=0,1"], [], "the same validation images"),
        (["smoke", "mlp1"], [], [], "give --data for all"),
        (["smoke", "smoke"], [], [], "are the same training"),
        (["smoke"], [], ["validation_fraction=0"], "holds no images out"),
        (["finetune"], [], ["start_from="], "name them too, such as start_from=builtin"),
        (["finetune"], ["start_from=builtin,runs/none"], [], "no run at runs/none"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_trained(here, recipes, over, settings, said):
    with pytest.raises(CifarlabError, match=said):
        sweep(recipes, over, settings=settings, workers=Crew(), show=False)
    assert list(here.iterdir()) == []


def test_one_seed_or_equal_differences_have_no_interval():
    assert paired([0.1])[1] is None
    assert paired([0.1, 0.1])[0].low is None
    assert paired([])[0].value is None
