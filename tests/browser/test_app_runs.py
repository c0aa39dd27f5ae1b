"""The table of runs at work: columns, seeds as one, ticks, tags, names and the bin; by mouse, by keys, on a phone."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from cifarlab.utils import files
from cifarlab.web.settings import Settings

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs_dir(make_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table") / "runs"
    for rate in (0.001, 0.01):
        for seed in range(3):
            run = make_run(folder, f"mlp-lr{rate}-seed{seed}", skill=1.5 + seed / 4 + 100 * rate)
            recipe = {**files.read_json(run.recipe_file), "seed": seed, "learning_rate": rate}
            files.write_json(run.recipe_file, recipe)
    damaged = make_run(folder, "damaged")
    damaged.scores_file("test").write_text("{")
    make_run(folder, "to-be-deleted")
    make_run(folder, "to-be-renamed")
    return folder


@pytest.fixture(scope="module")
def address(fakes, runs_dir):
    with fakes.serving(Settings(runs_dir=runs_dir, data="digits")) as found:
        yield found


def query(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/runs?group=seed", "/runs?set=learning_rate&set=model.widths", "/runs/damaged", "/bin"],
)
def test_every_page_fits_and_is_accessible(visit, serious, path, width, scheme):
    page = visit(path, width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert fits(page)
    assert serious(page) == []


def test_seeds_are_grouped_with_mean_deviation_and_interval(visit):
    page = visit("/runs?q=mlp")
    page.get_by_label("Rows").select_option("seed")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**group=seed**")
    rows = page.locator(".runs tbody tr")
    assert rows.count() == 2
    first = rows.first.inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"\d\d\.\d\d % ± \d\.\d\d %", first)
    assert re.search(r"\d\d\.\d\d to \d\d\.\d\d %", first)
    assert page.get_by_role("columnheader", name="learning_rate").is_visible()
    assert page.get_by_role("columnheader", name=re.compile("Test accuracy")).get_attribute("aria-sort") == "descending"


def test_a_setting_becomes_a_column_by_keys_alone(visit):
    page = visit("/runs?q=mlp")
    page.get_by_text("Settings as columns").focus()
    page.keyboard.press("Enter")
    page.locator("[name=set][value=learning_rate]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**set=learning_rate**")
    page.get_by_role("link", name="learning_rate").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=set.learning_rate**")
    column = page.locator(".runs tbody tr td:nth-child(7)").all_inner_texts()
    assert column == ["0.001"] * 3 + ["0.01"] * 3


def test_ticks_stay_in_the_address_through_sorting_and_filtering(visit):
    page = visit("/runs")
    page.get_by_label("Select mlp-lr0.001-seed0").check()
    page.get_by_label("Select mlp-lr0.01-seed1").check()
    assert set(query(page)["run"]) == {"mlp-lr0.001-seed0", "mlp-lr0.01-seed1"}
    page.get_by_role("link", name="Model", exact=True).click()
    page.wait_for_url("**sort=model**")
    assert page.locator(".runs input:checked").count() == 2
    page.get_by_label("Find").fill("lr0.01-")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**q=lr0.01-**")
    assert page.locator(".runs input:checked").count() == 1
    assert page.locator("[data-selected]").inner_text() == "2 selected"
    page.reload()
    assert page.locator("[data-selected]").inner_text() == "2 selected"
    page.get_by_role("button", name="Compare the selected").click()
    page.wait_for_url("**/compare?**")
    assert len(query(page)["run"]) == 2
    page.go_back()
    page.wait_for_url("**/runs?**")
    assert page.locator("[data-selected]").inner_text() == "2 selected"


def test_a_group_is_ticked_as_one(visit):
    page = visit("/runs?q=mlp&group=seed")
    page.locator("[data-all]").first.check()
    assert len(query(page)["run"]) == 3
    page.get_by_text("3 seeds").first.click()
    page.locator(".seeds input").first.uncheck()
    assert page.locator("[data-all]").first.evaluate("box => box.indeterminate")
    assert page.locator("[data-selected]").inner_text() == "2 selected"


@pytest.mark.parametrize("path", ["/runs?q=mlp", "/runs?q=mlp&group=seed", "/runs?q=mlp&group=set.learning_rate"])
def test_on_a_phone_the_accuracy_is_seen_without_scrolling_sideways(visit, path):
    page = visit(path, width=390)
    cell = page.locator(".runs tbody tr:first-child td strong").first.bounding_box()
    assert cell["x"] + cell["width"] <= 390
    tags = page.get_by_label("Tags for the selected")
    assert not tags.is_visible()  # until there is something to tag
    page.locator(".runs tbody input:visible").first.check()
    tags.wait_for()
    assert fits(page)


def test_one_row_for_each_value_of_a_setting(visit):
    page = visit("/runs?q=mlp")
    page.get_by_label("Rows").select_option("set.learning_rate")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**group=set.learning_rate**")
    names = page.locator(".runs tbody th").all_inner_texts()
    assert [name.split("\n")[0] for name in names] == ["learning_rate = 0.01", "learning_rate = 0.001"]


@pytest.mark.parametrize("script", [True, False])
def test_the_selected_are_tagged_and_deleted_and_come_back(visit, make_run, runs_dir, script):
    names = [f"of-many-{script}-{letter}" for letter in "ab"]
    for name in names:
        make_run(runs_dir, name)
    page = visit(f"/runs?q=of-many-{script}", java_script_enabled=script)
    for name in names:
        page.get_by_label(f"Select {name}").check()
    page.get_by_label("Tags for the selected").fill("together")
    page.get_by_role("button", name="Tag", exact=True).click()
    page.locator(".tags a").nth(1).wait_for()
    assert page.locator(".tags a").all_inner_texts() == ["together"] * 2
    assert page.locator(".runs input:checked").count() == 2
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**binned=**")
    assert page.locator(".runs a.run").count() == 0
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(re.compile("/runs$"))
    assert page.get_by_role("link", name=f"of-many-{script}-").count() == 2


def test_what_is_done_with_the_selected_stands_before_the_table(visit):
    page = visit("/runs?q=mlp")
    page.get_by_label("Select mlp-lr0.001-seed0").check()
    page.get_by_label("Tags for the selected").press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Tag"
    assert page.locator(".bulk ~ #table").count() == 1


def test_the_table_is_downloaded_as_it_is_shown(visit):
    page = visit("/runs?q=mlp&set=learning_rate&sort=name")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert "set.learning_rate" in lines[0]
    assert [line.split(",")[0] for line in lines[1:]] == page.locator(".runs a.run").all_inner_texts()


@pytest.mark.parametrize("script", [True, False])
def test_times_are_local_with_their_zone_and_utc_without_scripts(new_page, address, script):
    page = new_page(java_script_enabled=script, timezone_id="Asia/Kolkata")
    page.goto(f"{address}/runs?sort=name")
    shown = page.locator(".runs time").first.inner_text()
    written = page.locator(".runs time").first.get_attribute("datetime")
    if script:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d GMT\+5:30", shown)
        hour, minute = (
            (int(written[11:13]) * 60 + int(written[14:16]) + 330) // 60 % 24,
            (int(written[14:16]) + 30) % 60,
        )
        assert shown[11:16] == f"{hour:02d}:{minute:02d}"
    else:
        assert shown == f"{written[:10]} {written[11:16]} UTC"


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("width", [390, 1280])
def test_tags_and_a_note_by_keys_alone(visit, script, width):
    tag = f"tag-{script}-{width}"
    page = visit("/runs/mlp-lr0.01-seed2", width=width, java_script_enabled=script)
    page.get_by_label("Tags, with commas between them").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(f"{tag}, kept")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("why it is kept")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#notes")
    page.locator("#noted").get_by_role("link", name=tag).click()
    page.wait_for_url("**/runs?tag=**")
    assert page.locator(".runs a.run").all_inner_texts() == ["mlp-lr0.01-seed2"]
    assert page.get_by_text("why it is kept").is_visible()
    assert fits(page)


@pytest.mark.parametrize("script", [True, False])
def test_delete_and_undo(visit, script):
    page = visit("/runs/to-be-deleted", java_script_enabled=script)
    page.get_by_role("button", name="Delete the run").click()
    page.wait_for_url("**/runs?binned=**")
    assert page.get_by_role("link", name="to-be-deleted").count() == 0
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**/runs/to-be-deleted")
    page.get_by_role("button", name="Delete the run").press("Enter")
    page.get_by_role("link", name="1 run in the bin").click()
    page.get_by_role("button", name="Restore to-be-deleted").press("Enter")
    page.wait_for_url("**/runs/to-be-deleted")


def test_rename(visit):
    page = visit("/runs/to-be-renamed")
    page.get_by_label("Name", exact=True).fill("renamed")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_url("**/runs/renamed?renamed=to-be-renamed")
    assert "keeps that name" in page.locator("p.notice[role=status]").inner_text()
    assert page.locator("h1").inner_text().startswith("renamed")


def test_a_damaged_file_is_named_and_evaluation_offered(visit):
    page = visit("/runs?q=damaged")
    assert page.get_by_text("damaged: scores.json").is_visible()
    page.get_by_role("link", name="damaged", exact=True).click()
    page.wait_for_url("**/runs/damaged")
    assert "scores.json" in page.locator("#damaged").inner_text()
    assert page.get_by_role("button", name="Evaluate on test again").is_visible()
    page.wait_for_selector("#training-curves canvas")


class TestRefused:
    @pytest.fixture
    def may_say(self) -> str:
        return "400 (Bad Request)"

    @pytest.mark.parametrize("script", [True, False])
    def test_what_was_typed_stays_and_has_the_focus(self, visit, serious, script):
        page = visit("/runs/mlp-lr0.01-seed1", java_script_enabled=script)
        tags, note = page.get_by_label("Tags, with commas"), page.get_by_role("textbox", name="Note")
        note.fill("why\nit is kept")
        tags.fill("x" * 50)
        tags.press("Enter")
        page.wait_for_selector("#refused")
        assert page.evaluate("document.activeElement.name") == "tags"
        assert (tags.input_value(), note.input_value()) == ("x" * 50, "why\nit is kept")
        said = page.locator("#refused")
        assert said.is_visible()
        assert said.inner_text().startswith("a tag has at most 40 letters")
        assert fits(page)
        assert not script or serious(page) == []
        page.get_by_label("Name", exact=True).fill("damaged")
        page.get_by_role("button", name="Rename").click()
        page.wait_for_url("**/rename")
        page.wait_for_function("() => document.activeElement.name === 'new'")
        assert page.get_by_label("Name", exact=True).input_value() == "damaged"
        page.get_by_label("Name", exact=True).fill("mlp-lr0.01-seed1")

    @pytest.mark.parametrize("script", [True, False])
    def test_the_focus_is_on_the_reason_where_no_field_is_wrong(self, visit, runs_dir, script):
        page = visit("/runs/damaged", java_script_enabled=script)
        (runs_dir / "damaged" / "model.keras").rename(runs_dir / "away.keras")
        page.get_by_role("button", name="Evaluate on test again").click()
        page.wait_for_selector("#refused")
        (runs_dir / "away.keras").rename(runs_dir / "damaged" / "model.keras")
        page.wait_for_function("() => document.activeElement.id === 'refused'")
        page.goto(page.url)  # as a bookmark, or a link to another colour
        page.wait_for_url("**/runs/damaged")
