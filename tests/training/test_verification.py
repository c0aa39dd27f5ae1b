"""Whether a machine gets a run's weights: noted while training, taken again, compared to the bit."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, training
from cifarlab.cli import main as cli
from cifarlab.runs.first_steps import Mark, read_first_steps
from cifarlab.training.engines import Engine
from cifarlab.training.first_steps import NotingEngine, make_mark
from cifarlab.training.verification import compare, verify
from cifarlab.utils import files

RECIPE = Recipe(
    model="mlp", model_args={"widths": (8,), "dropout": 0.2}, data="digits", epochs=1, batch_size=100, flip="random"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return training.train(RECIPE, runs_dir=tmp_path_factory.mktemp("runs"), name="whole")


@pytest.fixture
def changed(run, tmp_path):
    """A copy of the run, whose record says something else."""
    import shutil

    copy = dataclasses.replace(run, path=tmp_path / "changed")
    shutil.copytree(run.path, copy.path)

    def change(at, **values):
        record = files.read_json(copy.first_steps_file)
        record["marks"][at] |= values
        files.write_sealed(copy.first_steps_file, record)
        return copy

    return change


def test_a_training_notes_its_first_steps(run):
    marks = read_first_steps(run)
    assert [mark.step for mark in marks] == [0, 1, 2, 4, 8]  # of the 12 in its epoch
    assert [mark.loss is None for mark in marks] == [True, False, False, False, False]
    assert len({mark.checksum for mark in marks}) == 5
    assert 0 < len(marks[0].sample) <= 512


def test_the_same_machine_gets_the_same_weights(run, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()}
    assert cli.main(["verify", str(run.path), "--steps", "4"]) == 0
    shown = capsys.readouterr().out
    assert "the same weights, bit for bit, after 4 steps" in shown
    assert "not as it was" not in shown
    assert {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()} == before


def test_other_weights_are_told_with_the_step_and_the_size(changed, capsys):
    run = changed(3, checksum="0" * 64)
    marks = read_first_steps(run)
    sample = [marks[3].sample[0] + 0.5, *marks[3].sample[1:]]
    changed(3, sample=sample)
    environment = run.environment
    environment["kernels"]["threads"]["intra"] = 1
    environment["kernels"]["variables"]["TF_ENABLE_ONEDNN_OPTS"] = "0"
    files.write_json(run.environment_file, environment)
    assert cli.main(["verify", str(run.path), "--steps", "4", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["is_same"] is False
    assert [each["is_same"] for each in found["comparisons"]] == [True, True, True, False]
    assert found["comparisons"][3]["difference"] == pytest.approx(0.5)
    size = np.sqrt(np.mean(np.square(sample)))
    assert found["comparisons"][3]["relative_difference"] == pytest.approx(0.5 / size)
    assert any("TF_ENABLE_ONEDNN_OPTS" in each for each in found["differs"])  # TensorFlow is loaded already
    assert cli.main(["verify", str(run.path), "--steps", "4"]) == 1
    shown = capsys.readouterr().out
    assert "other weights from one of the steps 3 to 4 on; after 4 steps by up to 5.0e-01" in shown
    assert "not as it was: " in shown


def test_other_initial_weights_are_told(changed, capsys):
    run = changed(0, checksum="0" * 64)
    assert cli.main(["verify", str(run.path), "--steps", "1"]) == 1
    assert "the initial ones differ" in capsys.readouterr().out


def test_a_run_without_a_record_is_one_line(changed, capsys):
    run = changed(0)
    run.first_steps_file.unlink()
    assert cli.main(["verify", str(run.path)]) == 2
    assert "has no record of its first steps (first-steps.json)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "marks": []}',
        '{"format": 1, "marks": []}',
        '{"format": 1, "marks": [{"step": 0}]}',
        '{"format": 1, "marks": [{"step": "0", "checksum": "", "sample": []}]}',
        '{"format": 1, "marks": [{"step": 0, "checksum": "", "sample": [1]}, {"step": 1, "checksum": "", "loss": 2}]}',
    ],
)
def test_a_damaged_record_is_one_line(changed, content, capsys):
    run = changed(0)
    run.first_steps_file.write_text(content)
    assert cli.main(["verify", str(run.path)]) == 2
    assert "first-steps.json" in capsys.readouterr().err


def test_a_record_that_was_changed_since_is_one_line(changed):
    run = changed(0)
    record = files.read_json(run.first_steps_file)
    record["marks"][0]["sample"][0] += 1.0
    files.write_json(run.first_steps_file, record)
    with pytest.raises(CifarlabError, match=r"first-steps\.json is damaged \(its checksum is of another content"):
        read_first_steps(run)
    del record["checksum"]  # as earlier versions wrote it
    files.write_json(run.first_steps_file, record)
    assert read_first_steps(run)[0].sample[0] == record["marks"][0]["sample"][0]


def test_a_record_of_another_network_is_one_line(changed):
    run = changed(0)
    record = files.read_json(run.first_steps_file)
    record["marks"] = [{**mark, "sample": [1.0]} for mark in record["marks"]]
    files.write_sealed(run.first_steps_file, record)
    with pytest.raises(CifarlabError, match="not of this recipe"):
        verify(run, steps=1)


def test_differences_are_in_units_of_the_weights_size():
    then, here = Mark(2, "a", (3.0, 4.0, 0.0, 0.0), 1.0), Mark(2, "b", (3.0, 4.0, 0.0, 0.25), 1.5)
    found = compare(then, here)
    assert (found.is_same, found.difference, found.relative_difference) == (False, 0.25, 0.1)  # root mean square 2.5
    assert (found.loss, found.loss_here) == (1.0, 1.5)
    assert compare(then, then).is_same


class Counting(Engine):
    """Adds to a weight what each step's rows say."""

    def __init__(self, model):
        self.model, self.calls = model, []

    def run(self, indices, pixels):
        self.calls.append(len(indices))
        self.model.weights[0].assign_add(keras.ops.ones((1, 1)) * float(indices.sum()))
        return np.full(indices.shape, indices, np.float32), indices > 1

    def put(self, array):
        return array

    def forward(self, images):
        return images


