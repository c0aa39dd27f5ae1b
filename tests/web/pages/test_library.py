"""The library reads each run once, notices what changes, and opens nothing outside its folder."""

import dataclasses

import numpy as np
import pytest
from starlette.exceptions import HTTPException

from cifarlab.runs import create_run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.web.pages.data_set import slug_of
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_reading import LOST
from cifarlab.web.predictions.model_store import ModelStore
from cifarlab.web.settings import Settings


@pytest.fixture
def runs_dir(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def library(runs_dir) -> Library:
    return Library(Settings(runs_dir=runs_dir, data="digits"))


def test_no_folder_is_no_runs(tmp_path):
    assert Library(Settings(runs_dir=tmp_path / "nowhere")).summaries() == []


def test_a_run_at_a_glance(library, runs_dir, make_run):
    run = make_run(runs_dir, "first", epochs=4)
    summary = library.summary("first")
    scores = run.scores()
    assert (summary.name, summary.state, summary.data, summary.model) == ("first", "finished", "digits", "mlp")
    assert (summary.accuracy, summary.loss) == (scores.accuracy, scores.loss)
    assert (summary.epochs, summary.planned, summary.best) == (4, 100, (0.95 - 0.8 / 4, 4))
    assert summary.recipe["model.widths"] == (8,)
    assert summary.evaluated == ["test"]


def test_a_run_is_read_once_and_again_when_it_changes(library, runs_dir, make_run, monkeypatch):
    run = make_run(runs_dir, "first")
    before = library.summary("first")
    assert library.summary("first") is before
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "loss": 0.125})
    assert library.summary("first").loss == 0.125
    predictions = library.predictions(library.summary("first"), "test")
    assert library.predictions(library.summary("first"), "test") is predictions


@pytest.mark.parametrize(
    "name", ["..", ".", "../outside", "/etc", "first/../../outside", ".hidden", "", "link", "file"]
)
def test_nothing_outside_is_opened(library, runs_dir, make_run, name):
    make_run(runs_dir.parent, "outside")
    make_run(runs_dir, ".hidden".strip("."))
    (runs_dir / "hidden").rename(runs_dir / ".hidden")
    (runs_dir / "link").symlink_to(runs_dir.parent / "outside")
    (runs_dir / "file").write_text("no folder")
    with pytest.raises(HTTPException) as caught:
        library.summary(name)
    assert caught.value.status_code == 404
    assert library.summaries() == []


def test_a_folder_that_is_no_run_is_left_out(library, runs_dir):
    (runs_dir / "notes").mkdir()
    assert library.summaries() == []


def test_states(library, runs_dir, make_run):
    make_run(runs_dir, "failed").set_state("failed", "the loss is no longer finite")
    begun = create_run(runs_dir, "begun")
    begun.set_state("running")
    lost = make_run(runs_dir, "lost")
    lost.set_state("running")
    files.write_json(lost.state_file, {**lost.state, "process": 2**22 + 1})
    elsewhere = make_run(runs_dir, "elsewhere")
    elsewhere.set_state("running")
    files.write_json(elsewhere.state_file, {**elsewhere.state, "process": 1, "host": "another machine"})
    states = {summary.name: (summary.state, summary.why) for summary in library.summaries()}
    assert states == {
        "begun": ("running", ""),
        "elsewhere": ("running", ""),
        "failed": ("failed", "the loss is no longer finite"),
        "lost": ("stopped", LOST),
    }


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("run.json", []),
        ("recipe.json", []),
        ("data.json", []),
        ("environment.json", []),
        ("scores.json", ["validation", "test"]),
        ("predictions-test.npz", ["validation", "test"]),
        ("history.csv", []),
        ("notes.json", ["validation"]),
    ],
)
def test_a_damaged_file_is_said_and_hides_nothing_else(library, runs_dir, make_run, name, offered):
    make_run(runs_dir, "good")
    broken = make_run(runs_dir, "broken", epochs=4)
    (broken.path / name).write_text("epoch\nnone" if name.endswith("csv") else "{")
    summaries = {summary.name: summary for summary in library.summaries()}
    assert summaries["good"].damaged == {}
    summary = summaries["broken"]
    assert list(summary.damaged) == [name]
    assert name in summary.problem
    assert summary.offered == offered
    shown = {"state": summary.state, "epochs": summary.epochs, "parameters": summary.parameters}
    whole: dict[str, object] = {"state": "finished", "epochs": 4, "parameters": 24_674}
    lost: dict[str, dict[str, object]] = {
        "run.json": {"state": "failed"},
        "history.csv": {"epochs": None},
        "environment.json": {"parameters": None},
    }
    assert shown == whole | lost.get(name, {})


def test_scores_of_other_predictions_are_named_and_not_shown(library, runs_dir, make_run):
    run = make_run(runs_dir, "first")
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "accuracy": 1.0})
    summary = library.summary("first")
    assert "do not belong to its predictions" in summary.damaged["scores.json"]
    assert (summary.accuracy, summary.evaluated) == (None, [])


