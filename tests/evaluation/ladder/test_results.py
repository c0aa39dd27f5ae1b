"""What is kept comes back as it was, and what is damaged is one line."""

import dataclasses
import json

import pytest

from cifarlab.evaluation.ladder.measurements import read_result
from cifarlab.evaluation.ladder.results import Results, load_results, save_results
from cifarlab.utils.errors import CifarlabError

MACHINE = {"processor": "a processor", "cores": 2, "accelerators": [], "backend": "tensorflow"}


def test_results_come_back_as_they_were(folder, make_run):
    read = read_result([make_run("dense1.py", 0, 0.5)], petaflop=0.25)
    result = dataclasses.replace(read, limit_flop_per_second=4e11)
    path = save_results(Results({"dense1": result}), folder / "kept.json")
    again = load_results(path)
    assert again.rungs["dense1"].limit_flop_per_second == 4e11
    assert save_results(again, folder / "again.json").read_text() == path.read_text()


def test_no_file_is_nothing_kept(folder):
    assert load_results(folder / "none.json") == Results()


@pytest.mark.parametrize("text", ["[]", '{"format": 1}', '{"format": 2}', '{"format": 2, "rungs": {"a": {}}}', "{"])
def test_a_damaged_file_is_one_line(text, folder):
    (folder / "kept.json").write_text(text)
    with pytest.raises(CifarlabError, match=r"kept\.json"):
        load_results(folder / "kept.json")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"seed": 0, "name": "again"}, "are the same training, seed 0"),
        ({"seed": 1, "machine": {**MACHINE, "cores": 8}}, "have different machines"),
        ({"seed": 1, "precision": "bfloat16"}, "have different precisions"),
    ],
)
def test_runs_that_cannot_be_averaged_are_refused(second, expected, make_run):
    runs = [make_run("dense1.py", 0, 0.5), make_run("dense1.py", accuracy=0.5, **second)]
    with pytest.raises(CifarlabError, match=expected):
        read_result(runs)


def test_a_run_that_is_not_evaluated_or_not_finished_is_refused(make_run):
    with pytest.raises(CifarlabError, match="run cifarlab evaluate"):
        read_result([make_run("dense1.py", 0, None)])
    stopped = make_run("dense1.py", 1, 0.5)
    stopped.set_state("stopped", "interrupted")
    with pytest.raises(CifarlabError, match="is not finished"):
        read_result([stopped])


def test_a_run_on_several_devices_is_refused_and_one_on_one_is_not(make_run):
    with pytest.raises(CifarlabError, match="was trained on 4 devices"):
        read_result([make_run("dense1.py", 0, 0.5, machine={**MACHINE, "devices": 4})])
    assert read_result([make_run("dense1.py", 1, 0.5, machine={**MACHINE, "devices": 1})]).seeds == [1]


def test_a_run_without_its_training_time_is_refused(make_run):
    run = make_run("dense1.py", 0, 0.5)
    run.environment_file.write_text(json.dumps({"parameters": 5}))
    with pytest.raises(CifarlabError, match="has no training_seconds"):
        read_result([run])
