"""Whole studies without a training: what decides them, and what an accident leaves."""

import contextlib
import dataclasses
import json
import re
import runpy
import shutil

import pytest

from cifarlab.recipes import load_recipe
from cifarlab.search import Rules, make_space, open_study, tune
from cifarlab.search.writing import Writer
from cifarlab.utils.errors import CifarlabError

RULES = Rules(trials=12, epochs=9, pruner="halving", confirm_seeds=2)
SPACE = ["learning_rate=1e-4..1e-1:log"], ["schedule=cosine,linear"]


@pytest.fixture
def search(recipe, tmp_path):
    """Searches in a folder of its own for each test, without display."""

    def search(workers, rules=RULES, space=None, **options):
        space = space or make_space(recipe, *SPACE, only=True)
        folder = options.pop("studies_dir", tmp_path)
        return tune(recipe, space, rules, studies_dir=folder, workers=workers, show=False, name="study", **options)

    return search


def content(study):
    """All that a study says, but for times: its table, what it found, what it says of it, and Optuna's journal."""
    files = study.trials_file, study.best_file, study.verdict_file
    settings = [path.read_text() for path in sorted(study.path.glob("trials/*.json"))]
    texts = [file.read_text() for file in files] + settings
    return [re.sub("train .*best.py", "train best.py", text) for text in texts]


@pytest.fixture(scope="module")
def undisturbed(recipe, fake_workers, tmp_path_factory):
    workers = fake_workers()
    space = make_space(recipe, *SPACE, only=True)
    folder = tmp_path_factory.mktemp("studies")
    return tune(recipe, space, RULES, studies_dir=folder, workers=workers, show=False, name="study"), workers


def test_a_study_leaves_what_it_found(undisturbed):
    tuned, workers = undisturbed
    assert [trial.number for trial in tuned.trials] == list(range(12))
    assert {trial.state for trial in tuned.trials} == {"complete", "pruned"}
    assert 2e-3 < float(tuned.best.settings["learning_rate"]) < 1.3e-2  # the best that there is: 5e-3
    found = runpy.run_path(str(tuned.study.best_file))["RECIPE"]
    assert found == load_recipe(str(tuned.study.best_file))
    assert found.learning_rate == float(tuned.best.settings["learning_rate"])
    assert found.confirmation_fraction == 0.0
    assert tuned.verdict.sentence.split()[:3] == ["The", "recipe", "found"]
    assert json.loads(tuned.study.verdict_file.read_text())["sentence"] == tuned.verdict.sentence
    assert all(workers.trained.count(each) == 1 for each in workers.trained)


@pytest.mark.parametrize("order", [reversed, lambda tasks: sorted(tasks, key=lambda task: task.folder.name[::-1])])
def test_the_order_of_the_work_decides_nothing(search, undisturbed, fake_workers, order):
    """As with more processes, of which any may be the faster one."""
    assert content(search(fake_workers(order=order)).study) == content(undisturbed[0].study)


def test_killed_at_any_time_and_begun_again_it_is_the_same_study(search, undisturbed, fake_workers, tmp_path):
    tuned, workers = undisturbed
    for kills in range(0, len(workers.trained), 3):
        folder = tmp_path / str(kills)
        with pytest.raises(KeyboardInterrupt):
            search(fake_workers(kills=kills), studies_dir=folder)
        again = fake_workers()
        assert content(search(again, studies_dir=folder).study) == content(tuned.study), f"killed at {kills}"
        assert again.trained == workers.trained[kills:]  # nothing twice


def test_a_finished_study_answers_at_once(search, undisturbed, fake_workers, tmp_path):
    shutil.copytree(undisturbed[0].study.path, tmp_path / "study")
    workers = fake_workers()
    again = search(workers)
    assert workers.trained == []
    assert again.trials == undisturbed[0].trials
    assert content(again.study) == content(undisturbed[0].study)


def test_more_trials_go_on_and_are_those_of_a_study_that_had_them_from_the_start(search, fake_workers, tmp_path):
    """Five trials are one small round; with eighteen, trials that it pruned go on, though their weights are gone."""
    few, many = dataclasses.replace(RULES, trials=5), dataclasses.replace(RULES, trials=18)
    search(fake_workers(), few)
    grown = search(fake_workers(), many)
    whole = search(fake_workers(), many, studies_dir=tmp_path / "whole")
    assert content(grown.study) == content(whole.study)
    assert open_study(grown.study.path).rules.trials == 18
    journals = [read_journal(each.study) for each in (grown, whole)]
    assert journals[0] == journals[1]
    assert len(journals[0]) == 18


