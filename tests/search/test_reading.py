"""A study is read back as it was searched, and other people's files do no harm."""

import json
import shutil
import subprocess
import sys

import pytest

from cifarlab.runs import Run
from cifarlab.search.importance import first_rung, importances, parameter_values
from cifarlab.search.reading import is_held, read_study, trial_runs
from cifarlab.search.rounds import plan_rounds
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def study(made_up_study, tmp_path):
    return made_up_study.make_study(tmp_path)


def test_a_finished_study(study, made_up_study):
    record = read_study(study.path)
    assert [trial.number for trial in record.trials] == list(range(10))
    sizes = [counts[0] for counts, _ in plan_rounds(made_up_study.RULES)]
    assert [trial.round for trial in record.trials] == [place for place, size in enumerate(sizes) for _ in range(size)]
    failed = [trial for trial in record.trials if trial.state == "failed"]
    assert [trial.number for trial in failed] == [1, 6]
    assert {trial.reason for trial in failed} == {made_up_study.BROKEN}
    assert not any(trial.scores for trial in failed)
    best = record.leaders[0]
    assert record.curves[best.number] == pytest.approx([best.scores[3] - 0.2, best.scores[3] - 0.05, best.scores[3]])
    assert best.scores == {1: record.curves[best.number][0], 3: record.curves[best.number][2]}
    assert record.verdict is not None
    assert record.verdict.candidates[0].trial == best.number
    assert (record.is_done, record.is_running) == (True, False)
    assert record.count("complete") + record.count("pruned") + record.count("failed") == 10


def test_trials_that_are_not_judged_yet_are_running(study):
    study.trials_file.unlink()
    study.verdict_file.unlink()
    study.best_file.unlink()
    record = read_study(study.path)
    assert {trial.state for trial in record.trials} == {"running", "failed"}
    assert [trial.reason != "" for trial in record.trials if trial.number in (1, 2)] == [True, False]
    assert all(1 in trial.scores for trial in record.trials if trial.state == "running")
    assert not record.is_done


def test_a_study_that_nobody_has_begun_to_train(study):
    shutil.rmtree(study.path / "trials")
    study.trials_file.unlink()
    record = read_study(study.path)
    assert (record.trials, record.curves, importances(record), first_rung(record)) == ((), {}, {}, 0)


def test_the_learning_rate_alone_decided(study):
    record = read_study(study.path)
    assert first_rung(record) == 1
    found = importances(record)
    assert next(iter(found)) == "learning_rate"
    assert sum(found.values()) == pytest.approx(1)
    rate, optimizer = parameter_values(record, record.trials)
    assert (rate.name, rate.is_log, rate.limits) == ("learning_rate", True, (1e-4, 1e-1))
    assert rate.values[0] == record.recipe.learning_rate
    assert rate.values[2] == float(record.trials[2].settings["learning_rate"])
    assert optimizer.choices == ("adam", "sgd")
    assert set(optimizer.values) <= {"adam", "sgd"}


def test_who_holds_the_lock_is_seen_from_another_process(study):
    program = "import sys; from cifarlab.search.reading import *; print(is_held(open_study(sys.argv[1])))"
    with study.writing() as writes:
        assert writes
        said = subprocess.run([sys.executable, "-c", program, study.path], capture_output=True, text=True, check=True)
        assert said.stdout == "True\n"
    assert not is_held(study)
    with study.writing() as writes:
        assert writes


def test_a_lock_that_is_a_link_is_not_followed(study, tmp_path):
    (tmp_path / "precious").write_text("kept")
    (study.path / ".lock").unlink(missing_ok=True)
    (study.path / ".lock").symlink_to(tmp_path / "precious")
    assert not is_held(study)
    assert (tmp_path / "precious").read_text() == "kept"


def test_the_runs_of_a_trial(study):
    record = read_study(study.path)
    assert trial_runs(record, 2) == [Run(study.path / "trials" / "0002-seed0")]
    assert trial_runs(record, 1) == []


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda study: study.about_file.write_text("[]"), "study.json"),
        (lambda study: change(study.about_file, rules={"trials": "many"}), "trials"),
        (lambda study: change(study.about_file, rules={"trials": 10**9}), "above 0"),
        (lambda study: change(study.about_file, rules={"pruner": "evil.py"}), "evil"),
        (lambda study: change(study.about_file, space={"x": [1]}), "x is"),
        (lambda study: change(study.about_file, space={"x": "3..1"}), "empty"),
        (lambda study: change(study.about_file, recipe={"model": "mlp", "colour": 3}), "colour"),
        (lambda study: study.trials_file.write_text("number,state\n0,great\n"), "trials.csv"),
        (lambda study: study.trials_file.write_text("number,round,state,epochs,score\n0,0,pruned,1,nan\n"), "nan"),
        (lambda study: study.trials_file.write_bytes(b"\xff\xfe"), "trials.csv"),
        (lambda study: change(study.trial_file(3), settings=[]), "0003.json"),
        (lambda study: change(study.trial_file(3), failed={"epochs": []}), "0003.json"),
        (lambda study: study.verdict_file.write_text("{}"), "verdict.json"),
        (lambda study: study.trial_run(3, 0).history_file.write_text("epoch\n1\n"), "history.csv"),
        (lambda study: study.trial_run(3, 0).history_file.write_text("validation_accuracy\ninf\n"), "no accuracy"),
    ],
)
def test_a_damaged_study_is_one_line(study, damage, said):
    damage(study)
    with pytest.raises(CifarlabError, match=said) as raised:
        read_study(study.path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["trials.csv", "verdict.json", "trials/0003.json", "trials/0003-seed0", "trials"])
def test_no_link_leads_out_of_the_folder(study, tmp_path, name):
    inside = study.path / name
    shutil.move(inside, tmp_path / "elsewhere")
    inside.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CifarlabError, match="leads out"):
        read_study(study.path)


def test_a_settings_file_is_never_executed(study, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nRECIPE = 3\n")
    change(study.trial_file(3), settings={"model": str(evil)})
    about = json.loads(study.about_file.read_text())
    change(study.about_file, recipe={**about["recipe"], "model": str(evil)}, space={"function": str(evil)})
    assert read_study(study.path).space == {}
    assert not (tmp_path / "ran").exists()
