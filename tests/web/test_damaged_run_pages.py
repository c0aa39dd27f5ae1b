"""The pages of one run whose files are damaged: each is told in one plain sentence, and hides nothing else."""

import html
import re

import pytest

from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.utils import files
from cifarlab.utils.json_data import json_data


@pytest.mark.parametrize(
    "name",
    [
        "run.json", "recipe.json", "data.json", "environment.json", "history.csv", "scores.json",
        "predictions-test.npz", "notes.json", "looks.json", "command.txt", "calibration.json",
        "robustness.json", "model.keras",
    ],
)  # fmt: skip
def test_one_damaged_file_hides_no_page_of_a_run(own_pages, runs_dir, name, text_of, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    path = runs_dir / "first" / name
    path.write_bytes(b"\xff{")
    text = own_pages.get("/runs/first?whole=1")
    assert text.status_code == 200, text_of(text.text)
    assert own_pages.get("/runs/first/making").status_code == 200
    assert own_pages.get("/runs").status_code == 200
    if name not in ("looks.json", "command.txt", "robustness.json"):  # these are not read for a list
        assert f"<strong>{name}</strong>" in text.text
        assert f"damaged: {name}" in own_pages.get("/runs").text
        listed = {each["id"]: each for each in own_pages.get("/v1/runs").json()["runs"]}
        assert list(listed["first"]["damaged"]) == [name]
        assert str(path) in listed["first"]["damaged"][name]
        assert listed["second"]["damaged"] == {}
    again = 'name="split" value="test">Evaluate on test again</button>'
    assert (again in text.text) == (name in ("scores.json", "predictions-test.npz"))


RAW = ("Expecting", "char 0", "codec", "column 1", "zip file", "Errno", "Traceback", "could not convert", "NoneType")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.json", b"", "it is empty"),
        ("recipe.json", b'{"model": "mlp",', "it breaks off in line 1"),
        ("data.json", b"{\n oops", "line 2 is no JSON from character 2 on"),
        ("environment.json", b"\xff\xfe{", "it is no text in UTF-8"),
        ("scores.json", b"[1", "it breaks off in line 1"),
        ("notes.json", b"", "it is empty"),
        ("history.csv", b"epoch,train_loss\n1,what", "line 2: 'what' is no number"),
        ("history.csv", b"\xff", "expected text in UTF-8"),
        ("predictions-test.npz", b"PK", "it is damaged, or only part of it is there"),
        ("model.keras", b"PK\x03\x04", "the file is damaged, or only part of it is there"),
    ],
)
def test_a_damaged_file_is_told_in_one_plain_sentence_with_what_to_do(
    own_pages, runs_dir, name, content, said, text_of, monkeypatch
):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    path = runs_dir / "first" / name
    path.write_bytes(content)
    for address in ("/runs/first", "/runs", "/runs/first?split=test", "/compare?run=first&run=second", "/v1/runs"):
        told = html.unescape(own_pages.get(address).text)
        assert [word for word in RAW if word in told] == [], address
    sentence = re.search(
        rf"<li><strong>{name}</strong>: ([^<]*)</li>", html.unescape(own_pages.get("/runs/first").text)
    )[1]
    assert str(path) in sentence
    assert said in sentence
    assert re.search("restore|train (it|the run) again|run cifarlab|write the tags", sentence)


def test_a_cut_model_is_said_to_be_damaged_everywhere_and_once_a_page(own_pages, runs_dir, acts, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    run = Run(runs_dir / "first")
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "model_checksum": model_checksum(run)})
    run.model_file.write_bytes(run.model_file.read_bytes()[:100])
    sentence = f"cannot load the model {run.model_file}: the file is damaged, or only part of it is there"
    page = html.unescape(own_pages.get("/runs/first").text)
    assert page.count(sentence) == 1
    assert "not evaluated" not in page.lower()
    assert acts(page) == {"notes", "rename", "delete"}
    table = html.unescape(own_pages.get("/runs-table?q=first").text)
    assert "model.keras damaged</span>" in table
    assert "of an earlier model" not in table
    for address in ("/runs/first?split=test", "/runs/first/mistakes"):
        assert sentence in html.unescape(own_pages.get(address).text)
    for what in ("evaluate", "calibrate"):
        assert sentence in html.unescape(own_pages.post(f"/runs/first/{what}").text)
    assert "(first: model.keras damaged)" in own_pages.get("/compare?run=first&run=second").text


def test_a_model_that_is_gone_is_said_to_be_missing(own_pages, runs_dir, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    run = Run(runs_dir / "first")
    run.model_file.unlink()
    says = f"first has no model: expected {run.model_file}; restore the file, or train it again"
    assert says in html.unescape(own_pages.get("/runs/first").text)
    assert says in html.unescape(own_pages.post("/runs/first/evaluate").text)
    run.set_state("stopped", "interrupted")
    run.checkpoint_file.touch()
    assert "; resume its training" in html.unescape(own_pages.get("/runs/first").text)


def test_epochs_of_a_damaged_history_are_no_number(own_pages, runs_dir, monkeypatch, text_of):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    run = Run(runs_dir / "first")
    run.history_file.write_bytes(b"\xffjunk")
    run.scores_file("test").unlink()
    assert "history.csv damaged</span>" in own_pages.get("/runs-table?q=first").text
    assert "its history.csv is damaged" in text_of(own_pages.get("/runs/first").text)
    assert "0 of 100 epochs" not in text_of(own_pages.get("/runs/first").text)
    listed = {each["id"]: each for each in own_pages.get("/v1/runs").json()["runs"]}
    assert (listed["first"]["epochs"], listed["second"]["epochs"]) == (None, 5)
    header, row = own_pages.get("/runs.csv?q=first").text.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["epochs"] == ""


def test_evaluation_is_offered_in_one_place(own_pages, runs_dir, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    for damaged in ("", "scores.json", "predictions-test.npz"):
        if damaged:
            (runs_dir / "second" / damaged).write_bytes(b"{")
        text = own_pages.get("/runs/second").text
        assert text.count('action="/runs/second/evaluate"') == 1
        assert text.count('href="#evaluate"') == bool(damaged)
        assert 'id="evaluate"' in text
