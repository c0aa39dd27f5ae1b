"""The ids of a gallery as CSV: what the filter leaves, in its order, or what was selected."""

import csv
import html
import io
import re

import pytest

from cifarlab.datasets import load_data
from cifarlab.runs import open_run


def table(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.text)))


def listed(pages, address: str) -> tuple[str, list[str]]:
    """Where a gallery offers its ids, and those on all its pages."""
    text = pages.get(address).text
    offered = html.unescape(re.search(r'href="(/ids/[^"]+)" download', text)[1])
    ids, page = [], text
    while True:
        ids += re.findall(r'href="/images/digits/([^?"]+)', page)
        following = re.search(r'href="([^"]+)" data-key="ArrowRight"', page)
        if not following:
            return offered, ids
        page = pages.get(html.unescape(following[1])).text


def test_all_that_a_filter_leaves_of_a_run(pages, made_runs):
    address, ids = listed(pages, "/runs/first/mistakes?shown=all&sort=confidence&least=30")
    rows = table(pages.get(address))
    assert [row["id"] for row in rows] == ids
    assert len(ids) > 20
    predictions = open_run(made_runs / "first").predictions("test")
    for row in rows[:5]:
        place = predictions.ids.tolist().index(row["id"])
        assert row["label"] == predictions.class_names[predictions.labels[place]]
        assert row["predicted"] == predictions.class_names[predictions.predicted[place]]
        assert float(row["confidence"]) == pytest.approx(predictions.probabilities[place].max(), rel=1e-5)
        assert float(row["loss"]) == pytest.approx(predictions.losses[place], rel=1e-5)
        assert 0 <= float(row["label_error_score"]) <= 1


def test_all_that_a_filter_leaves_of_a_data_set(pages):
    address, ids = listed(pages, "/data/digits?split=train&class=three")
    rows = table(pages.get(address))
    assert [row["id"] for row in rows] == ids
    train = load_data("digits").train
    assert len(rows) == (train.labels == train.class_names.index("three")).sum()
    assert {(row["split"], row["label"]) for row in rows} == {("train", "three")}


@pytest.mark.parametrize("address", ["/runs/first/mistakes?sort=doubt", "/data/digits?sort=doubt"])
def test_they_are_offered_once(pages, address):
    """To who looks, those of the whole list; to who marks, those that are selected."""
    looks, marks = (pages.get(address + mark).text for mark in ("", "&mark=1"))
    assert [re.findall(r"(?i)ids as csv", text) for text in (looks, marks)] == [["ids as CSV"], ["Ids as CSV"]]
    assert "mark" not in re.search(r'formaction="([^"]+)"', marks)[1]


def test_those_that_were_selected(pages):
    text = pages.get("/runs/first/mistakes?mark=1").text
    address = html.unescape(re.search(r'formaction="([^"]+)"', text)[1])
    offered = [html.unescape(each) for each in re.findall(r'name="image" value="([^"]+)"', text)]
    rows = table(pages.post(address, data={"image": [offered[3], offered[1]], "back": "/x"}))
    assert [f"{row['id']}" for row in rows] == [offered[each].partition(":")[2] for each in (1, 3)]  # the page's order
    assert set(rows[0]) == {"id", "split", "label", "predicted", "confidence", "loss", "label_error_score", "mark"}


def test_the_marks_are_among_them(own_pages):
    images = re.findall(r'name="image" value="([^"]+)"', own_pages.get("/runs/first/mistakes?mark=1").text)[:2]
    for image, fields in zip(images, ({"verdict": "drop"}, {"verdict": "relabel", "new": "nine"}), strict=True):
        own_pages.post("/labels/digits", data={"image": html.unescape(image), **fields})
    for address in ("/ids/runs/first?split=test", "/ids/data/digits?split=test"):
        marks = {row["id"]: row["mark"] for row in table(own_pages.get(address))}
        assert [marks[image.partition(":")[2]] for image in images] == ["drop", "relabel: nine"]
        assert sorted({*marks.values()}) == ["", "drop", "relabel: nine"]


def test_an_empty_list_has_its_header(pages):
    answer = pages.get("/ids/runs/first?least=100&most=0")
    assert table(answer) == []
    assert answer.text.startswith("id,split,label,predicted")


@pytest.mark.parametrize(
    ("method", "address", "status", "says"),
    [
        ("POST", "/ids/data/digits", 400, "no picture is selected"),
        ("GET", "/ids/data/nothing", 404, "no data set"),
        ("GET", "/ids/data/digits?split=extra", 404, "no extra images"),
        ("GET", "/ids/runs/nothing", 404, "no run"),
        ("GET", "/ids/runs/begun", 400, "begun has no trained model yet"),
        ("GET", "/ids/runs/first?sort=size", 400, "unknown sort"),
    ],
)
def test_what_there_is_not(pages, method, address, status, says):
    answer = pages.request(method, address)
    assert answer.status_code == status
    assert says in html.unescape(answer.text)


def test_another_sites_page_cannot_ask(pages):
    assert pages.post("/ids/data/digits", headers={"origin": "https://example.org"}).status_code == 403
