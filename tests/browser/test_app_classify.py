"""The page Classify and the API's documentation as a visitor meets them, with models that are made up.

With `CIFARLAB_SCREENSHOTS=docs/images` the page is photographed for the docs: with the built-in model, and a picture of
`CIFARLAB_SCREENSHOT_PICTURE` where that is given.
"""

import importlib.util
import io
import os
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from cifarlab.web.settings import Settings

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
SCREENSHOTS = os.environ.get("CIFARLAB_SCREENSHOTS", "")
PATIENCE_MILLISECONDS = 60_000  # a busy machine is no failure
VIEWS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.is_file():
        reason = f"no browser at {CHROMIUM}: apt-get install chromium, or set CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fakes", Path(__file__).parents[1] / "web" / "fakes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def explanations(fakes):
    return fakes.FakeExplanations()


@pytest.fixture(scope="module")
def address(fakes, explanations, tmp_path_factory):
    settings = Settings(runs_dir=tmp_path_factory.mktemp("app") / "runs", data="digits")
    with fakes.serving(settings, fakes.FakeShelf(), explanations) as found:
        yield found


@pytest.fixture
def visit(browser, address):
    """Opens pages and, at the end, holds them to be quiet and to stay on this machine."""
    contexts, said, asked = [], [], []

    def open_page(path: str = "/classify", *, width: int = 1280, scheme: str = "light", **options):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, **options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # Chromium writes every answer of 4xx to its console: a picture that is refused is one.
    assert [line for line in said if "status of 4" not in line] == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def picture(colour: tuple[int, int, int] = (255, 0, 0), kind: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((120, 200, 3), colour, np.uint8)).save(file, kind)
    return file.getvalue()


def choose(page, data: bytes, name: str = "red.png", kind: str = "image/png") -> None:
    page.locator("#picture").set_input_files({"name": name, "mimeType": kind, "buffer": data})


def answered(page, model: str = "builtin") -> str:
    """The class that a model names, once it has answered."""
    from playwright.sync_api import expect

    page.wait_for_selector(f"#answer:not([aria-busy]) .answer h3:text-is('{model}')")
    expect(page.locator("#answer")).to_have_css("opacity", "1")  # no longer fading
    return page.locator(".answer", has=page.locator(f"h3:text-is('{model}')")).locator(".first .name").inner_text()


def serious(page) -> list[str]:
    """What axe-core finds serious or worse, in one line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "scheme"), VIEWS, ids=[f"{width}-{scheme}" for width, scheme in VIEWS])
def test_form_and_answer_fit_and_are_accessible(visit, explanations, width, scheme):
    explanations.asked = 1
    page = visit("/classify?model=builtin&model=grey&neighbours=1", width=width, scheme=scheme)
    for stage in ("form", "answer"):
        if stage == "answer":
            choose(page, picture())
            answered(page, "grey")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert serious(page) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 23, 28)"}[scheme]


def test_a_chosen_picture_is_answered_in_place(visit):
    page = visit()
    choose(page, picture())
    assert answered(page) == "red"
    assert page.url.endswith("/classify?model=builtin")
    card = page.locator(".answer")
    assert card.locator(".named li").count() == 3
    widths = card.locator(".named .part").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 50
    pictures = card.locator("img").evaluate_all("all => all.map(each => [each.naturalWidth, each.alt])")
    assert [width for width, _ in pictures] == [32, 32]  # what it sees, and where it looked
    assert page.locator("#preview").is_visible()
    assert page.locator("#preview").evaluate("image => image.naturalWidth") == 320  # what the server made of it
    assert "builtin: red" in page.locator("#told").inner_text()


def test_another_model_answers_beside_the_first_without_choosing_again(visit):
    page = visit()
    choose(page, picture())
    answered(page)
    page.get_by_label("grey").check()
    answered(page, "grey")
    assert page.locator(".answer h3").all_inner_texts() == ["builtin", "grey"]
    assert page.url.endswith("?model=builtin&model=grey")
    page.reload()
    assert page.get_by_role("checkbox", name="grey").is_checked()
    assert page.locator(".answer").count() == 0  # nothing was kept


def test_a_dropped_picture_is_answered(visit):
    page = visit()
    page.evaluate(
        """async bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          const event = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("drop", event));
        }""",
        list(picture((0, 0, 0))),
    )
    assert answered(page) == "dark"
    assert page.locator("#hint").inner_text() == "dropped.png"


def test_a_pasted_picture_is_answered(visit):
    page = visit()
    page.evaluate(
        """async bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        list(picture((255, 255, 255))),
    )
    assert answered(page) == "bright"


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (bytes(17 * 2**20), "large.png", "more than 16 MB"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg", "it is an SVG drawing"),
        (picture(kind="jpeg")[:400], "cut.jpg", "cut.jpg"),
        (b"just words", "words.png", "it is text, not a picture"),
        (b"", "empty.png", "the file is empty"),
    ],
)
def test_a_bad_picture_is_refused_with_its_reason(visit, data, name, said):
    page = visit()
    choose(page, data, name)
    page.wait_for_selector("#answer:not([aria-busy]) [role=alert]")
    assert said in page.locator("#answer [role=alert]").inner_text()
    assert page.locator("#preview").is_hidden()
    choose(page, picture())
    assert answered(page) == "red"
    assert page.locator("#answer [role=alert]").count() == 0


