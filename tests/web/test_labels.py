"""Marking labels without scripts: the forms that galleries offer, what is kept, and what is refused."""

import csv
import html
import io
import re

import pytest

from cifarlab.datasets import load_data
from cifarlab.datasets.verdicts import content_checksum, read_labels

FORM = {"accept": "text/html"}
SCRIPT = {"accept": "application/json"}


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture
def kept(runs_dir):
    """The labels file of the digits."""
    return runs_dir / "labels" / "digits.csv"


def offered(text: str) -> list[str]:
    """The pictures that a page lets its visitor select."""
    return [html.unescape(each) for each in re.findall(r'type="checkbox" name="image" value="([^"]+)"', text)]


def test_a_gallery_offers_to_mark_and_keeps_its_filter(own_pages, links):
    text = own_pages.get("/runs/first/mistakes?sort=confidence").text
    assert offered(text) == []
    (there,) = [each for each in links(text, "mark=1") if each.startswith("/runs")]
    assert there == "/runs/first/mistakes?sort=confidence&mark=1"
    text = own_pages.get(there).text
    assert len(offered(text)) > 20
    assert "/runs/first/mistakes?sort=confidence" in links(text)
    assert 'name="back" value="/runs/first/mistakes?sort=confidence&amp;mark=1"' in text
    assert "nothing marked yet" in text


