"""Real processes that train, killed and misbehaving: `benchmarks/search_accidents.py` in small."""

import csv
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]
PATIENCE = 600.0
"""Seconds after which something is wrong, on a busy machine too."""


@pytest.fixture(scope="module")
def accidents(load_benchmark):
    return load_benchmark("search_accidents")


@pytest.fixture(scope="module")
def undisturbed(accidents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    accidents.finish(folder, jobs=1)
    return folder


def wait_until(process, is_so):
    """Until something is so; the process must not end before."""
    for _ in range(int(PATIENCE / 0.1)):
        if is_so():
            return
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"it ended with {process.returncode}: {process.stderr.read()}")
    pytest.fail("it took too long")


def trained(folder):
    """How many trainings have come to the end of an epoch."""
    return len(list((folder / "study").glob("trials/*/history.csv")))


def test_four_processes_make_the_study_that_one_makes(accidents, undisturbed, tmp_path):
    accidents.finish(tmp_path, jobs=4)
    assert accidents.content(tmp_path) == accidents.content(undisturbed)


def test_killed_in_part_and_as_a_whole_it_is_the_same_study(accidents, undisturbed, tmp_path):
    process = accidents.start(tmp_path)
    try:
        wait_until(process, lambda: trained(tmp_path) >= 2)
        assert accidents._kill(accidents._workers_of(process.pid)[0]) == 1
        wait_until(process, lambda: trained(tmp_path) >= 5)
    finally:
        accidents._kill_group(process)
    assert not (tmp_path / "study" / "best.py").exists()
    accidents.finish(tmp_path)
    assert accidents.content(tmp_path) == accidents.content(undisturbed)


def test_trials_that_cannot_end_well_are_failed_trials_with_their_reasons(accidents, tmp_path):
    model = tmp_path / "unruly.py"
    model.write_text(accidents.UNRULY, "utf-8")
    space = (
        *("--only", "--sampler", "grid", "--pruner", "none", "--confirm", "0", "--max-trial-minutes", "0.5"),
        *("--fix", f"model={model}", "--choice", "model.behaviour=well,endless", "--choice", "learning_rate=1e-2,1e30"),
    )
    accidents.finish(tmp_path, jobs=2, space=space)
    with (tmp_path / "study" / "trials.csv").open(newline="") as file:
        rows = [
            (row["model.behaviour"], row["learning_rate"], row["state"], row["reason"]) for row in csv.DictReader(file)
        ]
    assert rows[0][2] == "complete"  # as shipped
    found = {(behaviour, float(rate)): (state, reason) for behaviour, rate, state, reason in rows[1:]}
    assert found["well", 1e-2] == ("complete", "")
    assert found["endless", 1e-2] == found["endless", 1e30] == ("failed", "took longer than 30 s")
    state, reason = found["well", 1e30]
    assert state == "failed"
    assert "became" in reason  # the loss, infinite or not a number