def test_nearest_training_images_come_when_they_are_known(visit, explanations):
    explanations.asked = 0
    page = visit("/classify?neighbours=1")
    choose(page, picture())
    page.wait_for_selector(".near img")
    assert explanations.asked == 2  # the page has asked again by itself
    assert page.locator(".near li").count() == 8
    assert "of 8 are labelled red" in page.locator(".answer h4").inner_text()


def test_without_a_script_the_form_is_sent_as_any_other(visit):
    page = visit(java_script_enabled=False)
    choose(page, picture())
    page.get_by_label("grey").check()
    page.get_by_role("button", name="Classify").click()
    page.wait_for_selector(".answer")
    assert page.locator(".answer h3").all_inner_texts() == ["builtin", "grey"]
    assert page.locator(".given img").evaluate("image => image.naturalWidth") == 320
    assert page.get_by_role("checkbox", name="grey").is_checked()


def test_the_keyboard_reaches_everything(visit):
    page = visit()
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
    assert "picture" in reached
    assert "grey" in reached
    page.locator("#picture").focus()
    assert page.locator("label[for=picture]").evaluate("label => getComputedStyle(label).outlineStyle") == "solid"


def test_the_documentation_is_drawn_from_here(visit):
    page = visit("/docs")
    page.wait_for_selector(".opblock-summary-path")
    paths = {re.sub(r"[\s\u200b]", "", text) for text in page.locator(".opblock-summary-path").all_inner_texts()}
    assert {"/v1/predict", "/v1/models", "/v1/runs", "/healthz", "/metrics"} <= paths
    page.locator(".opblock-post .opblock-summary-control").first.click()
    page.wait_for_selector(".opblock-body")


@pytest.mark.skipif(not SCREENSHOTS, reason="asked for with CIFARLAB_SCREENSHOTS=FOLDER")
def test_photograph_the_page(browser, fakes, tmp_path):
    """For the docs: an answer of the built-in model, light and dark, and on a phone."""
    from cifarlab.web.serving import Shelf

    folder = Path(SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    runs = Path(os.environ.get("CIFARLAB_SCREENSHOT_RUNS", tmp_path / "runs"))
    file = os.environ.get("CIFARLAB_SCREENSHOT_PICTURE")
    data = Path(file).read_bytes() if file else picture()
    name = Path(file).name if file else "red.png"
    with fakes.serving(Settings(runs_dir=runs, data="digits"), Shelf(runs)) as address:
        for width, scheme, shot in ((1280, "light", "light"), (1280, "dark", "dark"), (390, "light", "phone")):
            context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)
            context.set_default_timeout(2 * PATIENCE_MILLISECONDS)
            page = context.new_page()
            page.goto(f"{address}/classify")
            choose(page, data, name)
            answered(page)
            page.screenshot(path=folder / f"app-classify-{shot}.png", full_page=True)
            context.close()