def test_a_recipe_of_another_version_hides_nothing_else(library, runs_dir, make_run):
    run = make_run(runs_dir, "first", epochs=4)
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "flip": True})
    summary = library.summary("first")
    assert str(run.recipe_file) in summary.problem
    assert (summary.state, summary.data, summary.model, summary.epochs, summary.planned) == (
        "finished",
        "digits",
        "mlp",
        4,
        100,
    )
    assert (summary.evaluated, summary.offered) == (["test"], [])
    assert summary.recipe["model.widths"] == [8]


def test_doubts_ask_the_most_accurate_runs(library, runs_dir, make_run):
    for number in range(7):
        make_run(runs_dir, f"run-{number}", skill=1.0 + number)
    doubts = library.doubts("digits", "test")
    best = sorted(library.summaries(), key=lambda summary: -summary.accuracy)[:5]
    assert list(doubts.runs) == [summary.name for summary in best]
    assert library.doubts("digits", "validation") is None
    assert library.doubts("digits", "train") is None


def test_runs_that_cannot_be_asked_hide_nobodys_doubts(library, runs_dir, make_run):
    """The most accurate ones: of other labels, of other images, and damaged."""
    for name in ("damaged", "images", "labels"):
        run = make_run(runs_dir, name, skill=9.0)
        found = run.predictions("test")
        if name == "labels":
            found = dataclasses.replace(found, labels=(found.labels + 1) % 10, logits=np.roll(found.logits, 1, axis=1))
        elif name == "images":
            found = dataclasses.replace(found, ids=np.array([f"other-{each}" for each in found.ids]))
        found.save(run.predictions_file("test"))
        if name == "damaged":
            run.predictions_file("test").write_bytes(b"PK junk")
    alone = Library(Settings(runs_dir=runs_dir.parent / "alone", data="digits"))
    for folder in (runs_dir, alone.runs_dir):
        for number in range(5):  # as many as are asked
            make_run(folder, f"run-{number}", skill=1.0 + number)
    doubts, expected = library.doubts("digits", "test"), alone.doubts("digits", "test")
    assert doubts.runs == expected.runs
    assert doubts.rows == expected.rows
    np.testing.assert_array_equal(doubts.doubt, expected.doubt)
    told = library.not_asked("digits", "test")
    assert {name: why.partition("predictions")[2][:17] for name, why in told.items()} == {
        "damaged": f" from {runs_dir / 'damaged'}"[:17], "images": " are of other ima", "labels": " are of other lab",
    }  # fmt: skip
    assert doubts.not_asked == told
    assert (expected.not_asked, alone.not_asked("digits", "test")) == ({}, {})


def test_training_labels_are_doubted_by_runs_that_left_the_images_out(library, runs_dir, make_run):
    run = make_run(runs_dir, "left-out", fraction=0.3)
    doubts = library.doubts("digits", "train")
    assert doubts.runs == ("left-out",)
    left_out = run.predictions("validation")
    np.testing.assert_allclose(doubts.of(left_out.ids.tolist()), 1 - left_out.label_probabilities, atol=1e-6)


def test_a_run_on_corrected_labels_does_not_doubt_the_published_ones(library, runs_dir, make_run):
    make_run(runs_dir, "corrected", fraction=0.3).labels_file.write_text("id,old,new,verdict\n")
    assert library.doubts("digits", "train") is None
    assert library.doubts("digits", "validation") is None


def test_data_sets_have_one_word_each(library, runs_dir, make_run):
    assert library.data_names() == {"digits": "digits"}
    assert slug_of("cifar10") == "cifar10"
    folder = slug_of("folder:/home/me/pictures")
    assert "/" not in folder
    assert "home" not in folder
    assert folder != slug_of("folder:/home/you/pictures")
    assert slug_of("/home/me/pictures.py").startswith("pictures-")
    with pytest.raises(HTTPException):
        library.collection("cifar10")


@pytest.mark.parametrize("name", ["folder:/etc", "evil.py"])
def test_a_run_cannot_name_a_folder_or_a_program_as_its_data(library, runs_dir, make_run, name):
    run = make_run(runs_dir, "first")
    files.write_json(run.data_file, {**run.data, "name": name})
    assert library.summary("first").data == name
    assert list(library.data_names()) == ["digits"]
    assert "--data" in library.find_collection(name)


def test_pictures_are_found_by_id_only(library):
    collection = library.collection("digits")
    image_id = str(collection.splits.test.ids[0])
    assert collection.picture(image_id).startswith(b"\x89PNG")
    assert collection.picture("../../etc/passwd") is None


def test_a_run_that_was_not_evaluated_says_what_to_do(library, runs_dir, make_run):
    run = make_run(runs_dir, "first")
    run.predictions_file("test").unlink()
    summary = library.summary("first")
    assert summary.evaluated == []
    with pytest.raises(CifarlabError, match="cifarlab evaluate"):
        library.predictions(summary, "test")


def test_a_model_that_is_calibrated_is_served_anew(runs_dir, make_run):
    run = make_run(runs_dir, "first")
    store = ModelStore(runs_dir)
    before = store.version("first")
    assert store.version("first") == before
    files.write_json(run.path / "calibration.json", {"temperature": {"value": 1.5}})
    assert store.version("first") != before
