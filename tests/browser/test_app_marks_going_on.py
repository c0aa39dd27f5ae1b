"""Going on while labels are marked: from picture to picture, from page to page, to a picture's own page and back."""

import pytest

from cifarlab.datasets.verdicts import read_labels

pytestmark = pytest.mark.browser


@pytest.fixture
def address(unmarked):
    return unmarked


def wait_for(page, words: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator("[data-marked]")).to_have_text(words)


def wait_for_focus(page, place: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator("[data-image] input").nth(place)).to_be_focused()


def test_the_keyboard_goes_on_to_the_next_page(visit):
    page = visit("/data/digits?split=train&mark=1")
    page.locator("[data-image] input").last.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.rel") == "next"
    page.keyboard.press("ArrowRight")  # waits for Enter, however long the key is held
    page.keyboard.press("ArrowLeft")
    wait_for_focus(page, 299)
    page.keyboard.press("ArrowRight")
    with page.expect_navigation(url="**page=2**"):
        page.keyboard.press("Enter")
    wait_for_focus(page, 0)
    page.keyboard.press("k")
    wait_for(page, "1 marked: 1 keep")
    page.get_by_role("link", name="next").click()  # and by a click, as below all filters
    page.wait_for_url("**page=3")
    wait_for_focus(page, 0)
    page.wait_for_function("() => document.activeElement.getBoundingClientRect().bottom < innerHeight")


def test_an_arrow_key_turns_no_page(visit):
    page = visit("/data/digits?split=train&page=2&mark=1")
    wait_for_focus(page, 0)
    page.keyboard.press("ArrowRight")
    wait_for_focus(page, 1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")  # nothing has the focus: it comes back to where it was
    wait_for_focus(page, 1)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.rel") == "prev"
    assert "page=2" in page.url


def test_enter_opens_a_picture_and_the_way_back_goes_on(visit, tmp_path):
    page = visit("/data/digits?sort=doubt&mark=1")
    wait_for_focus(page, 0)
    page.keyboard.press("k")
    wait_for(page, "1 marked: 1 keep")
    with page.expect_navigation(url="**/images/digits/**"):
        page.keyboard.press("Enter")
    assert [each.verdict for each in read_labels(tmp_path / "runs" / "labels" / "digits.csv").verdicts] == ["keep"]
    page.locator(".around a[href^='/data']").first.click()
    page.wait_for_url("**/data/digits?**mark=1**")
    wait_for_focus(page, 1)  # the first without a mark


def test_a_mark_moves_no_picture(visit):
    page = visit("/data/digits?sort=doubt&mark=1")
    wait_for_focus(page, 0)
    tops = "[...document.querySelectorAll('[data-image]')].map((each) => each.getBoundingClientRect().top + scrollY)"
    before = page.evaluate(tops)
    page.keyboard.press("a")
    page.keyboard.press("8")
    page.wait_for_selector("text=relabel: eight")
    assert page.evaluate(tops) == before


def test_the_unmarked_come_up_from_the_next_page(visit):
    page = visit("/data/digits?split=train&marks=unmarked&mark=1")
    wait_for_focus(page, 0)
    third = page.locator("[data-image]").nth(2).get_attribute("data-image")
    page.keyboard.press("k")
    page.keyboard.press("k")
    wait_for(page, "2 marked: 2 keep")
    page.get_by_role("link", name="next").click()  # 298 of this page are not marked yet
    page.wait_for_function("(id) => document.querySelector('[data-image]').dataset.image === id", arg=third)
    page.get_by_label("Marks").select_option("marked")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**marks=marked**")
    assert page.locator("[data-image] .mark").all_inner_texts() == ["keep", "keep"]


def hold_answers(page) -> None:
    """Keep requests waiting: `release()` sends the one that waits, `quick()` that and all others."""
    page.evaluate(
        """() => {
          const real = fetch;
          window.fetch = (...asked) => new Promise((answer) => (window.release = answer)).then(() => real(...asked));
          window.quick = () => { window.fetch = real; release(); };
        }"""
    )


@pytest.mark.parametrize(("way", "place"), [("link", "**/images/digits/**"), ("filter", "**marks=unmarked**")])
def test_who_goes_on_waits_for_the_marks(visit, tmp_path, way, place):
    """A mark that is still under way, and one behind it, are kept before the page is left."""
    page = visit("/data/digits?sort=doubt&mark=1")
    wait_for_focus(page, 0)
    hold_answers(page)
    page.keyboard.press("k")
    page.keyboard.press("d")
    if way == "link":
        page.keyboard.press("Enter")
    else:
        page.get_by_label("Marks").select_option("unmarked")
        page.get_by_role("button", name="Apply").click()
    page.wait_for_function("() => window.release")
    assert page.url.endswith("/data/digits?sort=doubt&mark=1")
    with page.expect_navigation(url=place):
        page.evaluate("quick()")
    found = read_labels(tmp_path / "runs" / "labels" / "digits.csv").verdicts
    assert [each.verdict for each in found] == ["keep", "drop"]


def test_who_closes_the_page_is_asked_while_a_mark_is_under_way(visit):
    page = visit("/data/digits?sort=doubt&mark=1")
    wait_for_focus(page, 0)
    hold_answers(page)
    page.keyboard.press("k")
    page.wait_for_function("() => window.release")
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.evaluate("quick()")
    wait_for(page, "1 marked: 1 keep")
    with page.expect_event("close"):  # nobody is asked any more
        page.close(run_before_unload=True)
