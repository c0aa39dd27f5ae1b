"""The page Classify without a browser: its form, its answers, its refusals."""

import re

import numpy as np
import pytest


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
