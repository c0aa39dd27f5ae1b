"""The page Classify without a browser: its form, its answers, its refusals."""

import base64
import csv
import dataclasses
import io
import re

import numpy as np
import pytest

from cifarlab.runs import open_run
from cifarlab.utils.errors import CifarlabError

NONSENSE = np.full((32, 4), np.nan, np.float32)  # (most pictures in a batch, classes)


@pytest.fixture
def red(encode) -> bytes:
    return encode(np.full((40, 60, 3), (255, 0, 0), np.uint8))


def test_the_form_offers_every_model(client):
    page = client.get("/classify")
    assert page.status_code == 200
    assert re.findall(r'name="model" value="([^"]+)"( checked)?', page.text) == [("builtin", " checked"), ("grey", "")]
    assert 'enctype="multipart/form-data"' in page.text
    assert 'accept="image/*" capture' in page.text


def test_the_choice_stands_in_the_address(client):
    page = client.get("/classify?model=grey&model=nonsense&neighbours=1")
    assert re.findall(r'name="model" value="([^"]+)" checked', page.text) == ["grey"]
    assert re.search(r'name="neighbours" value="1" checked', page.text)


def test_models_answer_side_by_side(client, red):
    page = client.post("/classify", files={"picture": ("red.png", red)}, data={"model": ["builtin", "grey"]})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert re.findall(r'<h3 id="model-\d" class="run">([^<]+)', page.text) == ["builtin", "grey"]
    assert re.findall(r'<li class="first"><span class="name">([^<]+)', page.text)[0] == "red"
    assert page.text.count('class="chance"') == 6
    assert page.text.count("its input: 32\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}32 pixels") == 2
    assert 'value="grey" checked' in page.text


def test_a_form_without_a_script_sends_an_empty_second_file(client, red):
    files = [("picture", ("red.png", red)), ("picture", ("", b""))]
    assert client.post("/classify", files=files).status_code == 200


@pytest.mark.parametrize(
    ("files", "status", "message"),
    [
        ({"picture": ("", b"")}, 422, "no picture was sent"),
        ({"picture": ("a.svg", b"<svg/>")}, 415, "SVG"),
        ({"picture": ("<b>.png", b"hello")}, 415, "&lt;b&gt;.png"),
        ({"picture": ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01")}, 422, "cut.jpg"),
    ],
)
def test_what_cannot_be_read_is_said_on_the_page(client, files, status, message):
    page = client.post("/classify", files=files)
    assert page.status_code == status
    (notice,) = re.findall(r'<p class="notice" role="alert">(.*?)</p>', page.text, re.DOTALL)
    assert message in notice
    assert 'id="ask"' in page.text


def test_too_long_a_form_and_no_form_at_all(client):
    assert client.post("/classify", content=b"x").status_code == 400
    assert client.post("/classify", headers={"content-length": str(10**9)}).status_code == 413


def read_csv(text: str) -> list[dict[str, str]]:
    (encoded,) = re.findall(r'href="data:text/csv;base64,([^"]+)" download', text)
    return list(csv.DictReader(io.StringIO(base64.b64decode(encoded).decode())))


def test_several_pictures_are_a_table_with_csv(client, encode, text_of):
    colours = {"red.png": (255, 0, 0), "a, b.png": (0, 0, 0)}
    files = [
        ("picture", (name, encode(np.full((40, 60, 3), colour, np.uint8), "png"))) for name, colour in colours.items()
    ]
    files.insert(1, ("picture", ("bad.png", b"just words")))
    page = client.post("/classify", files=files, data={"model": ["builtin", "grey"]})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    lines = re.findall(r"<tr><td>.*?</tr>", page.text, re.DOTALL)
    assert [re.search(r'<th scope="row">([^<]+)', line)[1] for line in lines] == ["red.png", "bad.png", "a, b.png"]
    assert re.findall(r"<strong>(\w+)</strong> ([\d.]+)", lines[0])[0][0] == "red"
    assert len(re.findall(r"<small>", lines[0])) == 4  # two more classes of each model
    assert "it is text, not a picture" in lines[1]
    rows = read_csv(page.text)
    assert [(row["image"], row["model"]) for row in rows] == [
        (name, model) for name in ("red.png", "bad.png", "a, b.png") for model in ("builtin", "grey")
    ]
    red, bad, dark = rows[0], rows[2], rows[4]
    logits = np.array([4 * 2 / 3, 4 * (1 - 2 / 6), 4 / 3, 8])  # as the made-up model has them, of (255, 0, 0)
    expected = np.exp(logits) / np.exp(logits).sum()
    assert red["class_1"] == "red"
    assert float(red["probability_1"]) == pytest.approx(expected[3], abs=1e-6)
    assert red["problem"] == ""
    assert "not a picture" in bad["problem"]
    assert bad["class_1"] == ""
    assert dark["class_1"] == "dark"


@pytest.mark.parametrize(
    "name",
    [
        "mine/" + "a-long-folder/" * 12 + "ä.png",
        'say "cheese".png',
        "=1+1.png",
        " b .png",
        "\N{WOMAN}\N{ZERO WIDTH JOINER}.png",
    ],
)
def test_the_csv_has_names_as_they_are(client, red, name):
    sent = name.replace('"', "%22")  # as browsers write it
    page = client.post("/classify", files=[("picture", (sent, red)), ("picture", (sent, b"damaged"))])
    assert [row["image"] for row in read_csv(page.text)] == [name, name]


def said(page) -> list[str]:
    """What is said of answers that mean little."""
    return re.findall(r'class="doubtful"[^>]*>([^<]+)<', page.text)


COLOUR = "The model was trained on grey pictures, and {} in colour: what it says means little."
LARGE = "The model is given 32 \N{MULTIPLICATION SIGN} 32 pixels, and {}: it recognises only what fills the picture."
LEVELS = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))


