"""Trainings as a visitor starts, watches and stops them in the app; a program in their place only pretends to train."""

import re
from pathlib import Path

import pytest

from cifarlab.web import jobs

pytestmark = pytest.mark.browser

MADE_UP = Path(__file__).parents[1] / "web" / "made_up_training.py"
PROGRAM = f"import runpy, sys; sys.argv[0] = 'cifarlab'; runpy.run_path({str(MADE_UP)!r}, run_name='__main__')"


@pytest.fixture(scope="module")
def address(address):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_PROGRAM", PROGRAM)
        yield address


@pytest.fixture
def pace(fakes, monkeypatch):
    """A training does one epoch, and stands still until the test says more."""
    made = fakes.Pace()
    monkeypatch.setenv(made.VARIABLE, made.port)
    yield made
    made.close()


def test_start_watch_and_stop_a_training(visit, pace):
    page = visit("/runs")
    page.get_by_role("link", name="Train a recipe").click()
    page.get_by_role("button", name="smoke", exact=True).click()
    page.wait_for_url("**recipe=smoke**")
    page.get_by_label("Name of the run").fill("watched")
    page.get_by_label("Epochs", exact=True).fill("300")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url("**/runs/watched")
    page.wait_for_selector("#live .chip.running")
    pace.wait_for_work()
    page.wait_for_selector("#training-curves .curve-values")
    before = page.locator("#live .state strong").inner_text()
    pace.allow_more()
    page.wait_for_function("before => document.querySelector('#live .state strong').innerText !== before", arg=before)
    page.wait_for_function("() => document.querySelector('.curve-values th').innerText !== 'epoch 1'")
    below = "() => document.querySelector('#training-curves .source').innerText"
    page.wait_for_function(f"{below}.includes('in epoch 2 of 2')")
    assert page.locator("#training-curves canvas").count() == 2
    table = visit("/runs?q=watched")
    table.wait_for_selector(".runs .chip.running")
    page.get_by_role("button", name="Stop the training").click()
    page.wait_for_selector(".chip.stopped")
    assert "interrupted" in page.locator(".state").inner_text()
    command = page.locator(".progress code").inner_text()
    assert re.fullmatch(r"cifarlab train --resume \S+/watched", command)
    table.wait_for_selector(".runs .chip.stopped")


def test_the_focus_stays_while_a_training_starts_and_once_it_has(visit, pace):
    page = visit("/trainings/new?recipe=smoke&name=slow-start&set.seed=777&set.epochs=300")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url("**/runs/slow-start")
    pace.wait_for_work()
    focused = "() => document.activeElement.closest('form')?.getAttribute('action')"
    page.get_by_role("button", name="Stop the training").focus()
    page.evaluate("window.same = true")
    for _ in range(2):  # the second is asked for once the first has been put in
        with page.expect_response("**/runs/slow-start"):
            pass
    assert page.evaluate("window.same")
    assert page.evaluate(focused) == "/runs/slow-start/stop"
    pace.allow_more()
    pace.wait_for_work()
    page.wait_for_selector("#live .chip.running")
    page.wait_for_function(f"() => ({focused})() === '/runs/slow-start/stop'")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip.stopped")


@pytest.mark.thorough
def test_a_training_that_ended_is_evaluated_in_place(visit):
    page = visit("/trainings/new?recipe=smoke")
    page.get_by_label("Name of the run").fill("evaluated")
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_role("button", name="Start the training").click()
    page.get_by_role("button", name="Calibrate").click()
    page.wait_for_selector("text=Calibrated: temperature 1.500")
    page.get_by_role("button", name="Evaluate on test").click()
    page.wait_for_selector(".confusion a")
    assert page.locator(".big").is_visible()


def test_a_training_that_cannot_begin_says_why(visit):
    page = visit("/trainings/new?recipe=smoke")
    page.get_by_label("Name of the run").fill("hopeless")
    page.get_by_label("Seed", exact=True).fill("666")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_selector("text=this one cannot be trained")
    assert page.locator(".job").get_by_text("Watch").count() == 0
    page.get_by_role("button", name="Dismiss").click()
    page.wait_for_url("**/runs")
    assert page.get_by_text("hopeless").count() == 0


