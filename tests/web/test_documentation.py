"""`/docs` and what it describes."""

from cifarlab.web.pages.api_page import describe_api


def test_the_page_tells_what_the_description_tells(client, text_of):
    page = client.get("/docs")
    assert page.status_code == 200
    text = text_of(page.text)
    description = client.get("/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path} {operation['summary']}" in text
            for parameter in operation.get("parameters", []):
                assert parameter["description"].replace("`", "") in text
    assert "top_k integer, at least 1, at most 1000, 3 by default How many classes to name" in text
    assert "predictions[].top[].probability number, at least 0, at most 1" in text
    assert "scores.NAME.low number or null" in text
    assert 'split "test" or "validation", "test" by default' in text
    assert '<a href="/v1/models"><code>/v1/models</code></a>' in page.text  # a click shows it
    assert '<a href="/v1/predict">' not in page.text


def test_what_a_description_holds_stays_text():
    schema = {"type": "object", "properties": {"<b>": {"type": "string", "description": "<i> and `<u>`"}}}
    operation = {
        "tags": ["a"], "operationId": "o", "summary": "<s>", "description": "<p>",
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}},
    }  # fmt: skip
    (operations,) = describe_api({"paths": {"/x": {"get": operation}}}).values()
    (field,) = operations[0].parts[0].fields
    assert field.about == "&lt;i&gt; and <code>&lt;u&gt;</code>"
    assert operations[0].about == ["&lt;p&gt;"]


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
