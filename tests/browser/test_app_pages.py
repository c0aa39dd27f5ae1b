"""The app's pages as a visitor meets them: in Debian's chromium, on a phone and on a desk, by day and by night.

With `CIFARLAB_SCREENSHOTS=docs/images` the pages are photographed for the docs: from `CIFARLAB_SCREENSHOT_RUNS`, a
folder of real runs, where it is given.
"""

import os
import re
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from cifarlab.datasets import load_data
from cifarlab.web import jobs as jobs_module
from cifarlab.web.application import create_app
from cifarlab.web.settings import Settings

pytestmark = pytest.mark.browser

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
MADE_UP = Path(__file__).parents[1] / "web" / "made_up_training.py"
PROGRAM = f"import runpy, sys; sys.argv[0] = 'cifarlab'; runpy.run_path({str(MADE_UP)!r}, run_name='__main__')"
SCREENSHOTS = os.environ.get("CIFARLAB_SCREENSHOTS", "")
PATIENCE_MILLISECONDS = 180_000  # a busy machine is no failure


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


@contextmanager
def serving(settings: Settings):
    """The app on a free port of this machine, in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = create_app(settings)
    config = uvicorn.Config(app, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    for job in app.state.jobs.all():
        job.process.kill()
        job.process.wait()
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.fixture(scope="module")
def runs_dir(make_run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("app") / "runs"
    make_run(folder, "first", epochs=8)
    make_run(folder, "a-run-with-quite-a-long-name-of-its-own", skill=4.0, epochs=5)
    make_run(folder, "failed", epochs=2).set_state("failed", "the loss is no longer finite (epoch 3)")
    return folder


@pytest.fixture(scope="module")
def address(runs_dir):
    before = jobs_module._PROGRAM
    jobs_module._PROGRAM = PROGRAM
    with serving(Settings(runs_dir=runs_dir, data="digits")) as found:
        yield found
    jobs_module._PROGRAM = before


@pytest.fixture
def visit(browser, address):
    """Opens pages and, at the end, holds them to be quiet and to stay on this machine."""
    contexts, said, asked = [], [], []

    def open_page(path: str, *, width: int = 1280, scheme: str = "light", **options):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, **options)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path)
        if options.get("java_script_enabled", True):
            page.wait_for_function("() => !document.querySelector('[data-lazy]')")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def image_address() -> str:
    return f"/images/digits/{load_data('digits').test.ids[0]}?in=first&shown=all&sort=order"


PAGES = {
    "runs": "/runs",
    "run": "/runs/first",
    "mistakes": "/runs/first/mistakes",
    "calibration": "/runs/first/calibration",
    "making": "/runs/first/making",
    "compare": "/compare?run=first&run=a-run-with-quite-a-long-name-of-its-own",
    "training": "/trainings/new?recipe=smoke",
    "data": "/data/digits?sort=doubt",
    "figures": "/data/digits/figures",
    "image": image_address,
    "nothing": "/trainings/new?recipe=nothing",
}
VIEWS = [
    (390, "dark"),
    *(
        pytest.param(*view, marks=pytest.mark.thorough)
        for view in ((390, "light"), (1280, "light"), (1280, "dark"), (2560, "light"))
    ),
]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_every_page_fits_and_is_accessible(visit, name, width, scheme):
    path = PAGES[name]
    page = visit(path() if callable(path) else path, width=width, scheme=scheme)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(251, 250, 247)",
            "dark": "rgb(20, 23, 28)",
        }[scheme]
    )
    if width != 2560:
        assert serious(page) == []


def serious(page) -> list[str]:
    """What axe-core finds serious or worse, in one line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_styles_and_figures_arrive(visit):
    page = visit("/runs/first", scheme="dark")
    # What was drawn later than the page has the theme's colours too: the labels of an axis are muted.
    muted, text = page.evaluate(
        """() => [getComputedStyle(document.querySelector(".read")).color,
                  getComputedStyle(document.querySelector("#curves svg text")).fill]"""
    )
    assert muted == text
    dot = page.evaluate("getComputedStyle(document.querySelector('.dot')).backgroundColor")
    assert dot != "rgba(0, 0, 0, 0)"
    left = page.evaluate("getComputedStyle(document.querySelector('.ruler .value')).left")
    assert float(left.removesuffix("px")) > 50


def test_browse_the_data(visit):
    page = visit("/data/digits")
    total = len(load_data("digits").test)
    assert page.locator("#found").inner_text().startswith(f"{total}")
    pictures = page.locator(".tiles img")
    assert pictures.count() == min(total, 300)
    page.get_by_label("Class").select_option("three")
    page.get_by_role("button", name="Apply").click()
    assert "class=three" in page.url
    assert "sort=" in page.url
    alts = page.locator(".tiles img").evaluate_all("all => all.map(each => each.alt)")
    assert alts
    assert all(alt.startswith("three ") for alt in alts)
    page.locator(".tiles a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/digits/**")
    assert page.locator("h1").inner_text().startswith("three")


