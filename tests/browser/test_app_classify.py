"""The page Classify and the API's documentation as a visitor meets them, with models that are made up."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from cifarlab.web.settings import Settings

pytestmark = pytest.mark.browser

VIEWS = [
    (390, "dark"),
    *(pytest.param(*view, marks=pytest.mark.thorough) for view in ((390, "light"), (1280, "light"), (1280, "dark"))),
]


@pytest.fixture(scope="module")
def explanations(fakes):
    return fakes.FakeExplanations()


@pytest.fixture(scope="module")
def address(fakes, explanations, tmp_path_factory):
    settings = Settings(runs_dir=tmp_path_factory.mktemp("app") / "runs", data="digits")
    with fakes.serving(settings, fakes.FakeModelStore(), explanations) as found:
        yield found


@pytest.fixture
def may_say():
    return "Failed to load resource"  # what Chromium writes of every answer of 4xx: a picture that is refused is one


def picture(colour: tuple[int, int, int] = (255, 0, 0), kind: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((120, 200, 3), colour, np.uint8)).save(file, kind)
    return file.getvalue()


def choose(page, data: bytes, name: str = "red.png", kind: str = "image/png") -> None:
    page.locator("#picture").set_input_files({"name": name, "mimeType": kind, "buffer": data})


def answered(page, model: str = "builtin") -> str:
    """The class that a model names, once it has answered."""
    from playwright.sync_api import expect

    page.wait_for_selector(f"#answer:not([aria-busy]) .answer h3:text-is('{model}')")
    expect(page.locator("#answer")).to_have_css("opacity", "1")  # no longer fading
    return page.locator(".answer", has=page.locator(f"h3:text-is('{model}')")).locator(".first .name").inner_text()


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_form_and_answer_fit_and_are_accessible(visit, serious, explanations, width, scheme):
    explanations.questions = 1
    page = visit("/classify?model=builtin&model=grey&neighbours=1", width=width, scheme=scheme)
    for stage in ("form", "answer"):
        if stage == "answer":
            choose(page, picture())
            answered(page, "grey")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        assert serious(page) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 23, 28)"}[scheme]


def test_a_chosen_picture_is_answered_in_place(visit):
    page = visit("/classify")
    choose(page, picture())
    assert answered(page) == "red"
    assert page.url.endswith("/classify?model=builtin")
    card = page.locator(".answer")
    assert card.locator(".named li").count() == 3
    widths = card.locator(".named .part").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 50
    pictures = card.locator("img").evaluate_all("all => all.map(each => [each.naturalWidth, each.alt])")
    assert [width for width, _ in pictures] == [32, 32]  # the input, and the saliency map
    assert page.locator("#preview").is_visible()
    assert page.locator("#preview").evaluate("image => image.naturalWidth") == 320  # what the server made of it
    assert "builtin: red" in page.locator("#told").inner_text()


def test_another_model_answers_beside_the_first_without_choosing_again(visit):
    page = visit("/classify")
    choose(page, picture())
    answered(page)
    page.get_by_label("grey").check()
    answered(page, "grey")
    assert page.locator(".answer h3").all_inner_texts() == ["builtin", "grey"]
    assert page.url.endswith("?model=builtin&model=grey")
    page.reload()
    assert page.get_by_role("checkbox", name="grey").is_checked()
    assert page.locator(".answer").count() == 0  # nothing was kept


def test_a_dropped_picture_is_answered(visit):
    page = visit("/classify")
    page.evaluate(
        """async bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          const event = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("drop", event));
        }""",
        list(picture((0, 0, 0))),
    )
    assert answered(page) == "dark"
    assert page.locator("#hint").inner_text() == "dropped.png"


def test_a_pasted_picture_is_answered(visit):
    page = visit("/classify")
    page.evaluate(
        """async bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        list(picture((255, 255, 255))),
    )
    assert answered(page) == "bright"


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (bytes(17 * 2**20), "large.png", "more than 16 MB"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg", "it is an SVG drawing"),
        (picture(kind="jpeg")[:400], "cut.jpg", "cut.jpg"),
        (b"just words", "words.png", "it is text, not a picture"),
        (b"", "empty.png", "the file is empty"),
    ],
)
def test_a_bad_picture_is_refused_with_its_reason(visit, tmp_path, data, name, said):
    page = visit("/classify")
    (tmp_path / name).write_bytes(data)
    page.locator("#picture").set_input_files(tmp_path / name)  # megabytes in a message would take seconds
    page.wait_for_selector("#answer:not([aria-busy]) [role=alert]")
    assert said in page.locator("#answer [role=alert]").inner_text()
    assert page.locator("#preview").is_hidden()
    choose(page, picture())
    assert answered(page) == "red"
    assert page.locator("#answer [role=alert]").count() == 0


