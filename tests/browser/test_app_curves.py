"""Training curves that can be touched: by pointer and by keyboard, with several seeds, live, and without scripts."""

import pytest

from cifarlab.runs import open_run
from cifarlab.utils import files

pytestmark = pytest.mark.browser

ACCURACY = '[data-quantity="accuracy"]'


@pytest.fixture(scope="module")
def runs_dir(make_run, tmp_path_factory):
    """Two seeds of one recipe, and two runs that have only begun."""
    folder = tmp_path_factory.mktemp("app") / "runs"
    make_run(folder, "first", epochs=8)
    for seed in range(2):
        run = make_run(folder, f"twin-seed{seed}", epochs=4)
        recipe = files.read_json(run.recipe_file)
        files.write_json(run.recipe_file, {**recipe, "seed": seed, "learning_rate": 0.25})
    for name in ("begun", "ending"):
        make_run(folder, name, epochs=1).set_state("running")
    return folder


def cells(page, row: int = 0) -> list[str]:
    return page.locator(".curve-values tbody tr").nth(row).locator("td").all_inner_texts()


def test_the_table_has_the_numbers_of_the_history_and_arrow_keys_move_through_it(visit, runs_dir, serious):
    history = open_run(runs_dir / "first").history()
    page = visit("/runs/first")
    page.locator(".curve-values").wait_for()

    def expected(epoch):
        row = history[epoch - 1]
        return [
            f"{100 * row['validation_accuracy']:.2f} %",
            f"{100 * row['train_accuracy']:.2f} %",
            f"{row['validation_loss']:.4f}",
            f"{row['train_loss']:.4f}",
        ]

    assert cells(page) == expected(8)
    page.locator(ACCURACY).focus()
    for key, epoch in (("ArrowLeft", 7), ("ArrowLeft", 6), ("Home", 1), ("ArrowRight", 2), ("End", 8)):
        page.keyboard.press(key)
        assert page.locator(".curve-values th").first.inner_text() == f"epoch {epoch}"
        assert cells(page) == expected(epoch)
    assert page.url.endswith("/runs/first")
    assert "epoch 8. first: validation" in page.locator(".curves [aria-live]").inner_text()
    assert serious(page) == []


def test_the_pointer_reads_the_epoch_under_it_and_shows_it_in_both_charts(visit):
    page = visit("/runs/first")
    over = page.locator(f"{ACCURACY} .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 3 / 7, box["y"] + box["height"] / 2)  # of 1 to 8: the fourth
    assert page.locator(".curve-values th").first.inner_text() == "epoch 4"
    lines = page.locator(".u-cursor-x")
    places = lines.evaluate_all("all => all.map((each) => each.style.transform)")
    assert len(places) == 2
    first, second = (float(place.removeprefix("translate(").split("px")[0]) for place in places)
    assert first == pytest.approx(second, abs=1.5)


def test_seeds_become_one_line_with_their_mean_and_deviation(visit, runs_dir, serious):
    page = visit("/compare?run=first&run=twin-seed0&run=twin-seed1")
    page.locator(".curve-values").wait_for()
    assert page.locator(".curve-values tbody tr").count() == 3
    page.get_by_label("Seeds as one").check()
    titles = page.locator(".curve-values tbody th").all_inner_texts()
    assert [title.strip() for title in titles] == ["first", "twin, 2 seeds"]
    page.locator(ACCURACY).focus()
    page.keyboard.press("Home")
    values = [open_run(runs_dir / f"twin-seed{seed}").history()[0]["validation_accuracy"] for seed in range(2)]
    mean = sum(values) / 2
    deviation = abs(values[0] - values[1]) / 2**0.5
    assert cells(page, 1)[0] == f"{100 * mean:.2f} ± {100 * deviation:.2f} %"
    page.get_by_role("checkbox", name="first").uncheck()
    focused = page.evaluate("document.activeElement.closest('tr').innerText")
    assert focused.strip().startswith("first")  # the table was renewed, and focus stayed
    page.get_by_label("Log axis").check()
    page.get_by_label("Smoothing").fill("0.5")
    assert page.locator(".curve-controls output").inner_text() == "0.50"
    assert serious(page) == []


def test_a_first_epoch_is_seen_and_focus_outlives_a_renewed_page(visit, runs_dir):
    page = visit("/runs/begun")
    page.locator(".curve-values").wait_for()
    assert len(cells(page)) == 4
    button = page.get_by_role("button", name="Stop the training")
    button.focus()
    run = open_run(runs_dir / "begun")
    (row,) = run.history()
    run.write_history([row, {**row, "epoch": 2, "train_loss": 0.125}])
    page.wait_for_function("() => document.querySelector('.curve-values th').textContent === 'epoch 2'")
    assert cells(page)[3] == "0.1250"
    assert page.evaluate("document.activeElement.textContent") == "Stop the training"


def test_what_is_typed_outlives_the_end_of_the_training(visit, runs_dir):
    page = visit("/runs/ending")
    page.locator("#live .chip.running").wait_for()
    page.evaluate("window.same = true")
    page.get_by_role("textbox", name="Note").fill("not saved yet")
    open_run(runs_dir / "ending").set_state("finished")
    page.locator("#live .chip.running").wait_for(state="detached")
    with page.expect_response("**/runs/ending/live"):  # it is still followed: no other page comes in its place
        pass
    assert page.evaluate("window.same")
    assert page.get_by_role("textbox", name="Note").input_value() == "not saved yet"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(visit, width):
    page = visit("/compare?run=first&run=twin-seed0&run=twin-seed1", width=width)
    page.locator(".curve-values").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".touched .pair").is_hidden()


def test_without_scripts_the_figures_stay(visit):
    page = visit("/runs/first?whole=1", java_script_enabled=False)
    assert page.locator("#training-curves .pair svg").first.is_visible()
    assert page.locator(".curves").count() == 0
