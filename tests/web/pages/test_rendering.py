"""Pages remember the visitor's theme, and link to themselves with something changed."""

import re

import pytest
from fastapi import FastAPI, Request

from cifarlab.reports.rendering import share
from cifarlab.web.pages import rendering


def request(path: str = "/runs", query: str = "", cookie: str = "") -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers}
    return Request({**scope, "app": FastAPI()})


def test_a_page_address_keeps_the_query():
    page_address = rendering.PageAddress(request("/runs", "q=mlp&state=&run=a&run=b"))
    assert page_address.whole == "/runs?q=mlp&run=a&run=b"
    assert page_address(q=None, sort="-name") == "/runs?run=a&run=b&sort=-name"
    assert page_address.at("/compare", q="a b&c") == "/compare?run=a&run=b&q=a+b%26c"
    assert (page_address.value("q"), page_address.value("sort")) == ("mlp", "")


@pytest.mark.parametrize(
    ("query", "cookie", "theme"),
    [
        ("", "", ""),
        ("", f"{rendering.THEME_COOKIE}=dark", "dark"),
        ("theme=light", f"{rendering.THEME_COOKIE}=dark", "light"),
        ("theme=%22%3E", "", ""),
    ],
)
def test_theme_is_of_the_address_then_of_the_cookie(query, cookie, theme):
    assert rendering.theme_of(request(query=query, cookie=cookie)) == theme


def test_a_chosen_theme_has_the_colours_of_the_report():
    sheet = rendering.read_asset("style.css").decode()
    colours = {}
    for name in ("light", "dark"):
        (block,) = re.findall(rf':root\[data-theme="{name}"\] \{{(.*?)\}}', sheet, flags=re.DOTALL)
        colours[name] = dict(re.findall(r"(--[\w-]+): (#\w+)", block))
    assert colours["light"]["--paper"] != colours["dark"]["--paper"]
    assert colours["dark"].keys() <= colours["light"].keys()
    assert {f"--figure-series-{number}" for number in range(1, 7)} <= colours["dark"].keys()


def test_the_address_of_an_asset_changes_with_it():
    assert re.fullmatch(r"/static/style\.css\?v=[0-9a-f]{12}", rendering.asset("style.css"))
    with pytest.raises(FileNotFoundError):
        rendering.read_asset("../rendering.py")


def test_a_share_that_is_there_is_never_called_nothing():
    shown = [share(each).replace("\N{NO-BREAK SPACE}", " ") for each in (0.0, 0.001, 0.0049, 0.005, 0.5)]
    assert shown == ["0 %", "<1 %", "<1 %", "1 %", "50 %"]


def test_the_story_does_not_repeat_what_its_page_says_of_the_label():
    story = dict.fromkeys(("picture", "label", "history", "grad_cam", "story"), "")
    shown = rendering.fragment(request(), "story.html", story={**story, "runs": [], "classes": [], "views": []})
    titles = re.findall("<h2[^>]*>([^<]+)", bytes(shown.body).decode())
    assert "Training dynamics" in titles
    assert "Label quality" not in titles


def test_a_class_belongs_to_one_sheet():
    """Where two sheets style the same word, a page gets what was meant for another."""
    owners: dict[str, set[str]] = {}
    for name in ("style.css", "classify.css"):
        sheet = re.sub(r"/\*.*?\*/", "", rendering.read_asset(name).decode(), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}]+)\{", sheet):
            for selector in map(str.strip, selectors.split(",")):
                if re.fullmatch(r"\.[\w-]+", selector):
                    owners.setdefault(selector, set()).add(name)
    assert len(owners) > 100
    assert [selector for selector, sheets in owners.items() if len(sheets) > 1] == []
