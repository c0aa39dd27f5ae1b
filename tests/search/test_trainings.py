"""Several trainings of one command: which runs they are, and what is said of those that fail. No training but one."""

import dataclasses

import pytest

from cifarlab.cli import main as cli
from cifarlab.datasets import load_data
from cifarlab.recipes import load_recipe, to_dict
from cifarlab.runs import Run
from cifarlab.search import train_many
from cifarlab.search.tasks import DONE, FAILED, Answer
from cifarlab.search.workers import LocalWorkers
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.training.plan import Training, plan_trainings
from cifarlab.training.preparation import describe_splits
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError


def make_run(folder, recipe, state="finished"):
    """What is read of a run's folder."""
    run = Run(folder)
    run.set_state(state)
    files.write_json(run.recipe_file, to_dict(recipe))
    files.write_json(run.data_file, describe_splits(load_data(recipe.data, **recipe.held_out)))
    files.write_json(run.environment_file, {})
    files.write_text(run.command_file, "cifarlab train\n")
    run.write_history([{"epoch": 1, "validation_accuracy": 0.5, "validation_loss": 1.0, "epoch_seconds": 1.0}])
    return run


class Crew:
    """Trains nothing, and remembers what it was asked for."""

    def __init__(self, failing=()):
        self.tasks, self.failing = [], failing

    @property
    def asked(self):
        return [task.folder.name for task in self.tasks]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, tasks, tick=lambda: None):
        self.tasks += tasks
        for task in tasks:
            task.lock_file.parent.mkdir(parents=True, exist_ok=True)
            task.lock_file.touch()
            if task.folder.name not in self.failing:
                make_run(task.folder, task.recipe)
        return {
            task: Answer(FAILED, "it broke") if task.folder.name in self.failing else Answer(DONE) for task in tasks
        }


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(crew, recipes=("smoke",), settings=(), *, name=None, **more):
    return train_many(plan_trainings(list(recipes), settings, name=name, **more), crew, name=name, show=False)


def test_runs_have_the_names_that_one_after_the_other_would_have(here):
    crew = Crew()
    train(crew, seeds=2)
    train(crew, folds=5)
    assert crew.asked == ["smoke-seed0", "smoke-seed1", *(f"smoke-fold{fold}-seed0" for fold in range(5))]
    assert [task.recipe.fold for task in crew.tasks[2:]] == list(range(5))


def test_what_is_there_is_not_trained_again_and_locks_are_taken_away(here):
    train(Crew(), seeds=2)
    assert not list(here.glob("runs/.*.lock"))
    crew = Crew()
    found = train(crew, seeds=3)
    assert crew.asked == ["smoke-seed2"]
    assert [each.is_new for each in found] == [False, False, True]


def test_the_same_recipe_twice_is_two_runs(here):
    crew = Crew()
    train(crew, ["smoke", "smoke"])
    assert crew.asked == ["smoke-seed0", "smoke-seed0-2"]
    again = Crew()
    assert [each.run.name for each in train(again, ["smoke", "smoke"])] == crew.asked
    assert again.asked == []


def test_a_name_is_kept_whatever_other_runs_there_are(here):
    train(Crew(), seeds=1)
    crew = Crew()
    train(crew, seeds=2, name="mine")
    train(crew, folds=2, name="mine")
    assert crew.asked == ["mine", "mine-2", "mine-1", "mine-2-2"]
    train(crew, folds=2, name="mine")
    assert [each.run.name for each in train(crew, seeds=2, name="mine")] == ["mine", "mine-2"]
    assert len(crew.asked) == 4


def test_folds_of_one_name_are_numbered_from_one_and_those_of_an_earlier_version_are_taken(here):
    crew = Crew()
    train(crew, folds=3, name="own")
    assert crew.asked == ["own-1", "own-2", "own-3"]
    (here / "runs/own-1").rename(here / "runs/own")  # as an earlier version called it
    again = train(Crew(), folds=3, name="own")
    assert [(each.run.name, each.is_new) for each in again] == [("own", False), ("own-2", False), ("own-3", False)]


def test_what_another_command_trains_is_left_to_it(here, monkeypatch):
    run = make_run(here / "runs/smoke-seed0", load_recipe("smoke"), "running")
    run.checkpoint_file.touch()
    crew = Crew()
    monkeypatch.setattr(Run, "is_being_trained", lambda self: True)
    train(crew)
    assert crew.asked == ["smoke-seed0-2"]
    monkeypatch.setattr(Run, "is_being_trained", lambda self: False)
    train(crew, seeds=1, name="smoke-seed0")
    assert crew.asked == ["smoke-seed0-2"]  # which is finished now, and taken


