"""Marks that are refused: the selection stays, and the visitor is told why and led to what was wrong."""

import pytest

from cifarlab.datasets.verdicts import read_labels

pytestmark = pytest.mark.browser

DOUBTS = "/data/digits?mark=1&sort=doubt"


@pytest.fixture
def address(unmarked):
    return unmarked


@pytest.fixture
def labels(tmp_path):
    """The labels file."""
    return tmp_path / "runs" / "labels" / "digits.csv"


@pytest.fixture
def may_say():
    return "Failed to load resource"  # what Chromium writes of every answer of 4xx, and of none


def select(page, *places: int) -> None:
    for place in places:
        page.locator("[data-image] label").nth(place).click()


def chosen(page) -> list[int]:
    return page.locator("[data-image] input").evaluate_all(
        "all => all.map((each, place) => each.checked ? place : -1).filter(place => place >= 0)"
    )


def focused(page) -> int:
    """The picture in focus."""
    return page.locator("[data-image] input").evaluate_all("all => all.indexOf(document.activeElement)")


def wait_for_refusal(page) -> str:
    page.wait_for_selector("[data-said].failed")
    return page.locator("[data-said]").inner_text()


def test_a_class_that_nobody_suggests_must_be_chosen(visit, labels):
    page = visit("/data/digits?mark=1")  # in the order of the data, of which nobody doubts a label
    select(page, 1, 3)
    page.get_by_role("button", name="Relabel").click()
    assert wait_for_refusal(page).endswith("2 pictures: press 0 to 9 for the class, or choose a class")
    assert chosen(page) == [1, 3]
    classes = page.get_by_label("Relabel to")
    assert classes.get_attribute("aria-invalid") == "true"
    assert not labels.exists()
    classes.focus()
    classes.select_option("nine")
    assert classes.get_attribute("aria-invalid") is None
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('[data-said]').textContent === '2 pictures: relabel: nine'")
    assert [each.new for each in read_labels(labels).verdicts] == ["nine", "nine"]
    assert (chosen(page), focused(page)) == ([], 4)


def test_by_the_keyboard_the_picture_in_focus_is_kept_too(visit, labels):
    page = visit("/data/digits?mark=1")
    page.locator("[data-image] input").nth(2).focus()
    page.keyboard.press("r")
    assert "No other class is suggested for" in wait_for_refusal(page)
    assert (chosen(page), focused(page)) == ([], 2)
    digit = "34"[page.locator("[data-image] .true").nth(2).inner_text() == "label: three"]
    page.keyboard.press(digit)
    page.wait_for_selector("text=1 marked: 1 relabel")
    assert len(read_labels(labels).verdicts) == 1
    assert focused(page) == 3
    page.keyboard.press("r")
    wait_for_refusal(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")  # of this one alone: what was refused is left behind
    page.wait_for_selector("text=2 marked: 1 relabel, 1 drop")
    assert focused(page) == 5


def test_escape_leads_back_to_the_picture(visit, labels):
    page = visit("/data/digits?mark=1")
    select(page, 2)
    page.get_by_role("button", name="Relabel").click()
    wait_for_refusal(page)
    classes = page.get_by_label("Relabel to")
    classes.focus()
    page.keyboard.press("Escape")
    assert (chosen(page), focused(page)) == ([], 2)
    assert classes.get_attribute("aria-invalid") is None
    assert not labels.exists()


def test_one_that_could_not_be_kept_is_not_selected(visit, labels):
    """It has the focus again, so that the next key goes to it, or, once the focus has moved, to another one alone."""
    page = visit(DOUBTS)
    page.route("**/labels/**", lambda route: route.abort())
    page.locator("[data-image] input").nth(1).focus()
    page.keyboard.press("d")
    wait_for_refusal(page)
    assert (chosen(page), focused(page)) == ([], 1)
    page.unroute("**/labels/**")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    page.wait_for_selector("text=1 marked: 1 keep")
    assert [each.verdict for each in read_labels(labels).verdicts] == ["keep"]


def test_what_could_not_be_kept_stays_selected(visit, labels):
    page = visit(DOUBTS)
    labels.parent.mkdir()
    labels.write_text("id,old\n")
    select(page, 0, 2)
    page.get_by_role("button", name="Drop").click()
    assert wait_for_refusal(page).startswith("Not kept: ")
    assert (chosen(page), focused(page)) == ([0, 2], 0)
    marks = page.locator("[data-image] label").evaluate_all(
        "all => all.map(each => [...each.querySelectorAll('.mark, .unkept')].map(words => words.textContent).join(''))"
    )
    assert [marks[place] for place in (0, 1, 2)] == ["not kept", "", "not kept"]
    labels.unlink()  # and now it works
    page.keyboard.press("d")
    page.wait_for_selector("text=2 marked: 2 drop")
    assert page.locator(".unkept").count() == 0
    assert chosen(page) == []


def test_who_has_gone_on_is_not_called_back(visit, labels):
    page = visit(DOUBTS)
    page.route("**/labels/**", lambda route: route.abort())
    page.locator("[data-image] input").first.focus()
    # At once, as fast as nobody types: the answer comes when both have been done.
    page.evaluate(
        """for (const key of ["k", "ArrowRight"]) {
             const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
             document.activeElement.dispatchEvent(event);
           }"""
    )
    assert wait_for_refusal(page) == "Not kept: the server cannot be reached"
    assert (chosen(page), focused(page)) == ([], 2)
    assert page.locator("[data-image]").nth(0).locator(".unkept").inner_text() == "not kept"
    assert not labels.exists()


def test_an_undo_that_was_not_kept_can_be_asked_again(visit, labels):
    page = visit(DOUBTS)
    page.locator("[data-image] input").first.focus()
    page.keyboard.press("k")
    page.wait_for_selector("text=1 marked: 1 keep")
    page.route("**/labels/**", lambda route: route.abort())
    page.keyboard.press("z")
    wait_for_refusal(page)
    page.unroute("**/labels/**")
    page.keyboard.press("z")
    page.wait_for_selector("text=nothing marked yet")
    assert [each.verdict for each in read_labels(labels).verdicts] == ["keep", "undo"]


def test_where_nothing_can_be_marked_keys_do_nothing(visit, labels):
    page = visit("/data/digits?mark=1&marks=drop")  # none is
    for key in ("ArrowRight", "a", "k", "z", "Escape"):
        page.keyboard.press(key)
    assert page.locator("[data-said]").inner_text() == ""
    assert not labels.exists()
    labels.parent.mkdir()
    labels.write_text("id,old\n")
    page.reload()
    assert "The labels file cannot be used" in page.locator(".notice").first.inner_text()
    page.keyboard.press("k")
    assert labels.read_text() == "id,old\n"
