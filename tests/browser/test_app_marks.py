"""Marking labels as a visitor does: with the mouse, by the keyboard alone, on a phone, and without scripts."""

import pytest

from cifarlab.datasets.verdicts import read_labels

pytestmark = pytest.mark.browser

GALLERY = "/runs/first/mistakes?mark=1"


@pytest.fixture
def address(unmarked):
    return unmarked


@pytest.fixture
def verdicts(tmp_path):
    """What the labels file says, in its order: each image's place among the pictures of a page, verdict and class."""

    def verdicts(page) -> list[tuple[int, str, str]]:
        ids = page.locator("[data-image]").evaluate_all("all => all.map(each => each.dataset.image)")
        found = read_labels(tmp_path / "runs" / "labels" / "digits.csv").verdicts
        return [(ids.index(each.image_id), each.verdict, each.new) for each in found]

    return verdicts


def suggested(page, place: int) -> str:
    words = page.locator("[data-image]").nth(place).locator(".said").inner_text()
    return words.split()[0]


def wait_for(page, words: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("[data-marked]")).to_have_text(words)


def wait_for_focus(page, place: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator("[data-image] input").nth(place)).to_be_focused()


def marks(page, *places: int) -> list[str]:
    return [page.locator("[data-image] .mark").nth(place).inner_text() for place in places]


def test_with_the_mouse_one_a_range_and_a_class(visit, verdicts):
    page = visit(GALLERY)
    tiles = page.locator("[data-image] label")
    tiles.nth(0).click()
    page.get_by_role("button", name="Relabel").click()
    wait_for(page, "1 marked: 1 relabel")
    tiles.nth(2).click()
    tiles.nth(5).click(modifiers=["Shift"])
    assert page.locator("[data-image] input:checked").count() == 4
    assert page.locator("[data-said]").inner_text() == "4 selected"
    page.get_by_role("button", name="Drop").click()
    wait_for(page, "5 marked: 1 relabel, 4 drop")
    tiles.nth(7).click()
    page.get_by_label("Relabel to").select_option("nine")
    page.get_by_role("button", name="Relabel").click()
    wait_for(page, "6 marked: 2 relabel, 4 drop")
    tiles.nth(3).click()
    page.get_by_role("button", name="Undo").click()
    wait_for(page, "5 marked: 2 relabel, 3 drop")
    assert "nine" not in page.locator("[data-image]").nth(7).locator(".true").inner_text()
    assert verdicts(page) == [
        (0, "relabel", suggested(page, 0)), *((place, "drop", "") for place in (2, 3, 4, 5)),
        (7, "relabel", "nine"), (3, "undo", ""),
    ]  # fmt: skip
    assert marks(page, 0, 2, 3) == [f"relabel: {suggested(page, 0)}", "drop", ""]
    assert page.locator("[data-serve=test] code").inner_text().endswith("runs/labels/digits.csv")
    assert page.locator("[data-on-page]").inner_text().startswith("5 of ")
    assert page.locator("[data-splits]").inner_text() == "(5 test images)"
    assert page.locator("[data-serve=train]").is_hidden()  # a training would learn nothing by them
    page.reload()
    assert marks(page, 0, 2, 3) == [f"relabel: {suggested(page, 0)}", "drop", ""]


def test_by_the_keyboard_alone(visit, verdicts):
    page = visit(GALLERY.partition("?")[0])
    page.get_by_role("link", name="Select and mark").focus()
    with page.expect_navigation(url="**?mark=1"):
        page.keyboard.press("Enter")
    wait_for_focus(page, 0)
    page.keyboard.press("k")  # and on to the second
    page.keyboard.press("r")
    page.keyboard.press("d")
    page.keyboard.press("u")
    page.keyboard.press("0")  # of the digits each is its own key
    assert "zero" not in page.locator("[data-image]").nth(4).locator(".true").inner_text()
    wait_for(page, "5 marked: 1 keep, 2 relabel, 1 drop, 1 unsure")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert page.locator("[data-said]").inner_text() == "3 selected"
    page.keyboard.press("d")
    wait_for(page, "8 marked: 1 keep, 2 relabel, 4 drop, 1 unsure")
    page.keyboard.press("Home")
    page.keyboard.press("z")
    wait_for(page, "7 marked: 2 relabel, 4 drop, 1 unsure")
    assert verdicts(page) == [
        (0, "keep", ""), (1, "relabel", suggested(page, 1)), (2, "drop", ""), (3, "unsure", ""),
        (4, "relabel", "zero"), (5, "drop", ""), (6, "drop", ""), (7, "drop", ""), (0, "undo", ""),
    ]  # fmt: skip
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    top, second = page.evaluate(
        "[document.querySelector('[data-image]'), document.activeElement.closest('li')].map(each => each.offsetTop)"
    )
    assert second > top
    page.keyboard.press("Space")
    assert page.locator("[data-said]").inner_text() == "1 selected"
    page.keyboard.press("a")
    assert page.locator("[data-image] input:not(:checked)").count() == 0
    page.keyboard.press("Escape")
    assert page.locator("[data-image] input:checked").count() == 0


