"""Debian's chromium, the app around made-up runs, and a visitor who holds every page to be quiet."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cifarlab.web.settings import Settings

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PATIENCE_MILLISECONDS = 180_000  # a busy machine is no failure


# A file's own: Playwright keeps an event loop running, which tests of other files must not find.
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
def runs_dir(make_run, fake_run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("app") / "runs"
    fake_run.write_robustness(make_run(folder, "first", epochs=8))
    make_run(folder, "a-run-with-quite-a-long-name-of-its-own", skill=4.0, epochs=5)
    make_run(folder, "failed", epochs=2).set_state("failed", "the loss is no longer finite (epoch 3)")
    return folder


@pytest.fixture(scope="module")
def studies_dir(made_up_study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    made_up_study.make_study(folder, "found")
    made_up_study.make_study(folder, "half", rounds=1)
    return folder


@pytest.fixture(scope="module")
def address(fakes, runs_dir, studies_dir):
    """Where the app answers; a file that wants another app overrides it."""
    with fakes.serving(Settings(runs_dir=runs_dir, data="digits", studies_dir=studies_dir)) as found:
        yield found


@pytest.fixture
def unmarked(fakes, runs_dir, tmp_path):
    """Where the app answers: without a mark, on runs that nobody else marks."""
    shutil.copytree(runs_dir, tmp_path / "runs")
    with fakes.serving(Settings(runs_dir=tmp_path / "runs", data="digits")) as found:
        yield found


@pytest.fixture
def new_page(browser):
    """Opens empty pages, each in a window of its own, with nothing kept from another."""
    contexts = []

    def new_page(*, width: int = 1280, height: int = 844, scheme: str = "light", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        return context.new_page()

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture
def may_say() -> str:
    """Words of the lines that pages may write to the console; a file that expects some overrides it."""
    return ""


@pytest.fixture
def visit(new_page, address, may_say):
    """Opens pages of the app and, at the end, holds them to be quiet and to stay on this machine."""
    pages, said, asked = [], [], []

    def visit(path: str, **options):
        page = new_page(**options)
        pages.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path)
        if options.get("java_script_enabled", True):
            page.wait_for_function("() => !document.querySelector('[data-lazy]')")
        return page

    yield visit
    for page in pages:
        page.context.close()  # after this, all that it had to say was said
    assert [line for line in said if not may_say or may_say not in line] == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


@pytest.fixture(scope="session")
def serious() -> Callable[..., list[str]]:
    """What axe-core finds on a page, in one line each: nothing is too small to be mended."""

    def serious(page) -> list[str]:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(page).response["violations"]
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:200]}"
            for each in found
        ]

    return serious


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """The folder that photographs for the docs go to; where none is asked for, nothing is set up for them."""
    given = os.environ.get("CIFARLAB_SCREENSHOTS")
    if not given:
        pytest.skip("asked for with CIFARLAB_SCREENSHOTS=FOLDER")
    folder = Path(given)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