def test_one_that_fails_keeps_no_other_from_being_done(here):
    found = train(Crew(["smoke-seed1"]), seeds=3)
    assert [each.reason for each in found] == ["", "it broke", ""]


def test_files_that_a_setting_names_go_along_and_are_examined_once(here, monkeypatch):
    (here / "own.py").write_text("def build(input_shape, num_classes): ...\n")
    examined, crew = [], Crew()
    monkeypatch.setattr("cifarlab.search.trainings.prepare", lambda recipe, *_: examined.append(recipe.model))
    train(crew, settings=["model=own.py"], seeds=2)
    assert examined == ["own.py"]
    assert [task.code for task in crew.tasks] == [(str(here / "own.py"),)] * 2


def test_a_model_that_cannot_be_trained_is_refused_before_any_training(here):
    (here / "own.py").write_text("def build(input_shape, num_classes): ...\n")
    crew = Crew()
    with pytest.raises(CifarlabError, match=r"own\.py"):
        train(crew, settings=["model=own.py"])
    assert crew.asked == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("smoke --threads 2", "give --jobs N too"),
        ("smoke --address auto", "need --engine ray"),
        ("smoke --engine rai", "did you mean ray"),
        ("--resume runs/a --jobs 2", "or worker beside it"),
        ("smoke --jobs 0", "--jobs"),
        ("smoke --jobs 2 --devices 2", "one training at a time"),
        ("--from builtin --data digits --jobs 2", "--from without a recipe is for one training at a time"),
    ],
)
def test_wrong_words_are_one_line(here, words, said, capsys):
    assert cli.main(["train", *words.split()]) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_the_command_says_what_failed_and_lists_the_others(here, monkeypatch, capsys):
    monkeypatch.setattr("cifarlab.search.make_workers", lambda *_, **__: Crew(["smoke-seed1"]))
    assert cli.main(["train", "smoke", "--seeds", "3", "--jobs", "2"]) == 2
    printed = capsys.readouterr()
    assert "cifarlab: runs/smoke-seed1 failed: it broke\n" in printed.err
    assert printed.out.splitlines()[-2:] == ["runs/smoke-seed0", "runs/smoke-seed2"]


def test_weights_to_begin_with_may_be_named_in_either_way(here, monkeypatch):
    crew = Crew()
    monkeypatch.setattr("cifarlab.search.make_workers", lambda *_, **__: crew)
    words = ["train", "finetune", "--data", "digits", "--jobs", "2"]
    assert cli.main([*words, "--from", "builtin"]) == 0
    assert [task.recipe.start_from for task in crew.tasks] == ["builtin"]
    assert cli.main([*words, "--set", "start_from=builtin"]) == 0
    assert crew.asked == ["finetune-seed0"]  # the same training


def test_networks_of_other_weights_are_each_examined(here, monkeypatch):
    examined, smoke = [], load_recipe("smoke")
    monkeypatch.setattr("cifarlab.search.trainings.prepare", lambda recipe, *_: examined.append(recipe.model))
    plans = [Training("smoke"), Training("smoke", start_from="runs/a"), Training("smoke", start_from="runs/b")]
    recipes = {None: "own.py", "runs/a": "a.py", "runs/b": "b.py"}
    monkeypatch.setattr(
        "cifarlab.search.trainings.resolve",
        lambda each: dataclasses.replace(smoke, model=recipes[each.start_from]),
    )
    train_many([*plans, *plans], Crew(), show=False)
    assert examined == ["own.py", "a.py", "b.py"]


def test_interrupted_it_says_how_to_go_on(here, monkeypatch, capsys):
    class Stopped(Crew):
        def run(self, tasks, tick=lambda: None):
            raise KeyboardInterrupt

    monkeypatch.setattr("cifarlab.search.make_workers", lambda *_, **__: Stopped())
    assert cli.main(["train", "smoke", "--jobs", "2"]) == 130
    assert "nothing is lost, give the same command again to go on" in capsys.readouterr().err


@pytest.mark.thorough
def test_two_processes_train_what_one_does_bit_for_bit(here):
    trainings = plan_trainings(["smoke"], ["epochs=1"], seeds=2)
    found = {jobs: train_many(trainings, LocalWorkers(jobs), runs_dir=here / str(jobs), show=False) for jobs in (1, 2)}
    for one, two in zip(found[1], found[2], strict=True):
        assert one.reason == two.reason == ""
        assert dataclasses.asdict(one.run.recipe) == dataclasses.asdict(two.run.recipe)
        ours, others = (load_checkpoint(each.run) for each in (one, two))
        assert all((a == b).all() for a, b in zip(ours.values, others.values, strict=True))