@pytest.mark.parametrize(
    ("picture", "kind", "told"),
    [
        (np.full((40, 60, 3), (255, 0, 0), np.uint8), "png", {"grey": COLOUR.format("this one is")}),
        (LEVELS, "png", {}),
        (np.repeat(LEVELS[:, :, None], 3, axis=2), "jpeg", {}),
        (
            np.zeros((600, 1200), np.uint8),
            "png",
            dict.fromkeys(("builtin", "grey"), LARGE.format("this one is 1,200 \N{MULTIPLICATION SIGN} 600")),
        ),
        (np.zeros((512, 1200), np.uint8), "png", {}),  # sixteen times as large
    ],
)
def test_an_answer_that_means_little_says_so(client, encode, picture, kind, told):
    page = client.post("/classify", files={"picture": encode(picture, kind)}, data={"model": ["builtin", "grey"]})
    cards = re.findall(r'<h3 id="model-\d" class="run">([^<]+)</h3>(.*?)</article>', page.text, re.DOTALL)
    found = {name: re.findall(r'class="doubtful" role="note">([^<]+)<', card) for name, card in cards}
    assert found == {name: [told[name]] if name in told else [] for name in ("builtin", "grey")}


def test_a_table_says_so_of_the_model_whatever_else_is_in_it(client, encode, red):
    data = {"model": ["builtin", "grey"]}
    grey = ("picture", ("grey.png", encode(LEVELS)))
    assert said(client.post("/classify", files=[grey, grey], data=data)) == []
    files = [("picture", ("bad.png", b"no")), grey, ("picture", ("red.png", red))]
    page = client.post("/classify", files=files, data=data)
    assert said(page) == [COLOUR.format("some here are")]
    (head,) = re.findall(r"<thead>.*?</thead>", page.text, re.DOTALL)
    assert head.index(">grey<") < head.index("doubtful")
    large = ("picture", ("large.png", encode(np.zeros((600, 600), np.uint8))))
    page = client.post("/classify", files=[large, grey], data=data)
    assert said(page) == [LARGE.format("some here are far larger")] * 2