DROP = """([kind, files]) => {
  const transfer = new DataTransfer();
  for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
  document.body.dispatchEvent(kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}"""


def lines(page, count: int) -> list[list[str]]:
    """File and predicted class, or what is wrong, of a table with so many lines, once it is whole."""
    page.wait_for_function(f"() => document.querySelectorAll('#answer:not([aria-busy]) #lines tr').length === {count}")
    return page.locator("#lines tr").evaluate_all(
        "all => all.map(each => [each.querySelector('th').innerText, "
        "(each.querySelector('strong') ?? each.querySelector('.failed')).innerText])"
    )


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_two_pictures_are_both_answered(visit, kind):
    page = visit("/classify")
    page.evaluate(DROP, [kind, [["a.png", list(picture((0, 0, 0)))], ["b.png", list(picture((255, 255, 255)))]]])
    assert lines(page, 2) == [["a.png", "dark"], ["b.png", "bright"]]
    assert page.locator("#hint").inner_text() == "2 pictures"
    assert page.locator("#told").inner_text() == "2 pictures"
    choose(page, picture())  # and one alone again
    assert answered(page) == "red"


def test_a_folder_is_a_table_that_is_saved_as_csv(visit, tmp_path):
    folder = tmp_path / "mine"
    (folder / "inner").mkdir(parents=True)
    for number in range(70):  # more than one request takes
        (folder / "inner" / f"{number:02}.png").write_bytes(picture((0, 0, 0) if number % 2 else (255, 0, 0)))
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(picture())
    (folder / "zz.png").write_text("damaged")
    page = visit("/classify?model=builtin&model=grey")
    with page.expect_response("**/classify"):
        page.locator("#folder").set_input_files(folder)
    found = dict(lines(page, 71))
    assert found["mine/inner/00.png"] == "red"
    assert found["mine/inner/69.png"] == "dark"
    assert "not a picture" in found["mine/zz.png"]
    assert page.locator("#hint").inner_text() == "71 pictures, 2 other files left out"
    assert page.locator("#count").inner_text() == "71 pictures"
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert download.value.suggested_filename == "predictions.csv"
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert len(rows) == 71 * 2
    assert {row["image"] for row in rows} == set(found)
    assert {row["class_1"] for row in rows if row["image"] == "mine/inner/00.png" and row["model"] == "builtin"} == {
        "red"
    }


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_a_table_fits_and_is_accessible(visit, serious, width, scheme):
    page = visit("/classify?model=builtin&model=grey", width=width, scheme=scheme)
    names = ["a.png", "a-name-that-is-so-long-that-it-must-break-somewhere-or-push-the-rest-out.png", "bad.png"]
    page.evaluate(DROP, ["drop", [[name, list(b"no" if name == "bad.png" else picture())] for name in names]])
    lines(page, 3)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert serious(page) == []


def test_several_pictures_without_a_script(visit, tmp_path):
    page = visit("/classify", java_script_enabled=False)
    files = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": picture()} for number in range(3)]
    page.locator("#picture").set_input_files(files)
    page.get_by_role("button", name="Classify").click()
    page.wait_for_selector("#lines")
    assert page.locator("#lines strong").all_inner_texts() == ["red"] * 3
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 4


def test_a_model_is_found_by_typing(visit):
    page = visit("/classify")
    page.get_by_label("Find models").type("GRE")
    assert page.locator("#offered .choice:visible").all_inner_texts() == ["grey not evaluated on test"]
    page.keyboard.press("Enter")
    assert page.get_by_role("checkbox", name="grey").is_checked()
    page.get_by_label("Find models").fill("nothing like it")
    assert page.get_by_text("No model is like that.").is_visible()
    page.get_by_label("Find models").fill("")
    assert page.locator("#offered .choice:visible").count() == 2


