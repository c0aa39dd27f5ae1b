"""Tags, notes, other names and the bin, as the pages' forms send them."""

import html
import re

import pytest

from cifarlab.runs import Run
from cifarlab.runs.moving import binned
from cifarlab.runs.notes import Notes, read_notes, write_notes


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)


def test_tags_and_a_note_are_kept_shown_and_searched(own_pages, runs_dir):
    form = {"tags": "base, to <b>show</b>", "note": "Why?\nBecause & so."}
    answer = own_pages.post("/runs/first/notes", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/first?saved=1#notes")
    assert ">Saved</span>" in own_pages.get("/runs/first?saved=1").text
    assert ">Saved</span>" not in own_pages.get("/runs/first").text
    answer = own_pages.post("/runs/held-out/notes?split=validation", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/runs/held-out?split=validation&saved=1#notes"
    own_pages.post("/runs/held-out/notes", data={})
    page = own_pages.get("/runs/first").text
    assert "Because &amp; so." in page
    assert "<b>show</b>" not in page
    table = own_pages.get("/runs?q=because").text
    assert re.findall(r'<a class="run" href="[^"]+">([^<]+)</a>', table) == ["first"]
    assert 'href="/runs?q=because&amp;tag=base"' in table
    assert "no run is like that" in own_pages.get("/runs?tag=nothing").text.lower()
    listed = {each["id"]: each for each in own_pages.get("/v1/runs").json()["runs"]}
    assert (listed["first"]["tags"], listed["second"]["note"]) == (["base", "to <b>show</b>"], "")
    assert own_pages.post("/runs/first/notes", data={"tags": "x" * 50}).status_code == 400
    assert own_pages.post("/runs/nothing/notes", data=form).status_code == 404


def test_what_was_noted_elsewhere_meanwhile_is_not_overwritten_unseen(own_pages, runs_dir):
    before = re.search(r'name="before" value="(\w+)"', own_pages.get("/runs/first").text)[1]
    own_pages.post("/selection/tag", data={"run": "first", "tags": "best"})
    form = {"tags": "", "note": "Typed here.", "before": before}
    answer = own_pages.post("/runs/first/notes", data=form)
    assert answer.status_code == 400
    assert "have been changed elsewhere since this page was loaded" in answer.text
    assert "Typed here." in answer.text
    assert read_notes(Run(runs_dir / "first")).tags == ("best",)
    again = re.search(r'name="before" value="(\w+)"', answer.text)[1]
    assert own_pages.post("/runs/first/notes", data={**form, "before": again}).status_code == 200
    assert read_notes(Run(runs_dir / "first")) == Notes((), "Typed here.")


def test_a_run_is_deleted_and_taken_back(own_pages, runs_dir):
    answer = own_pages.post("/runs/first/delete")
    assert answer.status_code == 200
    assert "is in the bin" in answer.text
    assert 'href="/runs/first"' not in answer.text
    (entry,) = binned(runs_dir)
    assert f'value="{entry}"' in own_pages.get("/bin").text
    assert own_pages.get("/runs/first").status_code == 404
    back = own_pages.post("/bin/restore", data={"entry": entry}, follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, "/runs/first")
    assert own_pages.get("/runs/first").status_code == 200
    assert "is in the bin" not in own_pages.get("/runs", params={"binned": entry}).text
    assert "It is empty." in own_pages.get("/bin").text
    assert own_pages.post("/bin/restore", data={"entry": "../first"}).status_code == 400


def test_after_a_deletion_the_list_is_filtered_and_sorted_as_before(own_pages, links):
    own_pages.get("/runs?q=s&sort=-name&set=batch_size&run=first")
    assert "/runs?q=s&sort=-name&set=batch_size" in links(own_pages.get("/runs/first").text, "/runs?")
    answer = own_pages.post("/runs/first/delete")
    address = str(answer.url)
    assert "/runs?q=s&sort=-name&set=batch_size&binned=first~" in address
    assert "is in the bin" in answer.text
    own_pages.get("/runs")
    assert str(own_pages.post("/runs/second/delete").url).partition("?")[2].startswith("binned=second~")


def test_the_rule_for_names_stands_under_the_field(own_pages, text_of):
    text = own_pages.get("/runs/first").text
    (described,) = re.findall(r'<input name="new"[^>]* aria-describedby="([^"]+)"', text)
    assert f'id="{described}">Letters, digits' in text
    refused = own_pages.post("/runs/first/rename", data={"new": "a b"}).text
    assert re.findall(r'<input name="new"[^>]* aria-describedby="([^"]+)"', refused) == ["refused"]


def test_a_run_in_training_is_neither_deleted_nor_renamed(own_pages, runs_dir):
    for what in ("delete", "rename"):
        answer = own_pages.post(f"/runs/begun/{what}", data={"new": "other"})
        assert answer.status_code == 400
        assert "begun is being trained or evaluated" in html.unescape(answer.text)
    with Run(runs_dir / "first").owned():  # by another process, which has not said so yet
        assert "is being trained" in own_pages.post("/runs/first/delete").text
    assert {"begun", "first"} <= {path.name for path in runs_dir.iterdir()}


def test_a_run_gets_another_name_and_is_told_what_keeps_the_old_one(own_pages, runs_dir, text_of):
    answer = own_pages.post("/runs/first/rename", data={"new": "better"})
    assert answer.status_code == 200
    assert str(answer.url).endswith("/runs/better?renamed=first")
    assert "It was called first. What was written before keeps that name" in text_of(answer.text)
    assert "of 120 test images were classified correctly" in text_of(answer.text)
    assert not (runs_dir / "first").exists()
    for new, says in (("second", "is there already"), ("a/b", "made of letters"), ("", "made of letters")):
        refused = own_pages.post("/runs/better/rename", data={"new": new})
        assert (refused.status_code, says in refused.text) == (400, True)


def test_ticked_runs_are_tagged_together_and_the_page_stays(own_pages, runs_dir):
    write_notes(Run(runs_dir / "first"), ["old"], "kept")
    form = {"run": ["first", "second"], "tags": "good, old"}
    answer = own_pages.post("/selection/tag?q=s&sort=name", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/runs?q=s&sort=name&run=first&run=second"
    assert read_notes(Run(runs_dir / "first")) == Notes(("old", "good"), "kept")
    assert read_notes(Run(runs_dir / "second")).tags == ("good", "old")
    own_pages.post("/selection/untag", data={**form, "tags": "old"})
    assert read_notes(Run(runs_dir / "first")) == Notes(("good",), "kept")


def test_a_refused_tag_changes_no_run_and_comes_back_with_its_ticks(own_pages, runs_dir):
    write_notes(Run(runs_dir / "second"), [f"tag{number}" for number in range(20)], "")
    answer = own_pages.post("/selection/tag?q=s", data={"run": ["first", "second"], "tags": "more"})
    assert answer.status_code == 400
    assert "at most 20 tags" in answer.text
    assert len(re.findall(r'name="run" value="[^"]+" aria-label="[^"]+" checked', answer.text)) == 2
    assert re.search(r'name="tags" value="more"[^>]*aria-invalid="true"', answer.text)
    assert read_notes(Run(runs_dir / "first")) == Notes()
    assert "write a tag" in own_pages.post("/selection/tag", data={"run": "first"}).text
    assert "no run is selected" in own_pages.post("/selection/tag", data={"tags": "a"}).text
    assert own_pages.post("/selection/tag", data={"run": "nothing", "tags": "a"}).status_code == 404
    again = own_pages.get("/selection/tag?q=s", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/runs?q=s")


def test_ticked_runs_are_deleted_together_and_taken_back(own_pages, runs_dir):
    refused = own_pages.post("/selection/delete", data={"run": ["first", "begun"]})
    assert (refused.status_code, binned(runs_dir)) == (400, {})
    answer = own_pages.post("/selection/delete?sort=name", data={"run": ["first", "second"]})
    assert len(binned(runs_dir)) == 2
    assert "are in the bin" in answer.text
    assert answer.text.index("2 runs in the bin") < answer.text.index('id="table"')
    entries = re.findall(r'name="entry" value="([^"]+)"', answer.text)
    assert sorted(entries) == sorted(binned(runs_dir))
    back = own_pages.post("/bin/restore", data={"entry": entries}, follow_redirects=False)
    assert (back.status_code, back.headers["location"], binned(runs_dir)) == (303, "/runs", {})
    assert own_pages.get("/runs/first").status_code == 200


def test_what_was_done_is_seen_at_once(own_pages, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 1e9)
    assert 'href="/runs/first"' in own_pages.get("/runs").text
    assert 'href="/runs/first"' not in own_pages.post("/selection/delete", data={"run": "first"}).text


def test_columns_that_chose_themselves_are_not_ticked(own_pages, runs_dir):
    text = own_pages.get("/runs?group=seed").text
    assert not re.search(r'name="set" value="[^"]+" checked', text)
    assert "first eight are shown" in text
    text = own_pages.get("/runs?group=set.epochs").text
    assert '<option value="set.epochs" selected>epochs</option>' in text
    assert "Each row is the runs with one value of <code>epochs</code>" in text


def test_the_table_keeps_its_ticks_and_gives_its_file(own_pages):
    text = own_pages.get("/runs?run=first&run=gone&sort=name").text
    assert re.findall(r'name="run" value="(\w[\w-]*)" aria-label="[^"]+" checked', text) == ["first"]
    assert "/runs?run=first&amp;run=gone&amp;sort=-accuracy" in text
    hidden = own_pages.get("/runs?run=first&q=second").text
    assert '<input type="hidden" name="run" value="first" data-elsewhere>' in hidden
    answer = own_pages.get("/runs.csv?sort=name&q=sec")
    assert answer.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["name", "second"]


def test_times_are_told_with_their_zone(own_pages):
    assert re.search(r'<time datetime="[\d-]+T[\d:]+\+00:00">[\d-]+ \d\d:\d\d UTC</time>', own_pages.get("/runs").text)