def test_a_grey_model_sees_the_same_in_a_table_and_alone(client, encode):
    noise = encode(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    alone = client.post("/classify", files={"picture": noise}, data={"model": "grey"}).text
    table = client.post("/classify", files=[("picture", noise)] * 2, data={"model": "grey"}).text
    row, *_ = read_csv(table)
    shown = re.search(r'<li class="first"><span class="name">(\w+)</span> <span class="chance">([\d.]+)', alone)
    assert shown.groups() == (row["class_1"], f"{100 * float(row['probability_1']):.1f}")


def test_as_many_as_the_api_takes_and_no_more(make_client, red):
    from cifarlab.web.settings import Limits

    client = make_client(limits=Limits(max_images=3))
    assert (
        client.post("/classify", files=[("picture", (f"{i}.png", red)) for i in range(3)]).text.count("<tr><td>") == 3
    )
    for count in (4, 30):
        page = client.post("/classify", files=[("picture", (f"{i}.png", red)) for i in range(count)])
        assert page.status_code == 413


def test_one_picture_is_a_table_where_that_is_asked_for(client, red):
    page = client.post("/classify", files={"picture": ("red.png", red)}, data={"table": "1"})
    assert page.text.count("<tr><td>") == 1


class TestDamaged:
    """Two models, of which one cannot be loaded, and one answers nonsense."""

    @pytest.fixture
    def client(self, make_client, fake_store, monkeypatch):
        load = fake_store.load

        def fail(name):
            if name == "grey":
                raise CifarlabError("grey/model.keras is damaged: train it anew")
            return load(name)

        monkeypatch.setattr(fake_store, "load", fail)
        return make_client()

    def test_its_card_says_so_alone(self, client, red, text_of):
        page = client.post("/classify", files={"picture": red}, data={"model": ["grey", "builtin"]})
        assert page.status_code == 200
        assert "grey/model.keras is damaged" in page.text
        assert re.findall(r'<li class="first"><span class="name">([^<]+)', page.text) == ["red"]

    def test_its_column_says_so_alone(self, client, red):
        page = client.post("/classify", files=[("picture", red)] * 2, data={"model": ["grey", "builtin"]})
        assert page.status_code == 200
        assert page.text.count("cannot be asked: grey/model.keras is damaged") == 1
        assert page.text.count("<strong>red</strong>") == 2
        rows = read_csv(page.text)
        assert [bool(row["problem"]) for row in rows] == [True, False] * 2
        assert rows[1]["class_1"] == "red"

    def test_alone_it_is_refused(self, client, red):
        page = client.post("/classify", files={"picture": red}, data={"model": "grey"})
        assert page.status_code == 409
        assert "grey/model.keras is damaged" in page.text

    def test_one_that_answers_nan_fails_alone_too(self, make_client, fake_store, monkeypatch, red):
        load = type(fake_store).load

        def nonsense(name):
            found = load(fake_store, name)
            return (
                found
                if name == "builtin"
                else dataclasses.replace(found, forward=lambda images: NONSENSE[: len(images)])
            )

        monkeypatch.setattr(fake_store, "load", nonsense)
        client = make_client()
        for count in (1, 2):
            page = client.post("/classify", files=[("picture", red)] * count, data={"model": ["builtin", "grey"]})
            assert page.status_code == 200
            assert "grey gives NaN or infinity" in page.text


def test_models_are_told_by_data_set_accuracy_and_date(made_runs, make_client, text_of):
    from cifarlab.web.predictions.model_store import ModelStore

    client = make_client(runs_dir=made_runs, store=ModelStore(made_runs))
    text = text_of(client.get("/classify").text)
    started = open_run(made_runs / "first").state["started"][:10]
    assert re.search(rf"first digits · [\d.]+ % · {started}", text)
    assert re.search(r"builtin cifar10 · 9\d.\d % · 20\d\d-", text)


def test_nothing_of_the_picture_is_left(client, red):
    client.post("/classify", files={"picture": ("my-own-picture.png", red)})
    for path in ("/classify", "/metrics", "/v1/models"):
        assert "my-own-picture" not in client.get(path).text


def test_without_any_model_the_page_says_so(make_client, fakes):
    store = fakes.FakeModelStore()
    store.versions = {}
    page = make_client(store=store).get("/classify")
    assert "There is no model here yet" in page.text


def test_while_a_model_is_being_loaded_the_page_asks_again_by_itself(make_client, fakes, gate, red):
    from cifarlab.web.settings import Limits

    gate.armed = True
    client = make_client(store=fakes.FakeModelStore(gate), limits=Limits(request_seconds=0.2))
    page = client.post("/classify", files={"picture": red})
    gate.opened.set()
    assert page.status_code == 503
    assert page.headers["retry-after"]
    assert 'id="answer" data-again="3000"' in page.text
    assert "still being loaded" in page.text