def read_journal(study):
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(study.journal_file)))
    trials = optuna.load_study(study_name=study.name, storage=storage).trials
    return [(trial.state, trial.value, trial.params, trial.intermediate_values) for trial in trials]


def test_a_verdict_about_fewer_trials_does_not_stay(search, fake_workers):
    tuned = search(fake_workers(), dataclasses.replace(RULES, trials=9))
    assert tuned.study.verdict_file.is_file()
    workers = fake_workers(kills=9 + 3 + 1)  # a round later, when the confirmation begins
    with pytest.raises(KeyboardInterrupt):
        search(workers, dataclasses.replace(RULES, trials=18))
    assert not tuned.study.verdict_file.is_file()


def test_what_is_written_does_not_shrink_while_a_study_goes_on(search, fake_workers, undisturbed, tmp_path):
    shutil.copytree(undisturbed[0].study.path, tmp_path / "study")
    shutil.rmtree(tmp_path / "study" / "trials" / "0010-seed0")
    before = undisturbed[0].study.trials_file.read_text()
    with pytest.raises(KeyboardInterrupt):
        search(fake_workers(kills=0))  # the first round has been judged again
    assert (tmp_path / "study" / "trials.csv").read_text() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"space": (["learning_rate=1e-4..1e-2:log"], [])}, "learning_rate '0.0001..0.1:log' there"),
        ({"rules": Rules(trials=12, epochs=8, pruner="halving")}, "epochs 9 there, 8 here"),
        ({"rules": Rules(trials=12, epochs=9, pruner="halving", seed=1)}, "seed 0 there, 1 here"),
        ({"fixed": ["batch_size=50"]}, "batch_size 100 there, 50 here"),
        ({"confirm": 0.2}, "confirmation_fraction 0.1 there, 0.2 here"),
    ],
)
def test_another_study_of_that_name_is_refused_in_one_line(
    search, recipe, fake_workers, undisturbed, tmp_path, options, words
):
    shutil.copytree(undisturbed[0].study.path, tmp_path / "study")
    before = content(undisturbed[0].study)
    if "space" in options:
        options = {"space": make_space(recipe, *options["space"], only=True)}
    workers = fake_workers()
    with pytest.raises(CifarlabError, match=words) as caught:
        search(workers, **options)
    assert "give another --name" in str(caught.value)
    assert workers.trained == []
    assert content(open_study(tmp_path / "study")) == before