def test_hundreds_of_pictures_are_there_at_once(visit):
    page = visit("/data/digits?split=train")
    count = page.locator(".tiles img").count()
    assert count == 300
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.tiles img')].every(each => each.complete && each.naturalWidth === 32)"
    )


def test_click_a_confusion_cell_and_land_on_its_images(visit):
    page = visit("/runs/first")
    cells = page.locator(".confusion td.w a")
    cell = cells.nth(cells.count() // 2)
    count = int(re.match(r"[\d,]+", cell.inner_text())[0].replace(",", ""))
    title = cell.get_attribute("title")
    cell.click()
    page.wait_for_url("**/mistakes?**")
    assert page.locator("#gallery-title").inner_text() == title
    alts = page.locator(".tiles img").evaluate_all("all => all.map(each => each.alt)")
    assert len(alts) == count
    true, _, said = title.partition(" taken for ")
    assert all(alt.startswith(f"{true}, taken for {said},") for alt in alts)
    page.go_back()
    assert page.url.endswith("/runs/first")


def test_the_gallery_is_filtered_and_sorted(visit):
    page = visit("/runs/first/mistakes")
    sure = [float(each.split()[0]) for each in page.locator(".tiles .sure").all_inner_texts()]
    assert len(sure) > 10
    page.get_by_label("Sort").select_option("confidence")
    page.get_by_label("Confidence, % from").fill("40")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**least=40**")
    assert "said=" not in page.url
    filtered = [float(each.split()[0]) for each in page.locator(".tiles .sure").all_inner_texts()]
    assert filtered == sorted(filtered, reverse=True)
    assert min(filtered) >= 40
    # The numbers shown are rounded.
    assert sum(each > 40 for each in sure) <= len(filtered) <= sum(each >= 40 for each in sure)


def test_arrow_keys_walk_through_the_filter(visit):
    page = visit("/runs/first/mistakes?sort=confidence")
    hrefs = page.locator(".tiles a").evaluate_all("all => all.map(each => new URL(each.href).pathname)")
    page.locator(".tiles a").first.click()
    page.wait_for_url("**/images/**")
    for expected in hrefs[1:3]:
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**{expected}**")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**{hrefs[1]}**")
    page.get_by_role("link", name=re.compile("2 of")).click()
    page.wait_for_url("**/mistakes?**")
    assert "sort=confidence" in page.url


def test_that_the_networks_were_asked_stands_in_the_address(visit, runs_dir, address):
    (runs_dir / "first" / "model.keras").touch()
    page = visit(image_address())
    page.route("**/stories/**", lambda route: route.fulfill(content_type="text/html", body="<p>What they say</p>"))
    link = page.get_by_role("link", name="Ask the networks")
    target = link.get_attribute("href")
    link.click()
    page.wait_for_selector("text=What they say")
    assert "story=1" in target
    assert page.url == address + target


def test_compare_two_runs(visit):
    page = visit("/runs?sort=name")
    button = page.get_by_role("button", name="Compare the selected")
    assert button.is_disabled()
    page.get_by_label("Select first", exact=True).check()
    assert button.is_disabled()
    page.get_by_label("Select a-run-with").check()
    button.click()
    page.wait_for_url("**/compare?run=**")
    assert "run=first" in page.url
    page.wait_for_function("() => !document.querySelector('[data-lazy]')")
    link = page.get_by_role("link", name=re.compile(r"images only first recognises|images only a-run"))
    count = int(link.first.inner_text().split()[0])
    link.first.click()
    page.wait_for_url("**side=gained**")
    assert page.locator("#found").inner_text().split()[0] == str(count)


def test_sort_the_runs(visit):
    page = visit("/runs")
    page.get_by_role("link", name="Test accuracy").click()
    page.wait_for_url("**sort=-accuracy**")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Test accuracy")
    names = page.locator(".runs tbody th").all_inner_texts()
    assert names[0] == "a-run-with-quite-a-long-name-of-its-own"
    page.get_by_role("searchbox").fill("fir")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**q=fir**")
    assert page.locator(".runs tbody th").all_inner_texts() == ["first"]
    assert "sort=-accuracy" in page.url


def test_start_watch_and_stop_a_training(visit):
    page = visit("/runs")
    page.get_by_role("link", name="Train a recipe").click()
    page.get_by_role("link", name="smoke", exact=True).click()
    page.get_by_label("name of the run").fill("watched")
    page.get_by_label("epochs", exact=True).fill("300")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url("**/runs/watched")
    page.wait_for_selector("#live .chip.running")
    page.wait_for_selector("#curves svg")
    before = page.locator("#live .state strong").inner_text()
    page.wait_for_function("before => document.querySelector('#live .state strong').innerText !== before", arg=before)
    colour = page.evaluate("getComputedStyle(document.querySelector('#curves svg path[data-style]')).stroke")
    assert colour  # styles of what came later are set by the script
    assert page.evaluate("document.querySelectorAll('#curves [data-style]').length") > 20
    table = visit("/runs?q=watched")
    table.wait_for_selector(".runs .chip.running")
    page.get_by_role("button", name="Stop the training").click()
    page.wait_for_selector(".chip.stopped")
    assert "interrupted" in page.locator(".state").inner_text()
    command = page.locator(".progress code").inner_text()
    assert re.fullmatch(r"cifarlab train --resume \S+/watched", command)
    table.wait_for_selector(".runs .chip.stopped")


