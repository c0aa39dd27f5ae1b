"""Trainings are started once, stopped as by an interrupt, and can neither run other code nor read other files."""

import threading
from pathlib import Path

import pytest

from cifarlab.runs import Run
from cifarlab.utils.errors import CifarlabError
from cifarlab.web import jobs as jobs_module
from cifarlab.web.job_rules import plain_lines, resolve
from cifarlab.web.jobs import Jobs
from cifarlab.web.settings import Settings

DATA = {"digits": "digits"}
SCRIPT = Path(__file__).with_name("made_up_training.py")
PROGRAM = f"import runpy, sys; sys.argv[0] = 'cifarlab'; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "_PROGRAM", PROGRAM)
    made = Jobs(Settings(runs_dir=tmp_path / "runs", data="digits"))
    yield made
    for job in made.all():
        job.process.kill()
        job.process.wait()


@pytest.fixture
def pace(fakes, monkeypatch):
    """Each process does one piece of work, and stands still until the test says more."""
    made = fakes.Pace()
    monkeypatch.setenv(made.VARIABLE, made.port)
    yield made
    made.close()


def test_a_training_runs_to_its_end(jobs, tmp_path):
    job = jobs.start("first", "smoke", ["data=digits", "epochs=2"], DATA)
    assert job.process.wait() == 0
    run = Run(tmp_path / "runs" / "first")
    assert run.state["state"] == "finished"
    assert len(run.history()) == 2
    assert "training smoke" in jobs.log("first")
    assert jobs.waiting() == []
    assert not job.failed


def test_the_end_of_a_process_is_noticed_though_nobody_asks(jobs):
    process = jobs.start("first", "smoke", ["data=digits", "epochs=2"], DATA).process
    (waiting,) = [each for each in threading.enumerate() if each.name == f"waits for {process.pid}"]
    waiting.join()
    assert process.returncode == 0


def test_a_training_is_stopped_as_by_an_interrupt(jobs, pace, tmp_path):
    job = jobs.start("first", "smoke", ["data=digits", "epochs=500"], DATA)
    run = Run(tmp_path / "runs" / "first")
    pace.wait_for_work()
    assert job.is_alive
    jobs.stop("first")
    job.process.wait()
    assert (run.state["state"], run.state["why"]) == ("stopped", "interrupted")
    assert len(run.history()) == 1
    assert job.stopping
    with pytest.raises(CifarlabError, match="not being trained"):
        jobs.stop("first")


def test_a_training_that_an_earlier_server_started_is_stopped_too(jobs, pace, tmp_path):
    job = jobs.start("first", "smoke", ["data=digits", "epochs=500"], DATA)
    pace.wait_for_work()
    Jobs(Settings(runs_dir=tmp_path / "runs")).stop("first")
    job.process.wait()
    assert Run(tmp_path / "runs" / "first").state["state"] == "stopped"


def test_two_of_one_name_are_refused(jobs, pace, tmp_path):
    jobs.start("first", "smoke", ["data=digits", "epochs=500"], DATA)
    with pytest.raises(CifarlabError, match="already a run"):  # also before the process has made the run's folder
        jobs.start("first", "smoke", ["data=digits"], DATA)
    pace.wait_for_work()
    with pytest.raises(CifarlabError, match="already a run"):
        jobs.start("FIRST", "smoke", ["data=digits"], DATA)


def test_a_training_that_never_became_a_run_is_remembered_until_it_is_dismissed(jobs):
    job = jobs.start("first", "smoke", ["data=digits", "seed=666"], DATA)
    assert jobs.waiting() == [job]
    assert job.process.wait() == 2
    assert "cannot be trained" in jobs.log("first")
    jobs.forget("first")
    assert jobs.waiting() == []
    assert "cannot be trained" in jobs.log("first")


@pytest.mark.thorough
def test_a_run_is_evaluated_once_at_a_time(jobs, pace):
    job = jobs.start("first", "smoke", ["data=digits", "epochs=1"], DATA)
    pace.wait_for_work()
    with pytest.raises(CifarlabError, match="being trained"):
        jobs.evaluate("first", "test", "digits")
    pace.let_go()
    job.process.wait()
    evaluation = jobs.evaluate("first", "validation", "digits")
    pace.wait_for_work()
    with pytest.raises(CifarlabError, match="being trained or evaluated"):
        jobs.evaluate("first", "test", "digits")
    pace.let_go()
    evaluation.process.wait()
    assert not evaluation.failed
    assert "evaluating on validation" in jobs.log("first", evaluation=True)
    assert jobs.find_evaluation("first") is evaluation
    with pytest.raises(CifarlabError, match="test, validation"):
        jobs.evaluate("first", "train", "digits")


def test_a_training_that_was_stopped_goes_on_and_is_calibrated(jobs, pace, tmp_path):
    job = jobs.start("first", "smoke", ["data=digits", "epochs=3"], DATA)
    pace.wait_for_work()
    jobs.stop("first")
    job.process.wait()
    pace.let_go()
    run = Run(tmp_path / "runs" / "first")
    again = jobs.resume("first", "digits")
    with pytest.raises(CifarlabError, match="being trained"):  # though its state says that it has stopped
        jobs.evaluate("first", "test", "digits")
    with pytest.raises(CifarlabError, match="being trained"):
        jobs.resume("first", "digits")
    pace.wait_for_work()
    assert run.state["state"] == "running"
    assert jobs.is_busy("first")
    pace.let_go()
    assert again.process.wait() == 0
    assert (run.state["state"], len(run.history())) == ("finished", 3)
    assert "resuming" in jobs.log("first")
    calibration = jobs.calibrate("first", "digits")
    pace.wait_for_work()
    with pytest.raises(CifarlabError, match="being trained or evaluated"):
        jobs.evaluate("first", "test", "digits")
    pace.let_go()
    assert calibration.process.wait() == 0
    assert (run.path / "calibration.json").is_file()
    assert not jobs.is_busy("first")


@pytest.mark.parametrize("name", ["", ".hidden", "../outside", "a/b", "a b", "x" * 81, "-flag", "a\nb"])
def test_a_name_is_a_folder_name(jobs, tmp_path, name):
    with pytest.raises(CifarlabError, match="name"):
        jobs.start(name, "smoke", ["data=digits"], DATA)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("recipe", "settings", "says"),
    [
        ("smok", [], "did you mean smoke"),
        ("/tmp/evil.py", [], "unknown recipe"),
        ("smoke", ["model=/tmp/evil.py"], "unknown setting|unknown model"),
        ("smoke", ["data=/tmp/evil.py"], "unknown data set"),
        ("smoke", ["data=folder:/etc"], "unknown data set"),
        ("finetune", ["data=digits", "start_from=/etc"], "begins anew or with builtin"),
        ("smoke", ["epochs=0"], "epochs must be at least 1"),
        ("smoke", ["epoch=3"], "did you mean epochs"),
        ("smoke", ["learning_rate=fast"], "learning_rate must be a number"),
    ],
)
def test_bad_settings_are_refused_before_anything_starts(recipe, settings, says):
    with pytest.raises(CifarlabError, match=says):
        resolve(recipe, settings, DATA)


def test_a_log_is_what_a_terminal_would_show():
    assert plain_lines("\x1b[1mone\x1b[0m\r\ntwo\rTWO\n\n") == "one\nTWO"
