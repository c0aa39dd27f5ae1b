"""What is of an earlier model is refused, by all readers, and what earlier versions wrote still opens."""

import json
import os
import zipfile

import numpy as np
import pytest

from cifarlab.evaluation.comparison import pairs
from cifarlab.evaluation.robustness.results import read_results, results_file
from cifarlab.inference.prediction import load_model
from cifarlab.inference.temperature import stored_temperature
from cifarlab.reports.writing import report
from cifarlab.runs import derived
from cifarlab.runs.derived import StaleError, model_checksum
from cifarlab.runs.predictions import Origin, Predictions
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


def stamp(run, split="test"):
    """What `evaluate` of this version leaves: both files say of which model and images they are."""
    checksum = model_checksum(run)
    scores = {**json_data(run.scores(split)), derived.KEY: checksum, "images": "blake2b:1"}
    stored = Predictions.load(run.predictions_file(split))
    origin = Origin(checksum, "blake2b:1", np.zeros(len(stored), bool))
    Predictions(stored.ids, stored.labels, stored.logits, stored.class_names, origin).save(run.predictions_file(split))
    files.write_json(run.scores_file(split), scores)
    return scores


def train_on(run):
    """Another model in the run's folder, as after a resumed training."""
    with zipfile.ZipFile(run.model_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["model.weights.h5"] += b"other weights"
    with zipfile.ZipFile(run.model_file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_the_checksum_is_of_weights_and_layers_not_of_the_time_of_writing(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    before = model_checksum(run)
    with zipfile.ZipFile(run.model_file, "a") as archive:
        archive.writestr("metadata.json", json.dumps({"date_saved": "2026-11-29"}))
    assert model_checksum(run) == before
    train_on(run)
    assert model_checksum(run) != before


@pytest.mark.parametrize("part", [0, 0.5])
def test_a_cut_model_is_told_as_what_it_is_and_not_as_another_one(make_run, tmp_path, part):
    run = make_run(tmp_path, "first")
    stamp(run)
    run.model_file.write_bytes(run.model_file.read_bytes()[: int(part * run.model_file.stat().st_size)])
    with pytest.raises(CifarlabError) as loading:
        load_model(run)
    assert str(loading.value).endswith("only part of it is there; train it again or restore the file")
    for read in (run.scores, lambda: run.predictions("test")):
        with pytest.raises(StaleError) as reading:
            read()
        assert str(reading.value) == str(loading.value)


def test_a_model_that_is_no_archive_has_a_checksum_too(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    run.model_file.write_bytes(b"abc")
    assert model_checksum(run) == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    run.model_file.unlink()
    with pytest.raises(CifarlabError, match="cannot read"):
        model_checksum(run)


def test_the_checksum_of_earlier_versions_is_still_known(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    whole = f"sha256:{files.checksum(run.model_file, 'sha256')}"
    files.write_json(
        run.path / "calibration.json", {"temperature": {"value": 1.5, "low": 1.4, "high": 1.6}, "model_checksum": whole}
    )
    assert stored_temperature(run) == 1.5
    train_on(run)
    with pytest.raises(StaleError, match="made for another model"):
        stored_temperature(run)


def test_scores_and_predictions_of_an_earlier_model_are_refused_with_the_command(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    scores = stamp(run)
    assert json_data(run.scores()) == scores
    assert len(run.predictions("test")) == scores["count"]
    assert run.has_current_predictions("test")
    train_on(run)
    for read in (run.scores, lambda: run.predictions("test"), lambda: report(run)):
        with pytest.raises(StaleError, match=f"of an earlier model.*run cifarlab evaluate {run.path}$"):
            read()
    assert not run.has_current_predictions("test")
    assert not run.report_file.exists()


def test_the_command_names_split_and_augmentation(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    files.write_json(run.scores_file("test", tta="flip"), {**json_data(run.scores()), derived.KEY: "crc32:1"})
    with pytest.raises(StaleError, match=r"evaluate .*first --tta flip$"):
        run.scores("test", "flip")


def test_a_comparison_refuses_answers_of_an_earlier_model(make_run, tmp_path):
    first, second = make_run(tmp_path, "first"), make_run(tmp_path, "second")
    stamp(first)
    stamp(second)
    assert pairs.compare([first, second]).notices == ()
    train_on(second)
    with pytest.raises(StaleError, match=f"run cifarlab evaluate {second.path}$"):
        pairs.compare([first, second])


def test_a_comparison_refuses_other_pictures_under_the_same_names(make_run, tmp_path):
    first, second = make_run(tmp_path, "first"), make_run(tmp_path, "second")
    stamp(first)
    stamp(second)
    stored = second.predictions("test")
    origin = Origin(model_checksum(second), "blake2b:2", np.zeros(len(stored), bool))
    Predictions(stored.ids, stored.labels, stored.logits, stored.class_names, origin).save(
        second.predictions_file("test")
    )
    with pytest.raises(CifarlabError, match="other pictures under the same names"):
        pairs.compare([first, second])


def test_scores_and_predictions_of_two_evaluations_are_told(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    scores = stamp(run)
    files.write_json(run.scores_file("test"), {**scores, "images": "blake2b:2"})
    with pytest.raises(StaleError, match=r"scores\.json and predictions-test\.npz are of two evaluations"):
        run.scores()


def test_scores_that_contradict_the_predictions_are_told_without_any_checksum(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "accuracy": 0.125})
    with pytest.raises(CifarlabError, match=r"they say accuracy 0\.1250, but \d+ of 120 are correct"):
        report(run)


def test_files_of_earlier_versions_open_and_are_doubted_only_where_they_are_older_than_the_model(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    assert run.scores().notices == ()
    assert run.predictions_with_notices("test")[1] == []
    later = run.scores_file("test").stat().st_mtime + 100
    os.utime(run.model_file, (later, later))
    (notice,) = run.scores().notices
    assert notice.startswith("scores.json of first is older than its model")
    assert notice.endswith(f"run cifarlab evaluate {run.path}.")
    assert run.predictions_with_notices("test")[1][0].startswith("predictions-test.npz of first is older")
    assert not run.has_current_predictions("test")


def test_without_a_model_nothing_is_doubted(make_run, tmp_path):
    run = make_run(tmp_path, "first")
    scores = stamp(run)
    run.model_file.unlink()
    assert json_data(run.scores()) == scores


def test_images_that_the_model_was_trained_on_are_told_by_the_comparison(make_run, tmp_path):
    first, second = make_run(tmp_path, "first"), make_run(tmp_path, "second")
    stamp(second)
    stored = second.predictions("test")
    origin = Origin(model_checksum(second), "blake2b:1", np.arange(len(stored)) < 37)
    Predictions(stored.ids, stored.labels, stored.logits, stored.class_names, origin).save(
        second.predictions_file("test")
    )
    assert pairs.compare([first, second]).notices == (
        "second was trained on 37 of the 120 test images: its predictions of these are no test.",
    )


def test_the_report_leaves_out_what_is_of_an_earlier_model_and_says_so(
    make_run, fake_run, tmp_path, undrawn, without_figures
):
    run = make_run(tmp_path, "first")
    fake_run.write_robustness(run)
    whole = report(run).read_text()
    assert "Mean corruption error" in whole
    files.write_json(results_file(run), {**files.read_json(results_file(run)), derived.KEY: "crc32:1"})
    files.write_json(run.scores_file("test", tta="flip"), {**json_data(run.scores()), derived.KEY: "crc32:1"})
    files.write_json(
        run.path / "calibration.json",
        {"temperature": {"value": 1.5, "low": 1.4, "high": 1.6}, "model_checksum": "crc32:1"},
    )
    with pytest.raises(StaleError):
        read_results(run)
    page = report(run).read_text()
    assert "Mean corruption error" not in page
    assert f"Not shown: {results_file(run)} is of an earlier model" in page
    assert "scores-test-tta-flip.json is of an earlier model" in page
    assert "<td>of an earlier model</td>" in page
