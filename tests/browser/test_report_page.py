"""The report as a reader meets it: in Debian's chromium, on a phone and on a desk, by day and by night."""

import re
from pathlib import Path

import pytest

from cifarlab.reports import writing

pytestmark = pytest.mark.browser

VIEWS = [
    pytest.param((390, "dark"), id="390-dark"),
    *(
        pytest.param((width, scheme), id=f"{width}-{scheme}", marks=pytest.mark.thorough)
        for width, scheme in ((390, "light"), (1280, "light"), (1280, "dark"))
    ),
]


@pytest.fixture(scope="module")
def pages(make_run, tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    runs = [make_run(root, "first"), make_run(root, "a-run-with-quite-a-long-name-of-its-own", skill=4.0)]
    runs[0].command_file.write_text(f"cifarlab train mlp2 {'--set learning_rate=0.002 ' * 9}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "write_figures", lambda *_: [])  # nobody looks at them here, and they take long
        return {"one": writing.report(runs[0]), "two": writing.report(runs, notice="This is digits.")}


@pytest.fixture(params=VIEWS)
def page(new_page, request):
    """An empty page, on a phone or on a desk, by day or by night."""
    width, scheme = request.param
    return new_page(width=width, scheme=scheme)


@pytest.mark.parametrize("which", ["one", "two"])
def test_page_is_quiet_and_fits(page, pages, which) -> None:
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages[which].as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [pages[which].as_uri()]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert page.locator("svg.picture").count() > 50
    hidden = page.locator("#calibration .scroll").evaluate("box => box.scrollWidth - box.clientWidth")
    assert hidden <= 0 or page.viewport_size["width"] < 1280


def test_slices_and_the_command_are_whole_beside_the_contents(new_page, pages) -> None:
    page = new_page()
    page.goto(pages["one"].as_uri())
    hidden = "boxes => boxes.map(box => box.scrollWidth - box.clientWidth)"
    for width in (1000, 1024, 1100, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.locator("#slices .scroll, #reproducibility pre").evaluate_all(hidden) == [0, 0, 0], width


def test_every_picture_is_drawn(page, pages) -> None:
    page.goto(pages["one"].as_uri())
    undrawn = page.evaluate(
        """async () => {
          const failed = [];
          for (const picture of document.querySelectorAll("image")) {
            const probe = new Image();
            probe.src = picture.getAttribute("href");
            try { await probe.decode(); } catch (error) { failed.push(String(error)); }
          }
          for (const picture of document.querySelectorAll("svg.picture")) {
            const box = picture.getBoundingClientRect();
            if (box.width < 32 || !document.querySelector(picture.querySelector("use").getAttribute("href")))
              failed.push("no picture in " + picture.textContent);
          }
          return failed;
        }"""
    )
    assert undrawn == []
    assert page.locator("svg.picture").first.evaluate("element => getComputedStyle(element).imageRendering") in (
        "pixelated",
        "crisp-edges",
    )


def test_figures_take_the_colours_of_the_page(page, pages) -> None:
    page.goto(pages["one"].as_uri())
    ink, text = page.evaluate(
        """() => [getComputedStyle(document.body).color,
                  getComputedStyle(document.querySelector("#confusion-matrix svg text")).fill]"""
    )
    assert ink == text


def test_keyboard_reaches_the_contents_and_shows_where_it_is(page, pages) -> None:
    page.goto(pages["one"].as_uri())
    count = page.locator("nav a").count()
    reached = []
    for _ in range(count + 3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
        if reached[-1] == "#reproducibility":
            break
    assert reached[0] == "#results"
    assert reached[1:] == page.locator("nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash === '#reproducibility'")  # the browser follows the link in its own time


def test_page_prints_whole(new_page, pages) -> None:
    page = new_page()
    page.goto(pages["two"].as_uri())
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 3 <= sheets <= 25
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