@pytest.fixture
def engine():
    return Counting(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")]))


def test_the_first_steps_are_taken_one_by_one_and_the_others_together(engine):
    kept = []
    noting = NotingEngine(engine, 100, kept.append)
    rows = np.arange(40, dtype=np.int32).reshape(20, 2)
    losses, rights = noting.run(rows[:1], 32)
    more = [noting.run(rows[1:15], 32), noting.run(rows[15:18], 32), noting.run(rows[18:], 32)]
    assert engine.calls == [1] * 18 + [2]
    np.testing.assert_array_equal(np.concatenate([losses, *(each[0] for each in more)]), rows)
    np.testing.assert_array_equal(np.concatenate([rights, *(each[1] for each in more)]), rows > 1)
    (marks,) = kept
    assert [mark.step for mark in marks] == [0, 1, 2, 4, 8, 16]
    assert marks[2].loss == 2.5  # of rows 2 and 3
    # Kernel and bias: the kernel is the sum of all rows so far.
    assert [mark.sample[0] for mark in marks] == [rows[:step].sum() for step in (0, 1, 2, 4, 8, 16)]


def test_weights_that_are_no_numbers_are_not_kept(engine):
    kept = []
    noting = NotingEngine(engine, 2, kept.append)
    engine.model.weights[0].assign([[np.nan]])
    noting.run(np.zeros((2, 1), np.int32), 32)
    assert kept == []


def test_a_checksum_knows_every_variable(engine):
    model = engine.model
    before = make_mark(model, 0, None)
    assert make_mark(model, 0, None) == before
    model.weights[1].assign([1e-30])
    assert make_mark(model, 0, None).checksum != before.checksum
