"""`/docs` and what it describes."""

import re


def test_every_file_of_the_documentation_comes_from_here(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert '<a class="link" href="/runs">' in page.text  # the way back
    addresses = [each for each in re.findall(r'(?:src|href)="(/[^"]+)"', page.text) if each != "/runs"]
    assert len(addresses) >= 4
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "html" not in answer.headers["content-type"]
    assert "swagger" in client.get("/docs/swagger-ui-bundle.js").text.lower()


def test_pages_are_not_part_of_the_api(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/v1/predict", "/v1/models", "/v1/runs", "/v1/runs/{id}/scores", "/v1/runs/{id}/history",
        "/healthz", "/readyz", "/metrics"
    }  # fmt: skip


def test_every_address_says_what_it_does(client):
    for methods in client.get("/openapi.json").json()["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["tags"]
