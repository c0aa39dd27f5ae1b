"""Which runs of a folder are a rung's."""

import zipfile

import pytest

from cifarlab.evaluation.ladder.own_runs import find_own_runs
from cifarlab.evaluation.ladder.rungs import find_rungs
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


@pytest.fixture
def rungs(folder):
    return find_rungs(["dense1.py", "dense2.py"])


def test_runs_are_known_by_their_settings_and_not_by_their_names(rungs, folder, make_run):
    make_run("dense1.py", 3, 0.5, name="mine")
    make_run("dense1.py", 4, 0.9, name="dense1-seed4", learning_rate=0.1)
    own = find_own_runs(rungs, folder / "runs")
    assert {name: result.seeds for name, result in own.results.items()} == {"dense1": [3]}
    assert own.notices == []


def test_of_one_seed_the_last_run_counts_and_of_several_machines_the_one_with_most_seeds(rungs, folder, make_run):
    elsewhere = {"processor": "another", "cores": 64, "accelerators": [], "backend": "jax"}
    make_run("dense1.py", 0, 0.9, name="a", machine=elsewhere)
    make_run("dense1.py", 0, 0.50, name="b")
    make_run("dense1.py", 0, 0.51, name="c")
    make_run("dense1.py", 1, 0.52, name="d")
    result = find_own_runs(rungs, folder / "runs").results["dense1"]
    assert (result.seeds, result.accuracies) == ([0, 1], [0.51, 0.52])


def test_a_run_on_several_devices_is_left_out_and_said(rungs, folder, make_run):
    machine = {"processor": "a processor", "cores": 2, "accelerators": [], "backend": "jax", "devices": 2}
    make_run("dense1.py", 0, 0.5)
    make_run("dense1.py", 1, 0.5, machine=machine)
    own = find_own_runs(rungs, folder / "runs")
    assert own.results["dense1"].seeds == [0]
    (notice,) = own.notices
    assert "was trained on 2 devices" in notice


def test_what_waits_or_cannot_be_read_is_said(rungs, folder, make_run):
    waiting = make_run("dense2.py", 0, None)
    make_run("dense2.py", 1, None).set_state("stopped", "interrupted")
    spoilt = make_run("dense1.py", 2, 0.5)
    spoilt.recipe_file.write_text('{"model": "mlp", "unheard_of": 1}')
    own = find_own_runs(rungs, folder / "runs")
    assert own.results == {}
    assert own.not_evaluated == {"dense2": [str(waiting.path)]}
    assert len(own.notices) == 1
    assert own.notices[0].startswith(f"{spoilt.path} is left out: {spoilt.recipe_file} ")
    assert "unknown setting 'unheard_of'" in own.notices[0]


def test_a_folder_that_is_not_there_is_one_line(rungs, folder):
    assert find_own_runs(rungs, None).results == {}
    with pytest.raises(CifarlabError, match="no folder nowhere"):
        find_own_runs(rungs, folder.relative_to(folder) / "nowhere")


def test_scores_of_an_earlier_model_are_left_out_with_the_command(rungs, folder, make_run):
    run = make_run("dense1.py", 0, 0.5)
    with zipfile.ZipFile(run.model_file, "w") as archive:
        archive.writestr("config.json", "another")
        archive.writestr("model.weights.h5", "another")
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "model_checksum": "crc32:1"})
    found = find_own_runs(rungs, folder / "runs")
    assert found.results == {}
    (notice,) = found.notices
    assert "of an earlier model" in notice
    assert notice.endswith(f"run cifarlab evaluate {run.path}.")


def test_a_run_that_learned_by_a_labels_file_is_another_training(rungs, folder, make_run):
    make_run("dense1.py", 0, 0.5)
    other = make_run("dense1.py", 0, 0.9, name="dense1-seed0-2")
    files.write_json(other.data_file, {**other.data, "labels": {"file": "labels.csv", "checksum": "sha256:0"}})
    own = find_own_runs(rungs, folder / "runs")
    assert own.results["dense1"].accuracies == [0.5]
    assert own.notices == [f"{other.path} is left out: it learned by a labels file."]