def test_undo_right_after_a_mark_takes_that_mark_back(visit, verdicts):
    page = visit(GALLERY)
    page.locator("[data-image] input").first.focus()
    page.keyboard.press("k")
    page.keyboard.press("d")
    wait_for(page, "2 marked: 1 keep, 1 drop")
    page.keyboard.press("z")  # the focus stands on the third, which was never marked
    wait_for(page, "1 marked: 1 keep")
    page.keyboard.press("u")  # the focus is back on the second
    wait_for(page, "2 marked: 1 keep, 1 unsure")
    assert verdicts(page) == [(0, "keep", ""), (1, "drop", ""), (1, "undo", ""), (1, "unsure", "")]
    page.keyboard.press("Home")
    page.keyboard.press("z")
    wait_for(page, "1 marked: 1 unsure")


def test_undo_brings_back_what_stood_there_before(visit, verdicts):
    page = visit(GALLERY)
    wait_for_focus(page, 0)
    page.keyboard.press("0")
    page.keyboard.press("Home")
    page.keyboard.press("k")  # by mistake
    wait_for(page, "1 marked: 1 keep")
    page.keyboard.press("z")
    wait_for(page, "1 marked: 1 relabel")
    assert marks(page, 0) == ["relabel: zero"]
    page.keyboard.press("z")  # and once more: the relabel itself
    wait_for(page, "nothing marked yet")
    assert [each[1:] for each in verdicts(page)] == [
        ("relabel", "zero"),
        ("keep", ""),
        ("relabel", "zero"),
        ("undo", ""),
    ]


def test_one_that_was_clicked_goes_on_too(visit, verdicts):
    page = visit(GALLERY)
    page.locator("[data-image] label").nth(2).click()
    page.keyboard.press("k")
    wait_for_focus(page, 3)
    page.keyboard.press("d")
    page.get_by_role("button", name="Unsure").click()  # the bar speaks of the picture that had the focus
    wait_for(page, "3 marked: 1 keep, 1 drop, 1 unsure")
    assert verdicts(page) == [(2, "keep", ""), (3, "drop", ""), (4, "unsure", "")]


def test_keys_say_nothing_where_something_is_typed(visit, tmp_path):
    page = visit(GALLERY)
    page.get_by_label("Confidence, % from").press("d")
    page.keyboard.press("1")
    assert page.locator("[data-said]").inner_text() == ""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("d")
    assert page.locator("[data-said]").inner_text() == "Select a picture first"
    assert not (tmp_path / "runs" / "labels").exists()


def middle(page, place: int) -> tuple[float, float]:
    box = page.locator("[data-image] label").nth(place).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def chosen(page) -> list[int]:
    return page.locator("[data-image] input").evaluate_all(
        "all => all.map((each, place) => each.checked ? place : -1).filter(place => place >= 0)"
    )


def test_a_frame_drawn_around_pictures_selects_them(visit):
    page = visit(GALLERY)
    x, y = middle(page, 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*middle(page, 3), steps=4)
    assert page.locator(".band").count() == 1
    page.mouse.up()
    assert page.locator(".band").count() == 0
    assert chosen(page) == [1, 2, 3]
    assert page.locator("[data-said]").inner_text() == "3 selected"
    page.keyboard.down("Control")  # and more to them
    page.mouse.move(*middle(page, 5))
    page.mouse.down()
    page.mouse.move(*middle(page, 6), steps=4)
    page.mouse.up()
    page.keyboard.up("Control")
    assert chosen(page) == [1, 2, 3, 5, 6]
    page.mouse.down()
    page.mouse.move(*middle(page, 0), steps=4)
    assert chosen(page) != [1, 2, 3, 5, 6]
    page.keyboard.press("Escape")  # thinks better of it
    page.mouse.up()
    assert chosen(page) == [1, 2, 3, 5, 6]
    page.locator("[data-image] label").nth(8).click()  # a click is a click again
    assert chosen(page) == [1, 2, 3, 5, 6, 8]


def test_the_page_scrolls_under_a_frame_that_reaches_its_end(visit):
    page = visit("/data/digits?mark=1&split=train")
    page.mouse.move(*middle(page, 0))
    page.mouse.down()
    x, _ = middle(page, 0)
    page.mouse.move(x, 840, steps=4)
    page.wait_for_function("() => scrollY > 1000")
    page.mouse.up()
    places = chosen(page)
    assert places[0] == 0
    assert len(places) > 6  # the window shows five rows
    tops = page.locator("[data-image]").evaluate_all("all => all.map(each => each.offsetLeft)")
    assert {tops[place] for place in places} == {tops[0]}  # one column


