"""`POST /v1/predict`: both forms of a request, what is answered, and each way of being refused."""

import asyncio
import base64

import httpx
import numpy as np
import pytest

from cifarlab.web.settings import Limits


@pytest.fixture
def white(encode) -> bytes:
    return encode(np.full((40, 60, 3), 255, np.uint8))


@pytest.fixture
def red(encode) -> bytes:
    return encode(np.full((40, 60, 3), (255, 0, 0), np.uint8))


def as_json(*pictures: bytes, **options) -> dict:
    return {"images": [base64.b64encode(each).decode() for each in pictures], **options}


def test_one_picture_in_a_form(client, red):
    answer = client.post("/v1/predict", files={"images": ("red.png", red)})
    assert answer.status_code == 200
    body = answer.json()
    assert body["model"] == "builtin"
    (only,) = body["predictions"]
    assert only["image"] == "red.png"
    assert only["top"][0]["class_name"] == "red"
    chances = [each["probability"] for each in only["top"]]
    assert len(chances) == 3
    assert chances == sorted(chances, reverse=True)


def test_many_pictures_in_their_order(client, red, white, encode):
    dark = encode(np.zeros((8, 8), np.uint8))
    files = [("images", (name, data)) for name, data in (("a", red), ("b", white), ("c", dark), ("d", red))]
    answer = client.post("/v1/predict", files=files, data={"top_k": "1"})
    told = [(each["image"], each["top"][0]["class_name"]) for each in answer.json()["predictions"]]
    assert told == [("a", "red"), ("b", "bright"), ("c", "dark"), ("d", "red")]


def test_json_says_the_same_as_a_form(client, red, white):
    form = client.post("/v1/predict", files=[("images", ("x", red)), ("images", ("y", white))], data={"top_k": "4"})
    json = client.post("/v1/predict", json=as_json(red, white, top_k=4))
    tops = [[each["top"] for each in answer.json()["predictions"]] for answer in (form, json)]
    assert tops[0] == tops[1]
    assert sum(each["probability"] for each in tops[0][0]) == pytest.approx(1)
    assert [each["image"] for each in json.json()["predictions"]] == ["picture 1", "picture 2"]


def test_a_model_by_its_name(client, red):
    answer = client.post("/v1/predict", json=as_json(red, model="grey", top_k=1))
    assert answer.json()["model"] == "grey"
    assert answer.json()["predictions"][0]["top"][0]["class_name"] != "red"


@pytest.mark.parametrize(
    ("request_options", "status", "message"),
    [
        ({"json": {"images": []}}, 422, "images"),
        ({"json": {}}, 422, "images"),
        ({"json": {"images": ["???"]}}, 422, "base64"),
        ({"json": {"images": ["aGVsbG8="]}}, 415, "picture 1"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "JSON"),
        ({"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}, 422, ""),
        ({"content": b"hello", "headers": {"content-type": "text/plain"}}, 415, "text/plain"),
        ({"content": b"hello"}, 415, "multipart"),
        ({"content": b"hello", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": b"hello", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, ""),
        ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x; charset=\x01"}}, 422, ""),
        ({"data": {"model": "builtin"}, "files": {"other": ("", b"")}}, 422, "no picture"),
        ({"files": {"images": ("a.txt", b"hello")}}, 415, "a.txt"),
    ],
)
def test_what_cannot_be_understood_is_the_clients_fault(client, request_options, status, message):
    answer = client.post("/v1/predict", **request_options)
    assert answer.status_code == status, answer.text
    assert message in str(answer.json()["detail"])


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"top_k": 0}, 422),
        ({"top_k": "many"}, 422),
        ({"topk": 3}, 422),
        ({"model": "missing"}, 404),
        ({"model": "../runs"}, 404),
    ],
)
def test_wrong_questions_are_refused_in_both_forms(client, red, options, status):
    assert client.post("/v1/predict", json=as_json(red, **options)).status_code == status
    form = {name: str(value) for name, value in options.items()}
    assert client.post("/v1/predict", files={"images": red}, data=form).status_code == status


def test_too_many_pictures_are_refused(make_client, red):
    client = make_client(limits=Limits(max_images=3))
    for options in ({"files": [("images", red)] * 4}, {"json": as_json(*[red] * 4)}):
        assert client.post("/v1/predict", **options).status_code == 413
    assert client.post("/v1/predict", files=[("images", red)] * 3).status_code == 200


def test_too_long_a_request_is_refused_by_what_it_says_and_by_what_it_is(make_client):
    client = make_client(limits=Limits(max_request_bytes=10_000))
    announced = client.post("/v1/predict", files={"images": bytes(20_000)})
    assert announced.status_code == 413
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        pieces = (b"--x\r\n" + bytes(1000) for _ in range(20))
        unannounced = client.post("/v1/predict", content=pieces, headers={"content-type": kind})
        assert unannounced.status_code in (400, 413)


def test_a_large_picture_is_refused_by_its_header(make_client, white):
    client = make_client(limits=Limits(max_pixels=1000))
    assert client.post("/v1/predict", files={"images": white}).status_code == 413


def test_a_full_queue_answers_503_with_retry_after(make_app, gate, gated_store, red):
    app = make_app(store=gated_store, limits=Limits(queue_size=2))

    async def talk():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            await client.post("/v1/predict", json=as_json(red))
            gate.armed = True
            accepted = [asyncio.create_task(client.post("/v1/predict", json=as_json(red))) for _ in range(2)]
            await asyncio.to_thread(gate.reached.wait, 10)
            while app.state.inference._inside < 2:
                await asyncio.sleep(0)
            refused = await client.post("/v1/predict", json=as_json(red))
            gate.opened.set()
            answered = await asyncio.gather(*accepted)
            later = await client.post("/v1/predict", json=as_json(red))
            return refused, answered, later

    refused, answered, later = asyncio.run(talk())
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert "try again" in refused.json()["detail"]
    assert [each.status_code for each in answered] == [200, 200]
    assert later.status_code == 200
    app.state.inference.stop()


def test_a_request_does_not_wait_for_ever(make_client, gate, gated_store, red):
    client = make_client(store=gated_store, limits=Limits(request_seconds=1.0))
    client.app.state.inference._batcher("builtin").loaded.result(30)
    gate.armed = True
    late = client.post("/v1/predict", json=as_json(red))
    gate.opened.set()
    assert late.status_code == 503
    assert int(late.headers["retry-after"]) >= 1
    assert "1 s" in late.json()["detail"]


def test_a_model_that_went_wrong_in_training_is_no_server_error(make_client, red, fakes):
    store = fakes.FakeModelStore(lambda images: np.full((len(images), 4), np.nan, np.float32))
    answer = make_client(store=store).post("/v1/predict", json=as_json(red))
    assert answer.status_code == 409
    assert "NaN" in answer.json()["detail"]


def test_a_file_name_cannot_break_the_answer(client, red):
    answer = client.post("/v1/predict", files={"images": ("<b>\x07\u202e" + "x" * 2000, red)})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"][0]["image"]) <= 1000
    assert "\u202e" not in answer.json()["predictions"][0]["image"]
