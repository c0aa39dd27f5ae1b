"""Forms that are refused: their page comes back, with what was typed in the fields and the focus where it belongs."""

import html
import re

import pytest

from cifarlab.runs import Run
from cifarlab.runs.moving import bin_run


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)


def refused(client, address: str, form: dict[str, str]) -> str:
    """The page that comes back, which gives the focus to one element."""
    answer = client.post(address, data=form)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.count(" autofocus") == 1
    assert answer.text.count('role="alert"') == 1
    return html.unescape(answer.text)


@pytest.mark.parametrize(
    ("form", "said", "field"),
    [
        ({"tags": "x" * 41, "note": "Why?\nBecause <b> & so."}, "a tag has at most 40 letters", "tags"),
        ({"tags": ",".join("abcdefghijklmnopqrstu"), "note": ""}, "at most 20 tags", "tags"),
        ({"tags": "base, wide", "note": "n" * 4001}, "a note has at most 4,000 letters", "note"),
    ],
)
def test_refused_tags_and_notes_stay_in_their_fields(own_pages, form, said, field):
    text = refused(own_pages, "/runs/first/notes", form)
    assert f'name="tags" value="{form["tags"]}"' in text
    assert re.search(r'<textarea name="note"[^>]*>\n(.*?)</textarea>', text, re.DOTALL)[1] == form["note"]
    assert re.search(rf'<\w+ name="{field}"[^>]* aria-describedby="refused" aria-invalid="true" autofocus>', text)
    message = re.search(r'<p class="notice" role="alert" id="refused">(.*?)</p>', text)[1]
    assert said in message
    # Beside the fields, in their form.
    assert 0 < text.index(message) - text.index('action="/runs/first/notes"') < 200


def test_a_note_that_begins_with_an_empty_line_comes_back_whole(own_pages):
    text = refused(own_pages, "/runs/first/notes", {"tags": "x" * 41, "note": "\nsecond line"})
    assert ">\n\nsecond line</textarea>" in text.replace("\r\n", "\n")  # a browser drops the first line break


def test_a_refused_name_stays_in_its_field(own_pages):
    text = refused(own_pages, "/runs/first/rename", {"new": "second"})
    assert re.search(r'<input name="new" value="second"[^>]* aria-describedby="refused" [^>]*autofocus>', text)
    assert "is there already: choose another name" in text
    assert 'name="tags" value=""' in text


@pytest.mark.parametrize(
    ("name", "form", "typed", "said"),
    [
        ("begun", "evaluate", {"split": "test"}, "no trained model yet"),
        ("first", "evaluate", {"split": "train"}, "one of: test, validation"),
        ("begun", "calibrate", {}, "no trained model yet"),
        ("first", "resume", {}, "cannot be resumed: it is finished"),
        ("first", "stop", {}, "is not being trained"),
        ("begun", "delete", {}, "is being trained or evaluated"),
    ],
)
def test_a_refused_button_says_why_on_its_page(own_pages, name, form, typed, said):
    text = refused(own_pages, f"/runs/{name}/{form}", typed)
    assert re.search(rf'role="alert" id="refused" tabindex="-1" autofocus>[^<]*{said}', text)
    assert f'<main data-run="{name}">' in text


def test_a_run_that_cannot_be_taken_back_is_said_in_the_bin(own_pages, runs_dir):
    bin_run(Run(runs_dir / "first"))
    text = refused(own_pages, "/bin/restore", {"entry": "second~1"})
    assert "there is no 'second~1' in" in text
    assert ">Restore</button>" in text


def test_too_few_runs_to_compare_are_said_in_the_table_and_its_ticks_stay(pages):
    answer = pages.get("/compare")
    assert (answer.status_code, "choose two runs or more" in answer.text) == (400, True)
    assert '<form class="selection"' in answer.text
    many = "&".join(f"run=run-{number}" for number in range(13))
    text = pages.get(f"/compare?{many}&run=first").text
    assert "at most 12 runs can be compared at once" in text
    assert re.findall(r'name="run" value="([\w-]+)" aria-label="[^"]+" checked', text) == ["first"]


@pytest.mark.parametrize("form", ["notes", "rename", "delete", "evaluate", "calibrate", "resume", "stop"])
def test_who_asks_for_the_page_of_a_refused_form_again_gets_the_runs(own_pages, form):
    answer = own_pages.get(f"/runs/first/{form}?split=test", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/runs/first?split=test")
    assert own_pages.get("/bin/restore", follow_redirects=False).headers["location"] == "/bin"
    assert own_pages.get("/studies/any/join", follow_redirects=False).headers["location"] == "/studies/any"


def test_a_program_is_told_the_reason_alone(own_pages):
    answer = own_pages.post("/runs/first/rename", data={"new": "a/b"}, headers={"accept": "application/json"})
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def test_a_refused_form_of_a_study_comes_back_on_its_page(make_client, made_up_study, tmp_path):
    study = made_up_study.make_study(tmp_path / "studies", "made-up")
    about = study.about_file.read_text()
    client = make_client(studies_dir=tmp_path / "studies")
    assert "is not searched by this app" in refused(client, "/studies/made-up/stop", {})
    study.about_file.write_text(about.replace("cifarlab tune", "rm"))
    assert "does not say how it was begun" in refused(client, "/studies/made-up/join", {})
