"""A run with every file that there is, to be damaged."""

import json
import shutil

import numpy as np
import pytest

from cifarlab.datasets.verdicts import Corrections, append_verdicts, new_verdict, read_labels
from cifarlab.displays import console
from cifarlab.evaluation import calibration
from cifarlab.inference import temperature
from cifarlab.runs import Run, first_steps, notes, own_labels, started_from, training_dynamics
from cifarlab.runs.derived import model_checksum
from cifarlab.training.checkpoint import TrainingState, save_checkpoint
from cifarlab.utils import files
from cifarlab.utils.results import Interval


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """On a busy machine a command would announce what takes long."""
    monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 600)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_run, fake_run):
    """A run with every file that there is."""
    run = make_run(tmp_path_factory.mktemp("runs"), "whole")
    fake_run.write_robustness(run)
    made = calibration.Calibration(
        run=run.name, count=100, wrong=40, fitted=True, temperature=Interval(1.5, 1.2, 1.8, "made up"),
        loss=calibration.BeforeAfter(*[Interval(1.0, 0.9, 1.1, "made up")] * 2),
        expected_calibration_error=calibration.BeforeAfter(*[Interval(0.1, 0.05, 0.2, "made up")] * 2),
        sentence="Made up.", model_checksum=model_checksum(run),
    )  # fmt: skip
    files.write_sealed(run.path / temperature.FILE_NAME, made)
    for name in ("scores.json", "robustness.json"):
        files.write_sealed(run.path / name, json.loads((run.path / name).read_text()))
    corrected = {**json.loads(run.scores_file("test").read_text()), "labels": {"file": "labels.csv"}}
    files.write_sealed(run.scores_file("test", corrected=True), corrected)
    notes.write_notes(run, ["made up"], "A note.")
    marks = tuple(first_steps.Mark(step, f"{step}" * 64, (0.5, 0.25 * step)) for step in (0, 1))
    first_steps.write_first_steps(run, marks)
    ancestor = started_from.Ancestor("builtin", "sha256:1", "convnet", "cifar10", ("cat", "dog"), 7)
    started_from.remember_start(run, started_from.StartedFrom((ancestor,), "new"))
    append_verdicts(run.path / "marks.csv", [new_verdict("train/1", "0", "drop")])
    labels = read_labels(run.path / "marks.csv")
    own_labels.keep_labels(run, labels, Corrections(f"sha256:{files.checksum(labels.path, 'sha256')}"))
    curves = training_dynamics.Curves(np.array(["a", "b"]), np.ones((3, 2), np.float16), np.ones((3, 2), bool))
    training_dynamics.save(run.dynamics_file, [curves, curves], compress=True)
    hashes = np.arange(2, dtype=np.uint64)
    np.savez_compressed(run.trained_images_file, ids=np.array(["a", "b"]), hashes=hashes, validation=hashes)
    np.savez(run.features_file, about=np.array("about"), features=np.ones((4, 3), np.float16))
    state = TrainingState([np.ones((2, 3), np.float32)], [np.zeros(2, np.float32)], 1, [{"epoch": 1}])
    for _ in range(2):  # the second keeps the first beside it
        save_checkpoint(run, state)
    return run


@pytest.fixture
def run(whole, tmp_path):
    """A copy that may be damaged."""
    shutil.copytree(whole.path, tmp_path / "whole")
    return Run(tmp_path / "whole")
