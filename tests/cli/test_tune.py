"""`cifarlab tune` as a user meets it, with workers that train nothing: what it prints, and how it is stopped."""

import importlib.util
import json
import shlex
import shutil

import pytest

from cifarlab import search
from cifarlab.cli import main as cli
from cifarlab.search import tuning
from cifarlab.search.rules import SAMPLERS
from cifarlab.utils import discovery

COMMAND = (
    "tune smoke --trials 9 --epochs 3 --pruner halving --confirm-seeds 2 --only --range learning_rate=1e-4..1e-1:log"
)


@pytest.fixture
def run(empty_folder, monkeypatch, capsys, search_fakes):
    """Runs a command of ours with these workers: its exit code, standard output and standard error."""

    def run(line=COMMAND, workers=None):
        monkeypatch.setattr(search, "make_workers", lambda *_, **__: workers or search_fakes.FakeWorkers())
        code = cli.main(shlex.split(line))
        return code, *capsys.readouterr()

    return run


def test_its_help_names_every_sampler_and_pruner(capsys):
    assert cli.main(["tune", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for name in (*SAMPLERS, *discovery.names("search.pruners"), "--asynchronous", "--confirm"):
        assert name in said


def test_what_it_prints_at_its_end(run, empty_folder):
    code, said, progress = run()
    assert code == 0
    lines = said.splitlines()
    assert lines[0].split() == ["trial", "epochs", "validation", "settings"]
    assert "9 trials, 6 of them pruned, 0 failed" not in progress
    assert any(line.startswith("9 trials, ") and line.endswith(" of them pruned, 0 failed") for line in lines)
    assert any(line.startswith("The recipe found") and "fresh seeds each" in line for line in lines)
    assert lines[-2:] == ["cifarlab train studies/smoke/best.py", "studies/smoke"]
    assert progress.splitlines()[0].startswith("searching studies/smoke: mlp on digits")
    assert {path.name for path in (empty_folder / "studies" / "smoke").iterdir()} >= {
        *("best.py", "figures", "journal.log", "report.html", "study.json", "trials.csv", "verdict.json")
    }


def test_as_json_nothing_else_is_on_standard_output(run):
    code, said, _ = run(f"{COMMAND} --json")
    assert code == 0
    found = json.loads(said)
    assert set(found) == {"study", "best", "verdict", "trials"}
    assert [trial["number"] for trial in found["trials"]] == list(range(9))
    assert set(found["trials"][0]) == {"number", "state", "round", "epochs", "score", "settings", "reason"}
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    assert found["best"] in [trial["number"] for trial in complete]
    assert found["verdict"]["sentence"].startswith("The recipe found")


def test_interrupted_it_says_how_to_go_on_and_does(run, search_fakes, empty_folder):
    whole = search_fakes.FakeWorkers()
    assert run(workers=whole)[0] == 0
    table = (empty_folder / "studies/smoke/trials.csv").read_text()
    shutil.rmtree(empty_folder / "studies")

    code, said, progress = run(workers=search_fakes.FakeWorkers(kills=5))
    assert (code, said) == (130, "")
    last = progress.splitlines()[-1]
    assert last == "cifarlab: interrupted: nothing is lost, give the same command again to go on"
    again = search_fakes.FakeWorkers()
    assert run(workers=again)[0] == 0
    assert again.trained == whole.trained[5:]
    assert (empty_folder / "studies/smoke/trials.csv").read_text() == table


def test_judged_as_they_arrive_it_says_what_that_means(run):
    code, said, progress = run(f"{COMMAND} --asynchronous")
    assert code == 0
    assert "so that the study depends on how many processes train" in progress
    assert "studies/smoke" in said
    assert run()[0] == 2  # in rounds it is another study


@pytest.mark.parametrize(("sampler", "package"), [("gp", "torch"), ("cmaes", "cmaes")])
def test_what_a_sampler_lacks_is_said_before_any_data_are_read(run, empty_folder, monkeypatch, sampler, package):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    monkeypatch.setattr(tuning, "_load", lambda *_: pytest.fail("it read data"))
    code, said, progress = run(f"{COMMAND} --sampler {sampler}")
    assert (code, said) == (2, "")
    assert progress == (
        f"cifarlab: the sampler {sampler} needs {package}: pip install {package}, or give --sampler tpe\n"
    )
    assert list(empty_folder.iterdir()) == []


def test_fewer_trials_than_a_study_has_are_refused_in_one_line(run):
    assert run()[0] == 0
    code, said, progress = run(COMMAND.replace("--trials 9", "--trials 5"))
    assert (code, said) == (2, "")
    assert progress == (
        "cifarlab: studies/smoke has --trials 9 and does not shrink: give that, more, or another --name\n"
    )


def test_a_sweep_that_is_interrupted_says_how_to_go_on_too(run, search_fakes):
    line = "sweep smoke --over learning_rate=1e-3,1e-2 --seeds 2"
    code, said, progress = run(line, search_fakes.FakeWorkers(kills=2))
    assert (code, said) == (130, "")
    assert progress.endswith("cifarlab: interrupted: nothing is lost, give the same command again to go on\n")
