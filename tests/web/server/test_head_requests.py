"""HEAD is answered wherever GET is, without the content, and counted as what it is."""

import http.client

import pytest

from cifarlab.web.settings import Settings


@pytest.mark.parametrize(
    "address", ["/", "/runs", "/runs/nothing", "/data/digits", "/trainings/new", "/healthz", "/v1/runs"]
)
def test_head_says_what_get_says(client, address):
    head, got = (getattr(client, method)(address, follow_redirects=False) for method in ("head", "get"))
    assert head.status_code == got.status_code
    assert head.headers.get("content-type") == got.headers.get("content-type")
    assert head.content == b""


def test_where_nothing_can_be_got_head_is_refused(client):
    assert client.head("/v1/predict").status_code == 405


def test_head_is_counted_as_head(client):
    client.head("/runs")
    counted = 'cifarlab_requests_total{method="HEAD",route="/runs",status="200"} 1.0'
    assert counted in client.get("/metrics").text


def test_the_server_sends_no_content_and_goes_on(fakes, tmp_path):
    with fakes.serving(Settings(runs_dir=tmp_path / "runs", data="digits"), fakes.FakeModelStore()) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        for method in ("HEAD", "GET", "HEAD", "GET"):
            connection.request(method, "/runs")
            answer = connection.getresponse()
            assert answer.status == 200
            assert int(answer.headers["content-length"]) > 1000
            assert (answer.read() == b"") == (method == "HEAD")
        connection.close()