def test_a_folder_that_is_no_study_is_left_alone(search, fake_workers, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.txt").write_text("years of work")
    with pytest.raises(CifarlabError, match="is not a study, and not empty"):
        search(fake_workers())
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["thesis.txt"]


def test_when_its_time_is_up_no_further_round_begins(search, fake_workers, undisturbed):
    seconds = iter([0.0, 61.0])
    tuned = search(fake_workers(), max_minutes=1, clock=lambda: next(seconds))
    assert [trial.number for trial in tuned.trials] == list(range(9))
    assert tuned.verdict is not None
    later = search(fake_workers())
    assert content(later.study) == content(undisturbed[0].study)


def test_the_weights_of_the_best_alone_are_kept(search, fake_workers):
    tuned = search(fake_workers(), keep=2)
    best = sorted((t for t in tuned.trials if t.state == "complete"), key=lambda t: (-t.score, t.number))[:2]
    with_model = {path.parent.name for path in tuned.study.path.glob("trials/*/model.keras")}
    assert with_model == {f"{trial.number:04d}-seed0" for trial in best}
    assert len(list(tuned.study.path.glob("trials/*/history.csv"))) == 12
    assert list(tuned.study.path.glob("confirmation/*/checkpoint.npz")) == []


def test_a_failed_trial_has_its_reason_and_is_not_tried_again(search, fake_workers):
    def failing(recipe):
        return "loss became nan" if recipe.learning_rate > 0.02 else ""

    first = fake_workers(failing=failing)
    tuned = search(first)
    failed = [trial for trial in tuned.trials if trial.state == "failed"]
    assert failed
    assert {trial.reason for trial in failed} == {"loss became nan"}
    again = fake_workers(failing=failing)
    assert search(again).trials == tuned.trials
    assert again.trained == []


def test_several_seeds_a_trial_are_its_mean(search, fake_workers):
    tuned = search(fake_workers(), dataclasses.replace(RULES, trials=2, seeds_per_trial=3))
    for trial in tuned.trials:
        runs = [tuned.study.trial_run(trial.number, seed) for seed in range(3)]
        best = [max(row["validation_accuracy"] for row in run.history()) for run in runs]
        assert trial.score == pytest.approx(sum(best) / 3, abs=1e-12)


def test_without_confirmation_nothing_is_said_of_the_recipe(search, fake_workers):
    tuned = search(fake_workers(), confirm=0.0)
    assert tuned.verdict is None
    assert "its score flatters itself" in tuned.study.best_file.read_text()
    assert not (tuned.study.path / "confirmation").exists()


def test_a_study_does_not_shrink(search, fake_workers):
    """Its tables would be of fewer trials than its folder holds, and say so to nobody."""
    tuned = search(fake_workers())
    before = content(tuned.study)
    workers = fake_workers()
    for key in ("trials", "confirm_seeds"):
        fewer = dataclasses.replace(RULES, **{key: getattr(RULES, key) - 1})
        option = key.replace("_", "-")
        with pytest.raises(CifarlabError, match=f"has --{option} {getattr(RULES, key)} and does not shrink"):
            search(workers, fewer)
    assert workers.trained == []
    assert content(tuned.study) == before
    assert open_study(tuned.study.path).rules == RULES


def test_while_another_command_searches_a_study_it_does_not_grow(search, fake_workers):
    tuned = search(fake_workers())
    more = dataclasses.replace(RULES, trials=18)
    with tuned.study.writing() as is_mine:
        assert is_mine()
        with pytest.raises(
            CifarlabError, match=r"another command searches .* with --trials 12: give the same, or wait"
        ):
            search(fake_workers(), more)
        assert search(fake_workers()).trials == tuned.trials  # shared
    assert open_study(tuned.study.path).rules == RULES
    assert len(search(fake_workers(), more).trials) == 18


def test_a_command_that_outlives_a_larger_one_writes_nothing(search, fake_workers):
    """It came second, trained along, and became the one that writes when the study had grown."""
    tuned = search(fake_workers())
    grown = search(fake_workers(), dataclasses.replace(RULES, trials=18))
    before = content(grown.study)
    writer = Writer(tuned.study, RULES, lambda: True, None, 5)
    writer.write_round(tuned.trials)
    writer.write_result(tuned.trials, "mlp", tuned.best, tuned.verdict)
    assert content(grown.study) == before


def test_a_lock_left_alone_by_a_kill_is_no_study_of_somebody_elses(search, fake_workers, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / ".lock").touch()
    assert len(search(fake_workers()).trials) == 12


def test_a_study_of_an_earlier_version_goes_on(search, fake_workers):
    """What can be chosen now had its default then, and is not in the file."""
    tuned = search(fake_workers())
    about = json.loads(tuned.study.about_file.read_text())
    del about["rules"]["asynchronous"]
    tuned.study.about_file.write_text(json.dumps(about))
    workers = fake_workers()
    assert search(workers).trials == tuned.trials
    assert workers.trained == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"rules": []}, "rules should be an object"),
        ({"rules": {"trials": "many"}}, "damaged|another study"),
        ({"recipe": 3}, "recipe should be an object"),
        ({"space": None}, "space should be an object"),
    ],
)
def test_a_damaged_study_says_what_to_do(search, fake_workers, damage, said):
    tuned = search(fake_workers())
    about = json.loads(tuned.study.about_file.read_text())
    tuned.study.about_file.write_text(json.dumps({**about, **damage}))
    with pytest.raises(CifarlabError, match=said) as caught:
        search(fake_workers())
    assert "give another --name" in str(caught.value) or "another study with another --name" in str(caught.value)
    assert "train it again" not in str(caught.value)
    tuned.study.about_file.write_text("{")
    with pytest.raises(CifarlabError, match=r"expected a JSON file .*; put it back"):
        search(fake_workers())


def test_of_two_processes_one_writes_and_the_other_takes_over(search, fake_workers, undisturbed):
    """A process that came second writes the study's files when the first has gone."""
    study = undisturbed[0].study
    with contextlib.ExitStack() as gone:
        first = gone.enter_context(study.writing())
        with study.writing() as second:
            assert first()
            assert not second()
            gone.close()
            assert second()


def test_a_model_of_the_users_own_is_named_to_the_processes(recipe, fake_workers, tmp_path):
    own = tmp_path / "own.py"
    own.write_text("def build(input_shape, num_classes, widths=(8,)):\n    pass\n")
    seen = []
    workers = fake_workers(order=lambda tasks: seen.extend(tasks) or tasks)
    space = make_space(recipe, *SPACE, only=True)
    fixed = [f"model={own}"]
    tuned = tune(recipe, space, RULES, fixed=fixed, studies_dir=tmp_path, workers=workers, show=False, name="study")
    assert {task.code for task in seen} == {(str(own),)}
    assert load_recipe(str(tuned.study.best_file)).model == str(own)