@pytest.mark.parametrize(("pointer", "selects"), [("pen", True), ("touch", False)])
def test_a_pen_draws_and_a_finger_scrolls(visit, pointer, selects):
    page = visit(GALLERY)
    from_, to = middle(page, 0), middle(page, 2)
    page.evaluate(
        """([kind, from, to]) => {
          const list = document.querySelector(".markable");
          list.setPointerCapture = () => {};  // there is no real pointer to be held
          const send = (type, [x, y]) => document.elementFromPoint(x, y).dispatchEvent(new PointerEvent(
            type, { pointerType: kind, pointerId: 7, clientX: x, clientY: y, button: 0, bubbles: true }));
          send("pointerover", from);
          window.action = getComputedStyle(list).touchAction;
          send("pointerdown", from);
          send("pointermove", to);
          send("pointerup", to);
        }""",
        [pointer, from_, to],
    )
    assert page.evaluate("action") == ("none" if selects else "auto")
    assert chosen(page) == ([0, 1, 2] if selects else [])


@pytest.mark.parametrize("scripts", [True, False])
def test_the_ids_of_what_is_selected_are_saved(visit, scripts):
    page = visit("/data/digits?mark=1&sort=doubt", java_script_enabled=scripts)
    ids = page.locator("[data-image]").evaluate_all("all => all.map(each => each.dataset.image)")
    for place in (4, 2):
        page.locator("[data-image] label").nth(place).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Ids as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "id,split,label,label_error_score,mark"
    assert [line.split(",")[0] for line in lines[1:]] == [ids[2], ids[4]]
    if scripts:
        page.locator("[data-image] input").nth(0).focus()
        with page.expect_download() as download:
            page.keyboard.press("e")
        assert len(download.value.path().read_text().splitlines()) == 3


def test_the_ids_of_the_whole_list_are_saved(visit):
    page = visit("/data/digits?class=three")
    with page.expect_download() as download:
        page.get_by_role("link", name="ids as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1 + int(page.locator("#found").inner_text().split()[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_is_accessible(visit, serious, width, scheme):
    page = visit(GALLERY, width=width, scheme=scheme, has_touch=width == 390)
    page.locator("[data-image] label").nth(1).click()
    page.get_by_role("button", name="Keep").click()
    wait_for(page, "1 marked: 1 keep")
    page.locator("summary", has_text="How to mark").click()
    page.locator("[data-image] label").nth(2).click()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert serious(page) == []
    bar = page.locator(".marking-tools").bounding_box()
    assert bar["height"] < 200  # of 844 pixels: the pictures keep their place


def test_without_scripts_the_form_does_it(visit, verdicts):
    page = visit("/data/digits?mark=1", java_script_enabled=False)
    for place in (1, 3):
        page.locator("[data-image] label").nth(place).click()
    page.get_by_role("button", name="Drop").click()
    page.wait_for_url("**/data/digits?mark=1")
    wait_for(page, "2 marked: 2 drop")
    wait_for_focus(page, 0)  # the first without a mark
    page.keyboard.press("Enter")  # sends no verdict
    assert page.url.endswith("/data/digits?mark=1")
    assert verdicts(page) == [(1, "drop", ""), (3, "drop", "")]
    assert marks(page, 1, 2, 3) == ["drop", "", "drop"]


@pytest.mark.parametrize(("width", "touch"), [(390, True), (390, False), (1280, True)])
def test_a_finger_finds_what_it_needs_and_reads_of_no_keys(visit, width, touch):
    page = visit("/data/digits?mark=1&sort=doubt", width=width, has_touch=touch, is_mobile=touch)
    page.locator("summary", has_text="How to mark").click()
    assert page.locator("kbd:visible").count() == 0
    found = page.locator(".marking a, .marking button, .marking select, .marking-bar a, .pager a, .markable label")
    sizes = found.evaluate_all(
        "all => all.map(each => [each.textContent, each.getBoundingClientRect()])"
        ".filter(([, box]) => box.width).map(([words, box]) => [words, Math.round(box.width), Math.round(box.height)])"
    )
    assert len(sizes) > 600
    assert [each for each in sizes if min(each[1:]) < 44] == []


def test_no_picture_stays_under_the_bar(visit):
    """Neither the one that a key goes to nor, once the page is scrolled to its end, the last row."""
    page = visit("/data/digits?mark=1&sort=doubt", width=390, has_touch=True, is_mobile=True)
    under = """() => {
      const bar = document.querySelector(".marking-tools").getBoundingClientRect();
      return [document.activeElement.closest("li"), [...document.querySelectorAll("[data-image]")].at(-1)].map(
        (item) => Math.round(item.getBoundingClientRect().bottom - bar.top));
    }"""
    page.locator("[data-image] input").first.focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.wait_for_function(f"() => scrollY > 0 && ({under})()[0] <= 0")
    page.keyboard.press("End")
    page.wait_for_function(f"() => ({under})().every((each) => each <= 0)")