def test_nearest_training_images_come_when_they_are_known(visit, explanations):
    explanations.questions = 0
    page = visit("/classify?neighbours=1")
    choose(page, picture())
    page.wait_for_selector(".near img")
    assert explanations.questions == 2  # the page has asked again by itself
    assert page.locator(".near li").count() == 8
    assert "of 8 are labelled red" in page.locator(".answer h4").inner_text()


def test_without_a_script_the_form_is_sent_as_any_other(visit):
    page = visit("/classify", java_script_enabled=False)
    choose(page, picture())
    page.get_by_label("grey").check()
    page.get_by_role("button", name="Classify").click()
    page.wait_for_selector(".answer")
    assert page.locator(".answer h3").all_inner_texts() == ["builtin", "grey"]
    assert page.locator(".given img").evaluate("image => image.naturalWidth") == 320
    assert page.get_by_role("checkbox", name="grey").is_checked()


@pytest.mark.parametrize("width", [320, 390, 700, 1000, 1280])
def test_its_buttons_are_as_high_as_a_line_and_wide_enough_for_a_finger(visit, width):
    page = visit("/classify", width=width, has_touch=width < 700, is_mobile=width < 700)
    heights = page.locator(".pick .button:visible, #send").evaluate_all(
        "all => all.map(each => Math.round(each.getBoundingClientRect().height))"
    )
    assert len(heights) == 3
    assert all((44 if width < 700 else 36) <= height <= 50 for height in heights)


def test_while_it_waits_it_shows_that(visit, serious):
    page = visit("/classify", width=390)
    held = []
    page.route("**/classify", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    button = page.locator("#send")
    with page.expect_request(lambda request: request.method == "POST"):
        choose(page, picture())
    page.wait_for_selector("#waiting >> text=Asking the model…")
    assert page.locator("#waiting progress").is_visible()
    assert (button.inner_text(), button.get_attribute("aria-disabled")) == ("Classifying…", "true")
    assert page.locator("#told").inner_text() == "Asking the model…"
    assert serious(page) == []
    button.focus()
    page.keyboard.press("Enter")  # asks nothing again
    held.pop(0).continue_()
    assert answered(page) == "red"
    assert page.locator("#waiting").is_hidden()
    assert (button.inner_text(), button.get_attribute("aria-disabled")) == ("Classify", None)
    assert button.evaluate("each => each === document.activeElement")
    assert held == []
    page.wait_for_function(
        "() => document.querySelector('#answer').getBoundingClientRect().top < innerHeight - 80"
    )  # below all the models it was not seen


def test_what_was_answered_stays_when_the_rest_is_not(visit):
    page = visit("/classify")
    asked = []

    def serve(route):
        if route.request.method == "POST":
            asked.append(route)
        route.abort() if len(asked) > 1 else route.continue_()

    page.route("**/classify", serve)
    page.evaluate(DROP, ["drop", [[f"{number:02}.png", list(picture())] for number in range(66)]])
    page.wait_for_selector("#answer:not([aria-busy]) > .notice")
    assert page.locator("#answer > .notice").inner_text().startswith("The last 2 pictures have no answer: The server")
    assert page.locator("#lines tr").count() == 64
    assert page.locator("#waiting").is_hidden()


def test_a_table_of_several_requests_says_what_means_little(visit):
    page = visit("/classify?model=grey")
    pictures = [[f"{number:02}.png", list(picture((9, 9, 9)))] for number in range(64)]
    page.evaluate(DROP, ["drop", [*pictures, ["red.png", list(picture())]]])
    assert len(lines(page, 65)) == 65
    assert "trained on grey pictures" in page.locator("thead .doubtful").inner_text()


def test_the_keyboard_reaches_everything(visit):
    page = visit("/classify")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
    assert "picture" in reached
    assert "grey" in reached
    page.locator("#picture").focus()
    assert page.locator("label[for=picture]").evaluate("label => getComputedStyle(label).outlineStyle") == "solid"
