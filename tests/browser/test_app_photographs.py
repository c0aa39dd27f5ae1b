"""Photographs of the app for the docs, taken where `CIFARLAB_SCREENSHOTS=docs/images` asks for them.

They show `CIFARLAB_SCREENSHOT_RUNS`, a folder of real runs, and classify `CIFARLAB_SCREENSHOT_PICTURE`, where these are
given, and what the tests have made up where not.
"""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from cifarlab.datasets import load_data
from cifarlab.web.settings import Settings

pytestmark = pytest.mark.browser

GIVEN_RUNS = os.environ.get("CIFARLAB_SCREENSHOT_RUNS")
DATA = os.environ.get("CIFARLAB_SCREENSHOT_DATA", "cifar10" if GIVEN_RUNS else "digits")
# Of these the whole page; of the others what a screen shows.
WHOLE = ("run", "calibration", "figures")


@pytest.fixture(scope="module")
def address(fakes, runs_dir):
    """The app on the runs that are to be shown."""
    shown = Path(GIVEN_RUNS) if GIVEN_RUNS else runs_dir
    with fakes.serving(Settings(runs_dir=shown, data=DATA)) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_photograph_the_pages(screenshots, new_page, address, scheme):
    """Each page, at the width of a desk."""
    page = new_page(height=900, scheme=scheme)
    page.goto(f"{address}/runs?sort=-accuracy")
    photograph(page, screenshots / f"app-runs-{scheme}.png")
    best = page.locator(".runs tbody a.run").first.get_attribute("href")
    chosen = page.locator(".runs input").evaluate_all("all => all.slice(0, 2).map(each => each.value)")
    for name, path in {
        "run": best,
        "images": f"{best}/mistakes?sort=confidence",
        "calibration": f"{best}/calibration",
        "compare": f"/compare?run={chosen[0]}&run={chosen[1]}",
        "data": f"/data/{DATA}?sort=doubt",
        "figures": f"/data/{DATA}/figures",
        "training": "/trainings/new?recipe=mlp2",
    }.items():
        page.goto(address + path)
        photograph(page, screenshots / f"app-{name}-{scheme}.png", whole=name in WHOLE)
    page.goto(f"{address}{best}/mistakes?sort=confidence")
    page.locator(".tiles a").first.click()
    page.wait_for_url("**/images/**")
    photograph(page, screenshots / f"app-image-{scheme}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "tab"), [("robustness", "Robustness"), ("first-layer", "First layer")])
def test_photograph_what_not_every_run_has(screenshots, new_page, address, name, tab, scheme):
    """A page of the most accurate run that has it."""
    page = new_page(height=900, scheme=scheme)
    page.goto(f"{address}/runs?sort=-accuracy")
    for run in page.locator(".runs tbody a.run").evaluate_all("all => all.map(each => each.href)"):
        page.goto(run)
        link = page.locator(".tabs").get_by_role("link", name=tab, exact=True)
        if link.count():
            page.goto(address + link.get_attribute("href"))
            photograph(page, screenshots / f"app-{name}-{scheme}.png", whole=True)
            return
    pytest.fail(f"no run here has the page {tab}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_photograph_marking(screenshots, new_page, fakes, runs_dir, tmp_path, monkeypatch, scheme):
    """Pictures selected and marked, on a copy: the labels file of the real runs is left alone."""
    photographs, given = screenshots.resolve(), Path(GIVEN_RUNS).resolve() if GIVEN_RUNS else runs_dir
    monkeypatch.chdir(tmp_path)  # the page shows where the labels file is
    shown = Path("runs")
    shutil.copytree(given, shown, ignore=shutil.ignore_patterns("labels"))
    with fakes.serving(Settings(runs_dir=shown, data=DATA)) as own:
        page = new_page(height=900, scheme=scheme)
        page.goto(f"{own}/data/{DATA}?sort=doubt&mark=1")
        tiles = page.locator("[data-image] label")
        for places, verdict in (((0, 1, 5), "Relabel"), ((8,), "Drop"), ((3,), "Keep")):
            for place in places:
                tiles.nth(place).click()
            with page.expect_response("**/labels/**"):
                page.get_by_role("button", name=verdict).click()
        for place in (13, 14, 15):
            tiles.nth(place).click()
        photograph(page, photographs / f"app-marks-{scheme}.png")
        page.context.close()


def test_photograph_a_run_on_a_phone(screenshots, new_page, address):
    page = new_page(width=390, device_scale_factor=2)
    page.goto(f"{address}/runs?sort=-accuracy")
    page.goto(address + page.locator(".runs tbody a.run").first.get_attribute("href"))
    photograph(page, screenshots / "app-run-phone.png")


@pytest.mark.parametrize(
    ("width", "scheme", "shot"), [(1280, "light", "light"), (1280, "dark", "dark"), (390, "light", "phone")]
)
def test_photograph_an_answer(screenshots, new_page, address, tmp_path, width, scheme, shot):
    """An answer of the built-in model, light and dark, and on a phone."""
    from playwright.sync_api import expect

    page = new_page(width=width, height=1000, scheme=scheme)
    page.goto(f"{address}/classify")
    page.locator("#picture").set_input_files(os.environ.get("CIFARLAB_SCREENSHOT_PICTURE") or red_picture(tmp_path))
    page.wait_for_selector("#answer:not([aria-busy]) .answer h3:text-is('builtin')")
    expect(page.locator("#answer")).to_have_css("opacity", "1")  # no longer fading
    page.screenshot(path=screenshots / f"app-classify-{shot}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_photograph_a_table_of_answers(screenshots, new_page, address, tmp_path, scheme):
    """Pictures of the test images, larger, by the built-in model and a run where there is one with a model."""
    part, folder = load_data(DATA).test, tmp_path / "photos"
    folder.mkdir()
    for label in range(6):
        image = part.images[part.labels == label][1]
        Image.fromarray(image.squeeze()).resize((96, 96)).save(folder / f"{part.class_names[label]}.png")
    (folder / "notes.png").write_text("no picture")
    page = new_page(height=1000, scheme=scheme)
    page.goto(f"{address}/classify?model=builtin")
    for box in page.locator("#offered input:not(:checked)").all()[:1]:
        box.check()
    page.locator("#folder").set_input_files(folder)
    page.wait_for_selector("#answer:not([aria-busy]) #lines tr:nth-child(7)")
    page.mouse.move(0, 0)
    page.wait_for_function("() => getComputedStyle(document.querySelector('#answer')).opacity === '1'")
    page.screenshot(path=screenshots / f"app-classify-table-{scheme}.png", full_page=True)


def photograph(page, path: Path, whole: bool = False) -> None:
    page.wait_for_function("() => !document.querySelector('[data-lazy]')")
    page.wait_for_load_state("networkidle")
    if whole:
        height = min(2600, page.evaluate("document.documentElement.scrollHeight"))
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": height}, full_page=True)
    else:
        page.screenshot(path=path)


def red_picture(folder: Path) -> Path:
    file = folder / "red.png"
    Image.new("RGB", (200, 120), "red").save(file)
    return file
