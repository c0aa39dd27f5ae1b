"""The app's pages as a visitor meets them: in Debian's chromium, on a phone and on a desk, by day and by night."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import load_data

pytestmark = pytest.mark.browser


def image_address() -> str:
    return f"/images/digits/{load_data('digits').test.ids[0]}?in=first&shown=all&sort=order"


PAGES = {
    "runs": "/runs",
    "run": "/runs/first",
    "mistakes": "/runs/first/mistakes",
    "calibration": "/runs/first/calibration",
    "robustness": "/runs/first/robustness",
    "first layer": "/runs/first/weights",
    "making": "/runs/first/making",
    "failed": "/runs/failed",
    "compare": "/compare?run=first&run=a-run-with-quite-a-long-name-of-its-own",
    "studies": "/studies",
    "study": "/studies/found",
    "stopped study": "/studies/half",
    "trial": "/studies/found/trials/2",
    "failed trial": "/studies/found/trials/1",
    "search": "/searches/new?recipe=smoke&range=learning_rate=1e-4..1e-2:log",
    "training": "/trainings/new?recipe=smoke&set.model.depth=2",
    "data": "/data/digits?sort=doubt",
    "figures": "/data/digits/figures",
    "image": image_address,
    "api": "/docs",
    "marks": "/runs/first/mistakes?mark=1",
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
def test_every_page_fits_and_is_accessible(visit, serious, name, width, scheme):
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


def test_styles_and_figures_arrive(visit):
    page = visit("/runs/first", scheme="dark")
    # What was drawn later than the page has the theme's colours too: the labels of an axis are muted.
    muted, text = page.evaluate(
        """() => [getComputedStyle(document.querySelector(".read")).color,
                  getComputedStyle(document.querySelector("#training-curves svg text")).fill]"""
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
    pictures = page.locator(".tiles .picture")
    assert pictures.count() == min(total, 300)
    page.get_by_label("Class").select_option("three")
    page.get_by_role("button", name="Apply").click()
    assert "class=three" in page.url
    assert "sort=" in page.url
    alts = page.locator(".tiles .picture").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert alts
    assert all(alt.startswith("three ") for alt in alts)
    page.locator(".tiles a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/digits/**")
    assert page.locator("h1").inner_text().startswith("three")


def test_hundreds_of_pictures_come_in_four_requests_each_in_its_place(visit):
    page = visit("/data/digits?split=train")
    assert page.locator(".tiles .picture").count() == 300
    page.wait_for_load_state("networkidle")
    sheets = page.evaluate(
        "performance.getEntriesByType('resource').map(each => each.name).filter(each => /pictures|sheets/.test(each))"
    )
    assert len(sheets) == 4  # each once, though the page's head asks for it too
    images = load_data("digits").train.images
    for place in (0, 9, 10, 199, 299):
        photograph = page.locator(".tiles .picture").nth(place).screenshot()
        shown = np.asarray(Image.open(io.BytesIO(photograph)).convert("RGB").resize((32, 32)), int)
        differences = np.abs(images[:300].astype(int) - shown).mean(axis=(1, 2, 3))
        assert (images[differences.argmin()] == images[place]).all()


def test_click_a_confusion_cell_and_land_on_its_images(visit):
    page = visit("/runs/first")
    cells = page.locator(".confusion td.w a")
    cell = cells.nth(cells.count() // 2)
    count = int(re.match(r"[\d,]+", cell.inner_text())[0].replace(",", ""))
    title = cell.get_attribute("title")
    cell.click()
    page.wait_for_url("**/mistakes?**")
    assert page.locator("#gallery-title").inner_text() == title
    alts = page.locator(".tiles .picture").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert len(alts) == count
    true, _, said = title.partition(" predicted as ")
    assert all(alt.startswith(f"{true}, predicted as {said},") for alt in alts)
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


def test_arrow_keys_turn_the_pages_of_a_gallery(visit):
    page = visit("/data/digits?split=train")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**page=2")
    page.get_by_label("Class").focus()
    page.keyboard.press("ArrowLeft")  # chooses among the classes, and leaves the page where it is
    assert page.url.endswith("page=2")
    page.get_by_label("Class").blur()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(r"split=train$"))


def test_a_ticked_box_leaves_the_arrow_keys_to_the_page(visit):
    page = visit(image_address())
    before = page.url
    page.get_by_role("checkbox", name="first").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != before)
    assert "/images/digits/" in page.url


def test_that_the_networks_were_asked_stands_in_the_address(visit, runs_dir, address):
    (runs_dir / "first" / "model.keras").touch()
    page = visit(image_address())
    page.route("**/stories/**", lambda route: route.fulfill(content_type="text/html", body="<p>What they say</p>"))
    link = page.get_by_role("link", name="Explain the predictions")
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


def test_numbers_under_the_units_can_be_read_on_a_phone(visit):
    page = visit("/runs/first/weights", width=390)
    heights = page.locator("#locality .captioned svg text").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert len(heights) == 1 + 8
    assert min(heights) >= 11


def test_a_wide_screen_has_the_matrix_beside_the_curves(visit):
    wide, narrow = (visit("/runs/first", width=width) for width in (1280, 1024))
    tops = [
        page.locator("#training-curves h2, #confusion-matrix h2").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().top)"
        )
        for page in (wide, narrow)
    ]
    assert tops[0][0] == tops[0][1]
    assert tops[1][0] < tops[1][1]


def test_what_goes_on_beside_a_table_fades_out(visit):
    page = visit("/runs", width=390)
    table = page.locator(".scroll:has(.runs)")
    fade = "parseFloat(getComputedStyle(each).getPropertyValue('--fade-{}'))"
    fades = f"each => [{fade.format('start')}, {fade.format('end')}]"
    start, end = table.evaluate(fades)
    assert start == 0
    assert end > 10
    table.evaluate("each => each.scrollLeft = each.scrollWidth")
    page.wait_for_function(f"each => {fade.format('end')} === 0", arg=table.element_handle())
    assert table.evaluate(fades)[0] > 10
    whole = visit("/docs").locator(".scroll").first
    assert whole.evaluate(fades) == [0, 0]  # nothing is beside it


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
