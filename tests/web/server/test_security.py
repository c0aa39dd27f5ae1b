"""Who may ask what: hosts, tokens, forged requests, policies, sizes."""

import re

import pytest
from starlette.datastructures import Headers

from cifarlab.web.server import hosts
from cifarlab.web.settings import Limits

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"), ("LOCALHOST:8000", "localhost"), ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("[::1]", "::1"), ("example.org.", "example.org"), ("localhost:80a", ""), ("::1", ""), ("", ""),
        ("localhost:8000@evil.example", ""),
    ],
)  # fmt: skip
def test_the_name_in_a_host_header(header, name):
    assert hosts.host_name(header) == name


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8000", "localhost:8000", True), ("http://localhost", "localhost:80", True),
        ("https://a.example", "a.example", True), ("http://LOCALHOST:8000", "localhost:8000", True),
        ("http://localhost:8001", "localhost:8000", False), ("http://evil.example", "localhost:8000", False),
        ("null", "localhost:8000", False), ("", "localhost", False), ("file://localhost", "localhost", False),
        ("http://localhost:8000.evil.example", "localhost:8000", False),
    ],
)  # fmt: skip
def test_origins_are_compared_whole(origin, host, same):
    assert hosts.same_host(origin, host) is same


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback(host):
    assert hosts.is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_not_loopback(host):
    assert not hosts.is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000", "localhost:9000"])
def test_our_own_names_are_answered(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.168.1.5", ""])
def test_another_name_is_refused(client, host):
    """DNS rebinding: a page of evil.example whose name now points to this machine."""
    for path in ("/healthz", "/v1/models", "/classify"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 421
        assert "Content-Security-Policy" in answer.headers


def test_a_server_on_every_address_goes_by_any_address_but_no_strange_name(make_client):
    client = make_client(host="0.0.0.0", token=TOKEN)
    assert client.get("/healthz", headers={"host": "192.168.1.5:8000"}).status_code == 200
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421


def test_people_are_told_on_a_page_and_programs_as_json(make_client):
    client = make_client(token=TOKEN)
    page = client.get("/runs", headers={"accept": "text/html,*/*"})
    assert page.status_code == 401
    assert page.headers["www-authenticate"] == "Bearer"
    assert "this server wants its token" in page.text
    styles = re.findall(r'href="(/static/[^"]+)"', page.text)
    assert styles
    assert all(client.get(style).status_code == 200 for style in styles)
    assert client.get("/v1/runs", headers={"accept": "text/html"}).json()["detail"].startswith("this server wants")


def test_a_malformed_name_is_refused_even_where_a_page_is_wanted(client):
    for host in ("[evil", "[::1", "a b", "localhost:x"):
        assert client.get("/runs", headers={"host": host, "accept": "text/html"}).status_code == 421


def test_without_a_token_nothing_is_told(make_client):
    client = make_client(token=TOKEN)
    for path in ("/", "/runs", "/classify", "/v1/models", "/v1/runs", "/metrics", "/docs", "/openapi.json", "/nowhere"):
        answer = client.get(path, follow_redirects=False)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.post("/v1/predict", json={}).status_code == 401
    assert client.get("/healthz").status_code == 200


def test_a_token_as_a_header(make_client):
    client = make_client(token=TOKEN)
    assert client.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/v1/models", headers={"authorization": f"bearer  {TOKEN}"}).status_code == 200
    for wrong in ("Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"):
        answer = client.get("/v1/models", headers={"authorization": wrong.encode("latin-1")})
        assert answer.status_code == 401, wrong


def test_a_token_in_the_address_is_kept_in_a_cookie_and_leaves_the_address(make_client):
    client = make_client(token=TOKEN, port=8000)
    answer = client.get(f"/classify?model=grey&token={TOKEN}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/classify?model=grey"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("cifarlab-8000=")
    assert "HttpOnly" in cookie
    assert re.search("samesite=strict", cookie, re.IGNORECASE)
    assert TOKEN not in cookie
    assert client.get("/classify").status_code == 200
    assert client.get("/v1/models").status_code == 200


def test_a_wrong_token_in_the_address_is_refused_even_with_the_cookie(make_client):
    client = make_client(token=TOKEN)
    client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert client.get("/v1/models?token=wrong").status_code == 401


def test_the_token_itself_is_no_cookie(make_client):
    client = make_client(token=TOKEN, port=8000)
    assert client.get("/v1/models", headers={"cookie": f"cifarlab-8000={TOKEN}"}).status_code == 401
    assert client.get("/v1/models", headers={"cookie": "cifarlab-8000=\xe4".encode("latin-1")}).status_code == 401


def test_the_way_back_from_a_token_stays_on_this_server(make_client):
    client = make_client(token=TOKEN)
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
        answer = client.get(f"http://127.0.0.1:8000{path}?token={TOKEN}", follow_redirects=False)
        assert answer.status_code == 303
        assert re.match(r"/(?![/\\])", answer.headers["location"])


@pytest.mark.parametrize("path", ["/v1/predict", "/classify"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"},
        {"origin": "null"}, {"origin": "http://127.0.0.1:9000"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
)  # fmt: skip
def test_forged_requests_are_refused(client, path, headers):
    assert client.post(path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"}, {"origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "none"},
    ],
)  # fmt: skip
def test_our_own_requests_are_not(client, headers):
    assert client.post("/v1/predict", json={}, headers=headers).status_code == 422


def test_no_other_site_may_read_answers(client):
    answer = client.get("/v1/models", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/classify", "/docs", "/v1/models", "/nowhere", "/static/app.js", "/runs"])
def test_every_answer_carries_the_policies(client, path):
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert headers["content-security-policy"].count("unsafe") == 1  # attributes of style, see below
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_the_policy_allows_style_attributes_and_nothing_else_inline(client):
    header = client.get("/runs").headers["content-security-policy"]
    policy = {name: sources for name, *sources in (part.split() for part in header.split(";"))}
    assert policy["default-src"] == ["'none'"]
    assert policy.pop("style-src-attr") == ["'unsafe-inline'"]
    loaded = {source for sources in policy.values() for source in sources}
    assert loaded == {"'none'", "'self'", "data:"}  # nothing inline, no script made of text, nothing from elsewhere
    assert [name for name, sources in policy.items() if "data:" in sources] == ["img-src"]
    assert "script-src-attr" not in policy  # without it, script-src decides: no handler in an attribute runs
    assert "style-src-elem" not in policy


@pytest.mark.parametrize("path", ["/classify", "/docs", "/runs"])
def test_pages_need_nothing_that_the_policy_forbids(client, path):
    answer = client.get(path)
    assert not re.search(r"<[^>]+\son\w+=", answer.text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text)
    assert "<style" not in answer.text
    assert not re.search(r'(?:src|href)="https?:', answer.text)


def test_a_body_that_is_too_long_is_refused_wherever_it_is_sent(make_client):
    client = make_client(limits=Limits(max_request_bytes=1000))
    for path in ("/v1/predict", "/classify", "/nowhere"):
        assert client.post(path, content=bytes(2000)).status_code == 413
        assert client.post(path, headers={"content-length": "9" * 30}).status_code == 413


def test_headers_of_starlette_are_read_as_expected():
    """The guards rely on it that several headers of one name stay several."""
    assert Headers(raw=[(b"host", b"a"), (b"host", b"b")]).getlist("host") == ["a", "b"]