@pytest.mark.thorough
def test_a_training_that_ended_is_evaluated_in_place(visit):
    page = visit("/trainings/new?recipe=smoke")
    page.get_by_label("name of the run").fill("evaluated")
    page.get_by_label("epochs", exact=True).fill("2")
    page.get_by_role("button", name="Start the training").click()
    page.get_by_role("button", name="Evaluate on test").click()
    page.wait_for_selector(".confusion a")
    assert page.locator(".big").is_visible()


def test_a_training_that_cannot_begin_says_why(visit):
    page = visit("/trainings/new?recipe=smoke")
    page.get_by_label("name of the run").fill("hopeless")
    page.get_by_label("seed", exact=True).fill("666")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_selector("text=this one cannot be trained")
    assert page.locator(".job").get_by_text("Watch").count() == 0
    page.get_by_role("button", name="Dismiss").click()
    page.wait_for_url("**/runs")
    assert page.get_by_text("hopeless").count() == 0


def test_wrong_settings_are_said_beside_the_form(visit, address):
    context_page = visit("/trainings/new?recipe=smoke")
    context_page.get_by_label("epochs", exact=True).fill("none")
    # Chromium writes an answer of 400 to its console: this page is asked for without it.
    form = {"recipe": "smoke", "name": "wrong", "set.epochs": "none"}
    answer = context_page.request.post(f"{address}/trainings", form=form)
    assert answer.status == 400
    assert "epochs must be a whole number" in answer.text()


def test_dark_is_chosen_and_kept(visit):
    page = visit("/runs")
    page.get_by_role("link", name="dark", exact=True).click()
    page.wait_for_selector("html[data-theme=dark]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    page.get_by_label("Pages").get_by_role("link", name="Data").click()
    page.wait_for_selector("html[data-theme=dark]")
    page.get_by_role("link", name="auto", exact=True).click()
    page.wait_for_selector("html:not([data-theme])")


def test_pages_work_without_scripts(visit):
    page = visit("/runs", java_script_enabled=False)
    page.get_by_label("Select first", exact=True).check()
    page.get_by_label("Select a-run-with").check()
    page.get_by_role("button", name="Compare the selected").click()
    assert page.locator("h1").inner_text().startswith("2 runs")


@pytest.mark.skipif(not SCREENSHOTS, reason="asked for with CIFARLAB_SCREENSHOTS=FOLDER")
def test_photograph_the_pages(browser, runs_dir):
    """For the docs: each page, light and dark, at the width of a desk, and the run on a phone."""
    folder = Path(SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("CIFARLAB_SCREENSHOT_RUNS")
    runs = Path(given) if given else runs_dir
    data = os.environ.get("CIFARLAB_SCREENSHOT_DATA", "cifar10" if given else "digits")
    with serving(Settings(runs_dir=runs, data=data)) as address:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            page = context.new_page()
            page.goto(f"{address}/runs?sort=-accuracy")
            photograph(page, folder / f"app-runs-{scheme}.png")
            names = page.locator(".runs tbody a.run").evaluate_all("all => all.map(each => each.getAttribute('href'))")
            chosen = page.locator(".runs input").evaluate_all("all => all.slice(0, 2).map(each => each.value)")
            for name, path in {
                "run": names[0],
                "images": f"{names[0]}/mistakes?sort=confidence",
                "compare": f"/compare?run={chosen[0]}&run={chosen[1]}",
                "data": f"/data/{data}?sort=doubt",
                "training": "/trainings/new?recipe=mlp2",
            }.items():
                page.goto(address + path)
                photograph(page, folder / f"app-{name}-{scheme}.png", whole=name == "run")
            page.goto(f"{address}{names[0]}/mistakes?sort=confidence")
            page.locator(".tiles a").first.click()
            page.wait_for_url("**/images/**")
            photograph(page, folder / f"app-image-{scheme}.png")
            context.close()
        phone = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
        page = phone.new_page()
        page.goto(address + names[0])
        photograph(page, folder / "app-run-phone.png")
        phone.close()


def photograph(page, path: Path, whole: bool = False) -> None:
    page.wait_for_function("() => !document.querySelector('[data-lazy]')")
    page.wait_for_load_state("networkidle")
    if whole:
        height = min(2600, page.evaluate("document.documentElement.scrollHeight"))
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": height}, full_page=True)
    else:
        page.screenshot(path=path)
