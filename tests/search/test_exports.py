"""A study as others read it: Optuna, its dashboard, a spreadsheet, `cifarlab train`."""

import csv
import dataclasses
import json

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from cifarlab.recipes import Recipe, load_recipe
from cifarlab.search.exports import count_trials, open_storage, write_best, write_journal, write_trials
from cifarlab.search.rounds import Trial
from cifarlab.search.study import Study
from cifarlab.utils.errors import CifarlabError

DRAWN = {"learning_rate": FloatDistribution(1e-4, 1e-1, log=True), "schedule": CategoricalDistribution(("a", "b"))}


def trial(number, scores, state, reason=""):
    rate = [0.1, 0.01, 0.001, 0.0001, 0.05][number]
    parameters = {"learning_rate": rate, "schedule": "a"}
    settings = {"learning_rate": str(rate), "schedule": "a"}
    return Trial(number, settings, parameters, 0, DRAWN, scores, state, reason)


TRIALS = [
    Trial(0, {}, {}, 0, {}, {1: 0.3}, "pruned"),  # as shipped, which the space does not hold
    trial(1, {1: 0.5, 3: 0.625}, "complete"),
    trial(2, {}, "failed", "loss became nan at step 7 (epoch 1): no epoch was finished; try a lower learning_rate"),
    trial(3, {1: 0.4}, "pruned"),
]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "wide").mkdir()
    return Study(tmp_path / "wide")


def read(study):
    storage = JournalStorage(JournalFileBackend(str(study.journal_file)))
    return optuna.load_study(study_name="wide", storage=storage)


def test_optuna_reads_the_journal(study):
    write_journal(study, TRIALS[:2])
    write_journal(study, TRIALS)
    write_journal(study, TRIALS)
    found = read(study)
    states = [TrialState.PRUNED, TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED]
    assert [each.state for each in found.trials] == states
    assert found.best_value == 0.625
    assert found.best_params == {"learning_rate": 0.01, "schedule": "a"}
    assert found.trials[1].intermediate_values == {1: 0.5, 3: 0.625}
    assert found.trials[1].distributions == DRAWN
    assert found.trials[2].user_attrs["reason"].startswith("loss became nan")
    assert found.trials[0].params == {}
    assert found.direction == optuna.study.StudyDirection.MAXIMIZE


def test_trials_that_were_judged_again_are_written_anew(study):
    write_journal(study, TRIALS)
    grown = [*TRIALS[:3], trial(3, {1: 0.4, 3: 0.7}, "complete"), trial(4, {1: 0.1}, "pruned")]
    write_journal(study, grown)
    found = read(study)
    assert len(found.trials) == 5
    assert (found.trials[3].state, found.best_value) == (TrialState.COMPLETE, 0.7)


@pytest.mark.parametrize("lost", [1, 20, 200])
def test_half_a_line_at_the_end_is_dropped(study, lost):
    write_journal(study, TRIALS)
    whole = study.journal_file.read_bytes()
    study.journal_file.write_bytes(whole[:-lost])
    write_journal(study, TRIALS)
    assert [each.intermediate_values for each in read(study).trials] == [each.scores for each in TRIALS]


def test_a_journal_that_is_none_is_one_line(study):
    study.journal_file.write_text("dear diary\n")
    with pytest.raises(CifarlabError, match="remove it, it is written again from the trials"):
        write_journal(study, TRIALS)


def test_a_database_instead(study, tmp_path):
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    write_journal(study, TRIALS[:2], storage)
    write_journal(study, TRIALS, storage)
    assert len(optuna.load_study(study_name="wide", storage=storage).trials) == 4
    assert not study.journal_file.exists()


def test_optunas_dashboard_shows_it(study):
    dashboard = pytest.importorskip("optuna_dashboard")
    write_journal(study, TRIALS)
    app = dashboard.wsgi(JournalStorage(JournalFileBackend(str(study.journal_file))))
    answered = {}
    environment = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/studies",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    body = b"".join(app(environment, lambda status, headers, *_: answered.update(status=status)))
    assert answered["status"].startswith("200")
    (summary,) = json.loads(body)["study_summaries"]
    assert summary["study_name"] == "wide"


def test_the_table(study):
    assert count_trials(study) == 0
    write_trials(study, TRIALS)
    with study.trials_file.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["number", "round", "state", "epochs", "score", "learning_rate", "schedule", "reason"]
    assert [row["score"] for row in rows] == ["0.3", "0.625", "", "0.4"]
    assert rows[2]["reason"] == TRIALS[2].reason
    assert count_trials(study) == 4


def test_the_recipe_found_is_one_that_can_be_loaded(study):
    recipe = Recipe(model="mlp", model_args={"widths": (64, 32)}, data="digits", learning_rate=2e-3, epochs=9)
    path = write_best(study, recipe, None, TRIALS[1], 'a "quoted" \\ name')
    assert load_recipe(str(path)) == recipe
    text = path.read_text()
    assert text.startswith('"""')
    assert f"cifarlab train {path.as_posix()}" in text


def test_a_database_that_holds_somebody_elses_study_is_left_alone(study, tmp_path):
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    open_storage(study, storage)
    write_trials(study, TRIALS)
    write_journal(study, TRIALS, storage)
    open_storage(study, storage)  # it goes on
    other = dataclasses.replace(study, path=tmp_path / "elsewhere" / study.name)
    others = [dataclasses.replace(each, settings={"learning_rate": "0.5"}) for each in TRIALS]
    for write in (open_storage, lambda mine, there: write_journal(mine, others, there)):
        with pytest.raises(CifarlabError, match="holds another study of the name wide: give --name, or another"):
            write(other, storage)
    assert len(optuna.load_study(study_name="wide", storage=storage).trials) == 4


def test_another_programs_study_of_that_name_is_left_alone(study, tmp_path):
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    optuna.create_study(storage=storage, study_name="wide").optimize(lambda trial: 0.0, n_trials=1)
    with pytest.raises(CifarlabError, match="holds another study of the name wide"):
        open_storage(study, storage)


@pytest.mark.parametrize("storage", ["optuna.db", "sqlite:////no/such/folder/x.db"])
def test_a_database_that_cannot_be_opened_is_one_line(study, storage):
    with pytest.raises(CifarlabError, match="cannot open the database"):
        open_storage(study, storage)