def test_wrong_settings_are_said_beside_the_form(visit, address):
    context_page = visit("/trainings/new?recipe=smoke")
    # Chromium writes an answer of 400 to its console: this page is asked for without it.
    form = {"recipe": "smoke", "name": "wrong", "set.epochs": "none"}
    answer = context_page.request.post(f"{address}/trainings", form=form)
    assert answer.status == 400
    assert "epochs must be a whole number" in answer.text()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_stopped_training_is_resumed_and_trained_again_by_keys_alone(visit, pace, width):
    name = f"resumed-{width}"
    page = visit(f"/trainings/new?recipe=smoke&name={name}&set.epochs=3", width=width)
    page.get_by_role("button", name="Start the training").press("Enter")
    pace.wait_for_work()
    page.get_by_role("button", name="Stop the training").press("Enter")
    page.wait_for_selector(".chip.stopped")
    pace.let_go()
    page.get_by_role("button", name="Resume the training").press("Enter")
    page.wait_for_selector("#live .chip.running")
    pace.wait_for_work()
    pace.let_go()
    page.wait_for_selector("#live .chip.finished")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("link", name="Train again with these settings").press("Enter")
    page.wait_for_url("**/trainings/new?recipe=smoke**")
    assert page.get_by_label("Epochs", exact=True).input_value() == "3"
    assert page.get_by_label("Name of the run").input_value() != name


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_explains_itself_and_is_accessible(visit, serious, width, scheme):
    page = visit("/trainings/new?recipe=dense7&set.label_smoothing=0.35", width=width, scheme=scheme)
    assert page.get_by_label("Model: width", exact=True).is_visible()  # opened, since something was changed
    about = page.get_by_label("Label smoothing", exact=True).get_attribute("aria-describedby")
    assert "spread evenly over all classes" in page.locator(f"[id='{about}']").inner_text()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("script", [True, False])
def test_another_recipe_keeps_what_was_typed(visit, script):
    page = visit("/trainings/new?recipe=mlp2", java_script_enabled=script)
    page.get_by_label("Name of the run").fill("mine")
    page.get_by_label("Seed", exact=True).fill("7")
    page.get_by_label("Data", exact=True).select_option("digits")
    if script:  # it is said at once
        page.locator("#hints").get_by_text("a mirrored digit").wait_for()
    page.get_by_role("button", name="mlp3", exact=True).click()
    page.wait_for_url("**recipe=mlp3**")
    assert page.get_by_label("Name of the run").input_value() == "mine"
    assert page.get_by_label("Seed", exact=True).input_value() == "7"
    assert page.get_by_label("Data", exact=True).input_value() == "digits"
    page.locator("#hints").get_by_text("a mirrored digit").wait_for()


def test_the_enter_key_starts_the_training_and_chooses_no_other_recipe(visit, pace):
    page = visit("/trainings/new?recipe=smoke&name=entered&set.epochs=300")
    page.get_by_label("Seed", exact=True).press("Enter")
    page.wait_for_url("**/runs/entered")
    pace.wait_for_work()
    page.get_by_role("button", name="Stop the training").click()
    page.wait_for_selector(".chip.stopped")


class TestRefused:
    """Chromium writes an answer of 400 to its console."""

    @pytest.fixture
    def may_say(self) -> str:
        return "400"

    @pytest.mark.parametrize("script", [True, False])
    def test_the_focus_is_on_the_field_that_was_wrong(self, visit, serious, script):
        page = visit("/trainings/new?recipe=smoke&set.weight_decay=-1", java_script_enabled=script)
        page.get_by_role("button", name="Start the training").press("Enter")
        page.wait_for_selector("#problem")
        wrong = page.locator("[aria-invalid=true]")
        assert wrong.get_attribute("name") == "set.weight_decay"
        assert wrong.evaluate("field => field === document.activeElement")
        assert wrong.input_value() == "-1"
        if script:
            assert serious(page) == []
        page.keyboard.press("Control+A")
        page.keyboard.type("0.1")
        assert wrong.input_value() == "0.1"
