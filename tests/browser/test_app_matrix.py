"""The confusion matrix by keys, and a comparison on a phone."""

import pytest

pytestmark = pytest.mark.browser


def test_the_matrix_is_one_stop_of_the_tab_key(visit):
    page = visit("/runs/first")
    assert page.locator('.confusion td a[tabindex="0"]').count() == 1
    page.locator("#confusion-matrix .skip").focus()
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    place = "[document.activeElement.closest('tr').rowIndex, document.activeElement.closest('td').cellIndex]"
    assert page.evaluate(place) == [1, 1]
    page.keyboard.press("End")
    row, last = page.evaluate(place)
    assert row == 1
    page.keyboard.press("ArrowDown")
    below, column = page.evaluate(place)
    assert (below > 1, column) == (True, last)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # there is nothing further
    assert page.evaluate(place)[0] == below
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.matches('.confusion a')")


def test_on_a_phone_a_pairs_values_are_not_cut(visit):
    page = visit("/compare?run=first&run=a-run-with-quite-a-long-name-of-its-own&whole=1", width=390)
    cut = """all => all.filter((each) => each.scrollWidth > each.clientWidth).length"""
    assert page.locator(".scroll:has(.cards)").count() == 1
    assert page.locator(".scroll:has(.cards), .cards td, .scroll:has(figure.scores)").evaluate_all(cut) == 0


def test_on_a_phone_f1_of_every_class_is_seen(visit):
    page = visit("/runs/first?whole=1", width=390)
    heading = page.locator(".per-class").get_by_role("columnheader", name="F1")
    box = heading.bounding_box()
    assert box["x"] + box["width"] <= 390
