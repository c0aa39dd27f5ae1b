"""`/healthz`, `/readyz`, `/metrics`."""

import numpy as np
from prometheus_client.parser import text_string_to_metric_families


def samples(client) -> dict:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    values = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            values[sample.name, *sorted(sample.labels.items())] = sample.value
    return values


def test_a_server_that_lives_says_so(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_once_the_first_model_is_loaded(make_client, fakes, gate):
    gate.armed = True
    client = make_client(store=fakes.FakeModelStore(gate))
    assert client.get("/readyz").status_code == 503
    client.app.state.inference.start_loading()
    assert gate.reached.wait(10)
    early = client.get("/readyz")
    assert (early.status_code, early.json()) == (503, {"status": "loading"})
    gate.opened.set()
    client.app.state.inference._batcher("builtin").loaded.result(10)
    assert client.get("/readyz").json() == {"status": "ok"}


def test_not_ready_any_more_when_it_stops(client):
    client.app.state.inference.stop()
    late = client.get("/readyz")
    assert (late.status_code, late.json()) == (503, {"status": "stopping"})
    assert client.get("/healthz").status_code == 200


def test_what_was_done_is_counted(client, encode):
    picture = encode(np.zeros((8, 8, 3), np.uint8))
    for _ in range(3):
        client.post("/v1/predict", files=[("images", picture)] * 2)
    client.post("/v1/predict", json={})
    client.get("/nowhere/at/all")
    values = samples(client)
    assert values["cifarlab_pictures_total", ("model", "builtin")] == 6
    assert values["cifarlab_batch_pictures_count", ("model", "builtin")] == 3
    predict = ("method", "POST"), ("route", "/v1/predict")
    assert values["cifarlab_requests_total", *predict, ("status", "200")] == 3
    assert values["cifarlab_requests_total", *predict, ("status", "422")] == 1
    assert values["cifarlab_requests_total", ("method", "GET"), ("route", "other"), ("status", "404")] == 1
    assert values["cifarlab_waiting_pictures", ("model", "builtin")] == 0
    assert values["cifarlab_models_in_memory", ("engine", "by hand"), ("model", "builtin")] == 1


def test_a_model_that_is_put_away_is_in_memory_no_more(client, encode):
    client.post("/v1/predict", files={"images": encode(np.zeros((8, 8, 3), np.uint8))})
    client.app.state.inference.stop()
    assert samples(client)["cifarlab_models_in_memory", ("engine", "by hand"), ("model", "builtin")] == 0


def test_two_apps_count_for_themselves(make_client):
    first, second = make_client(), make_client()
    first.get("/healthz")
    assert ("cifarlab_requests_total", ("method", "GET"), ("route", "/healthz"), ("status", "200")) in samples(first)
    assert ("cifarlab_requests_total", ("method", "GET"), ("route", "/healthz"), ("status", "200")) not in samples(
        second
    )