@pytest.mark.parametrize("page", ["/runs/first/mistakes", "/data/digits"])
def test_a_form_is_kept_with_everything_and_leads_back(own_pages, kept, digits, page, text_of):
    first, second, *_ = offered(own_pages.get(f"{page}?mark=1").text)
    sent = {"image": [first, second], "verdict": "relabel", "new": "nine", "back": f"{page}?mark=1"}
    answer = own_pages.post("/labels/digits", data=sent, headers=FORM, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?mark=1")
    verdicts = read_labels(kept).verdicts
    assert [each.image_id for each in verdicts] == [each.partition(":")[2] for each in (first, second)]
    row = digits.test.ids.tolist().index(verdicts[0].image_id)
    assert verdicts[0].old == digits.class_names[digits.test.labels[row]]
    assert verdicts[0].checksum == content_checksum(digits.test.images[row])
    assert verdicts[0].when.endswith("Z")
    told = text_of(own_pages.get(f"{page}?mark=1").text)
    assert "2 marked: 2 relabel" in told
    assert f"--labels {kept}" in told
    assert "relabel: nine" in told


def test_the_suggested_class_is_each_pictures_own(own_pages, kept, digits):
    images = offered(own_pages.get("/runs/first/mistakes?mark=1").text)[:5]
    answer = own_pages.post("/labels/digits", data={"image": images, "verdict": "relabel"}, headers=SCRIPT)
    suggested = [digits.class_names[int(each.partition(":")[0])] for each in images]
    assert [each.new for each in read_labels(kept).verdicts] == suggested
    assert answer.json() == {
        "marks": {each.partition(":")[2]: f"relabel: {new}" for each, new in zip(images, suggested, strict=True)},
        "summary": "5 marked: 5 relabel", "splits": "(5 test images)", "serve": ["file", "test"], "before": 0,
    }  # fmt: skip


def test_undo_takes_back_and_the_file_only_grows(own_pages, kept):
    image = offered(own_pages.get("/data/digits?mark=1").text)[0]
    for verdict in ("drop", "unsure", "keep"):
        own_pages.post("/labels/digits", data={"image": image, "verdict": verdict}, headers=SCRIPT)
    before = kept.read_bytes()
    answer = own_pages.post("/labels/digits", data={"image": image, "verdict": "undo"}, headers=SCRIPT)
    told = answer.json()
    assert (told["marks"], told["summary"]) == ({image.partition(":")[2]: ""}, "nothing marked yet")
    assert (told["splits"], told["serve"], told["before"]) == ("", [], 3)
    assert kept.read_bytes().startswith(before)
    assert [each.verdict for each in read_labels(kept).verdicts] == ["drop", "unsure", "keep", "undo"]


def test_undo_of_one_mark_brings_back_what_stood_there_before(own_pages, kept):
    first, second = offered(own_pages.get("/data/digits?mark=1").text)[:2]
    own, other = (each.partition(":")[2] for each in (first, second))

    def send(**fields):
        return own_pages.post("/labels/digits", data={"image": first, **fields}, headers=SCRIPT).json()

    send(verdict="relabel", new="nine")
    mistaken = send(verdict="keep", image=[first, second])
    assert mistaken["before"] == 1
    told = send(verdict="undo", before=mistaken["before"], image=[first, second])
    assert told["marks"] == {own: "relabel: nine", other: ""}
    said = [(each.image_id, each.verdict, each.new) for each in read_labels(kept).verdicts]
    assert said == [
        (own, "relabel", "nine"), (own, "keep", ""), (other, "keep", ""), (own, "relabel", "nine"), (other, "undo", ""),
    ]  # fmt: skip
    assert send(verdict="undo", before="0")["marks"] == {own: ""}


@pytest.mark.parametrize("before", ["-1", "2", "x", "9" * 5000])
def test_undo_to_a_moment_that_never_was_is_refused(own_pages, kept, before):
    image = offered(own_pages.get("/data/digits?mark=1").text)[0]
    own_pages.post("/labels/digits", data={"image": image, "verdict": "drop"}, headers=SCRIPT)
    fields = {"image": image, "verdict": "undo", "before": before}
    answer = own_pages.post("/labels/digits", data=fields, headers=SCRIPT)
    assert answer.status_code == 400
    assert "has 1 verdict" in answer.json()["detail"]
    assert [each.verdict for each in read_labels(kept).verdicts] == ["drop"]


def test_the_last_mark_of_each_image_is_saved_apart(own_pages, kept, tmp_path, digits):
    train, test = f"-1:{digits.train.ids[0]}", f"-1:{digits.test.ids[1]}"
    taken_back = f"-1:{digits.test.ids[0]}"
    for image, verdict, new in ((test, "keep", ""), (taken_back, "drop", ""), (train, "drop", ""), (test, "drop", "")):
        own_pages.post("/labels/digits", data={"image": image, "verdict": verdict, "new": new}, headers=SCRIPT)
    own_pages.post("/labels/digits", data={"image": taken_back, "verdict": "undo"}, headers=SCRIPT)
    answer = own_pages.get("/labels/digits/current")
    assert answer.headers["content-disposition"] == 'attachment; filename="digits-current.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    ids = [str(digits.train.ids[0]), str(digits.test.ids[1])]
    assert [(row["id"], row["verdict"], row["split"]) for row in rows] == [
        (ids[0], "drop", "train"),
        (ids[1], "drop", "test"),
    ]
    (tmp_path / "current.csv").write_text(answer.text)
    assert read_labels(tmp_path / "current.csv").current.keys() == set(ids)  # it is a labels file
    kept.write_text("id,old,new,verdict\na,one,,maybe\n")
    assert own_pages.get("/labels/digits/current", headers=SCRIPT).status_code == 400


def test_what_marks_serve_is_told_by_their_splits(own_pages, digits):
    """Keep and unsure change nothing, and what is said of test images no training."""

    def served(split: str, row: int, verdict: str) -> list[str]:
        fields = {"image": f"-1:{digits[split].ids[row]}", "verdict": verdict}
        return own_pages.post("/labels/digits", data=fields, headers=SCRIPT).json()["serve"]

    def shown(page: str) -> list[str]:
        return re.findall(r'data-serve="(\w+)">', own_pages.get(page).text)  # the others are hidden

    assert served("train", 0, "keep") == ["file"]
    assert served("test", 0, "drop") == ["file", "test"]
    assert shown("/data/digits") == shown("/runs/first/mistakes") == ["file", "test"]
    text = html.unescape(own_pages.get("/runs/first/mistakes").text)
    assert re.search(r"<code>cifarlab evaluate \S+/runs/first --labels \S+/labels/digits.csv</code>", text)
    assert "(1 train, 1 test images)" in text
    assert served("train", 0, "drop") == ["file", "train", "test"]


def test_marking_goes_on_at_the_first_picture_without_a_mark(own_pages):
    def begins(page: str) -> str:
        (value,) = re.findall(r'name="image" value="([^"]+)" autofocus>', own_pages.get(page).text)
        return html.unescape(value)

    page = "/data/digits?sort=doubt&mark=1"
    images = offered(own_pages.get(page).text)
    assert begins(page) == images[0]
    fields = {"image": [images[0], images[1], images[3]], "verdict": "keep"}
    own_pages.post("/labels/digits", data=fields, headers=SCRIPT)
    assert begins(page) == images[2]
    own_pages.post("/labels/digits", data={"image": images, "verdict": "keep"}, headers=SCRIPT)
    assert begins(page) == images[0]  # all have one


@pytest.mark.parametrize("page", ["/data/digits?sort=doubt&mark=1", "/runs/first/mistakes?mark=1"])
def test_pictures_are_found_by_their_marks(own_pages, page):
    images = offered(own_pages.get(page).text)
    for image, verdict in zip(images, ("keep", "drop", "unsure"), strict=False):
        own_pages.post("/labels/digits", data={"image": image, "verdict": verdict}, headers=SCRIPT)
    own_pages.post("/labels/digits", data={"image": images[3], "verdict": "relabel", "new": "nine"}, headers=SCRIPT)

    def found(wanted: str) -> list[str]:
        return offered(own_pages.get(f"{page}&marks={wanted}").text)

    assert found("marked") == images[:4]
    assert found("unmarked")[:20] == images[4:24]
    assert [found(each) for each in ("keep", "drop", "unsure")] == [[image] for image in images[:3]]
    assert found("relabel") == (images[3:4])
    assert "4 pictures" in own_pages.get("/data/digits?marks=marked").text
    assert own_pages.get(f"{page}&marks=maybe").status_code == 400
    image_page = re.search(r'href="(/images/[^"]+)"', own_pages.get(f"{page}&marks=drop").text)[1]
    assert "marks=drop" in image_page  # and leads back to where marking goes on
    assert "mark=1" in image_page


def test_the_way_back_from_a_picture_leads_to_its_page_of_the_list(own_pages, links):
    text = own_pages.get("/data/digits?split=train&mark=1&page=2").text
    picture = html.unescape(re.search(r'href="(/images/[^"]+)"', text)[1])
    assert "/data/digits?split=train&mark=1&page=2" in links(own_pages.get(picture).text)


def test_enter_at_a_picture_sends_nothing(own_pages):
    """A browser gives Enter to the form's first button: it is one that closes a dialog, of which there is none."""
    text = own_pages.get("/data/digits?mark=1").text
    assert (
        re.search(r"<form class=\"marking\".*?(<button[^>]*>)", text, re.S)[1] == '<button formmethod="dialog" hidden>'
    )


def test_who_relabels_to_the_label_itself_keeps_it(own_pages, kept, digits):
    image = f"-1:{digits.test.ids[0]}"
    own = digits.class_names[digits.test.labels[0]]
    own_pages.post("/labels/digits", data={"image": image, "verdict": "relabel", "new": own}, headers=SCRIPT)
    assert [(each.verdict, each.new) for each in read_labels(kept).verdicts] == [("keep", "")]


def test_the_labels_are_downloaded_as_they_are(own_pages, kept):
    assert own_pages.get("/labels/digits").text == "id,old,new,verdict,when,checksum\n"
    image = offered(own_pages.get("/data/digits?mark=1").text)[0]
    own_pages.post("/labels/digits", data={"image": image, "verdict": "drop"}, headers=SCRIPT)
    answer = own_pages.get("/labels/digits")
    assert answer.content == kept.read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="digits.csv"'


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verdict": "drop"}, "no picture is selected"),
        ({"image": "1:nowhere", "verdict": "drop"}, "digits has no image 'nowhere'"),
        ({"image": "../../x", "verdict": "drop"}, "digits has no image ''"),
        ({"image": "1:ID", "verdict": "maybe"}, "unknown verdict 'maybe'"),
        ({"image": "1:ID", "verdict": ""}, "unknown verdict ''"),
        ({"image": "-1:ID", "verdict": "relabel"}, "no other class is suggested for"),
        ({"image": "99:ID", "verdict": "relabel"}, "no other class is suggested for"),
        ({"image": "1:ID", "verdict": "relabel", "new": "cat"}, "there is no class 'cat'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(own_pages, kept, digits, fields, said):
    fields = {key: value.replace("ID", str(digits.test.ids[0])) for key, value in fields.items()}
    answer = own_pages.post("/labels/digits", data=fields, headers=SCRIPT)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert not kept.exists()


def test_a_browser_that_is_refused_is_led_back(own_pages, kept, digits, links, text_of):
    back = "/data/digits?sort=doubt&mark=1"
    fields = {"image": f"-1:{digits.test.ids[0]}", "verdict": "relabel", "back": back}
    answer = own_pages.post("/labels/digits", data=fields, headers=FORM)
    assert answer.status_code == 400
    assert f"Not kept: no other class is suggested for {digits.test.ids[0]}" in text_of(answer.text)
    assert back in links(answer.text)
    answer = own_pages.post("/labels/digits", data=fields | {"back": "//evil.example"}, headers=FORM)
    assert not links(answer.text, "evil.example")
    assert not kept.exists()


def test_marks_go_to_known_data_sets_alone(own_pages, runs_dir):
    for slug in ("nothing", "..", "%2e%2e%2fdigits", "builtin"):
        answer = own_pages.post(f"/labels/{slug}", data={"image": "1:x", "verdict": "drop"}, headers=SCRIPT)
        assert answer.status_code in (404, 405)
    assert not (runs_dir / "labels").exists()


def test_another_sites_page_cannot_mark(own_pages, kept, digits):
    fields = {"image": f"1:{digits.test.ids[0]}", "verdict": "drop"}
    answer = own_pages.post("/labels/digits", data=fields, headers={**FORM, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert not kept.exists()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
def test_the_way_back_stays_here(own_pages, digits, back):
    fields = {"image": f"1:{digits.test.ids[0]}", "verdict": "drop", "back": back}
    answer = own_pages.post("/labels/digits", data=fields, headers=FORM, follow_redirects=False)
    assert answer.headers["location"] == "/data/digits?mark=1"


def test_a_damaged_labels_file_is_said_and_left_alone(own_pages, kept, digits, text_of):
    kept.parent.mkdir()
    kept.write_text("id,old,new,verdict,when,checksum\na,one,,kept,,\n")
    before = kept.read_bytes()
    text = own_pages.get("/data/digits?mark=1").text
    assert "The labels file cannot be used:" in text_of(text)
    assert "row 2: unknown verdict" in text_of(text)
    assert offered(text) == []
    fields = {"image": f"1:{digits.test.ids[0]}", "verdict": "drop"}
    assert own_pages.post("/labels/digits", data=fields, headers=SCRIPT).status_code == 400
    assert kept.read_bytes() == before


def test_a_link_among_the_runs_leads_nowhere(own_pages, runs_dir, digits, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (runs_dir / "labels").symlink_to(tmp_path / "elsewhere")
    fields = {"image": f"1:{digits.test.ids[0]}", "verdict": "drop"}
    answer = own_pages.post("/labels/digits", data=fields, headers=SCRIPT)
    assert "is a link, which is not followed" in answer.json()["detail"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (tmp_path / "elsewhere" / "digits.csv").write_text("secret")
    assert "secret" not in own_pages.get("/labels/digits").text


def test_the_folder_of_labels_is_no_run(own_pages, kept, digits):
    own_pages.post("/labels/digits", data={"image": f"1:{digits.test.ids[0]}", "verdict": "drop"}, headers=SCRIPT)
    assert kept.is_file()
    assert "/runs/labels" not in own_pages.get("/runs").text
    assert own_pages.get("/runs/labels").status_code == 404
