"""`export --to web` as somebody meets it who was sent the page: opened from a disk, with the network off."""

import base64
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifarlab.exports.about import About
from cifarlab.exports.web_page import read_network, write_page
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import encode_png, read_image, to_grey

pytestmark = pytest.mark.browser

SIZE = 16
CLASSES = ("red", "green", "blue")
SQUARE = """async () => {
  const blob = await new Promise((resolve) => document.getElementById("seen").toBlob(resolve));
  const bitmap = await createImageBitmap(blob);
  const brush = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  brush.drawImage(bitmap, 0, 0);
  return [...brush.getImageData(0, 0, bitmap.width, bitmap.height).data];
}"""
GIVE = """([selector, kind, names]) => {
  const data = new DataTransfer();
  for (const [name, base64] of names) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: "image/png" }));
  }
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...options, clipboardData: data })
                                 : new DragEvent(kind, { ...options, dataTransfer: data });
  document.querySelector(selector).dispatchEvent(event);
}"""


def expected(square: np.ndarray, classes: int = 3) -> np.ndarray:
    """The probabilities of `network`, by NumPy."""
    means = square.astype(np.float64).mean((0, 1)) / 10
    logits = np.zeros(classes)
    logits[: len(means)] = means
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def about(name: str, channels: int = 3) -> About:
    return About(
        run=name,
        model_checksum="0" * 64,
        class_names=CLASSES,
        image_shape=(SIZE, SIZE, channels),
        temperature=1.0,
        recipe={},
        data={"name": "colours"},
        card=f"# {name}\n\nA card with <b>tags</b> & </script> in it.\n",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, made_up_onnx) -> Path:
    place = tmp_path_factory.mktemp("exported")
    write_page(made_up_onnx.network(3, 3), about("colours"), place)
    return place


@pytest.fixture(scope="module")
def grey_folder(tmp_path_factory, made_up_onnx) -> Path:
    place = tmp_path_factory.mktemp("grey")
    write_page(made_up_onnx.network(1, 3), about("grey", channels=1), place)
    return place


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, Path]:
    """Pictures of many sizes: enlarged, made a little smaller, made much smaller in two steps, with transparency."""
    place, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    found = {}
    for name, shape in {
        "tiny.png": (5, 9, 3),
        "same.png": (SIZE, SIZE, 3),
        "small.png": (40, 31, 3),
        "large.png": (211, 350, 3),
        "clear.png": (30, 30, 4),
    }.items():
        found[name] = place / name
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(found[name])
    smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (512, 384), Image.Resampling.BICUBIC
    )
    for name, orientation in (("photo.jpg", 1), ("turned.jpg", 6)):
        found[name] = place / name
        exif = smooth.getexif()
        exif[0x0112] = orientation
        smooth.save(found[name], quality=95, exif=exif)
    found["broken.png"] = place / "broken.png"
    found["broken.png"].write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return found


@pytest.fixture
def open_page(new_page):
    """Opens a page from the disk, with the network off, and at the end holds it to be quiet and alone."""
    said, asked = [], []

    def open_page(file: Path, **options):
        page = new_page(offline=True, **options)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    yield open_page
    assert said == []
    assert [url for url in asked if not url.startswith(("file://", "blob:", "data:"))] == []


def choose(page, path: Path) -> str:
    """What the page says of a file."""
    page.set_input_files("#chooser", path)
    page.locator("#told", has_text=path.name).filter(has_not_text="Reading").wait_for()
    return page.inner_text("#told")


def square_of(page) -> np.ndarray:
    return np.array(page.evaluate(SQUARE), np.uint8).reshape(SIZE, SIZE, 4)[..., :3]


def shares(page) -> dict[str, float]:
    """The answers on the page, as shares of 1."""
    rows = [text.split("\n") for text in page.locator("#answers li").all_inner_texts()]
    return {name: float(share.removesuffix("%")) / 100 for name, share in rows}


@pytest.mark.parametrize("name", ["index.html", "colours.html"])
def test_answers_as_onnxruntime_does_on_the_pixels_that_pillow_makes(open_page, folder, pictures, name) -> None:
    page = open_page(folder / name)
    for file in ("tiny.png", "same.png", "small.png", "large.png"):
        choose(page, pictures[file])
        wanted = read_image(pictures[file], SIZE)
        np.testing.assert_array_equal(square_of(page), wanted, file)
        found = shares(page)
        assert list(found.values()) == sorted(found.values(), reverse=True)
        np.testing.assert_allclose([found[each] for each in CLASSES], expected(wanted), atol=6e-4)


def test_transparency_and_photographs_are_nearly_as_pillow_makes_them(open_page, folder, pictures) -> None:
    page = open_page(folder / "index.html")
    for file in ("clear.png", "photo.jpg", "turned.jpg"):
        choose(page, pictures[file])
        apart = np.abs(square_of(page).astype(int) - read_image(pictures[file], SIZE))
        assert apart.max() <= 4, file


def test_grey_network_is_given_pillows_luminance(open_page, grey_folder, pictures) -> None:
    page = open_page(grey_folder / "grey.html")
    choose(page, pictures["small.png"])
    wanted = to_grey(read_image(pictures["small.png"], SIZE))
    np.testing.assert_array_equal(square_of(page)[..., :1], wanted)
    np.testing.assert_allclose([shares(page)[each] for each in CLASSES], expected(wanted), atol=6e-4)


def test_what_is_no_picture_is_said_in_one_line_and_the_page_goes_on(open_page, folder, pictures) -> None:
    page = open_page(folder / "index.html")
    assert "broken.png is no picture that this browser can read" in choose(page, pictures["broken.png"])
    assert not page.locator("#given").is_visible()
    assert choose(page, pictures["same.png"]).startswith("same.png: ")
    choose(page, pictures["broken.png"])
    assert not page.locator("#given").is_visible()  # the answer would be taken for this picture's


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(open_page, folder, kind) -> None:
    page = open_page(folder / "index.html", width=390)
    blue = encode_png(np.full((20, 20, 3), (0, 0, 200), np.uint8))
    page.evaluate(GIVE, ["body", kind, [["blue.png", base64.b64encode(blue).decode()]]])
    page.locator("#told", has_text="blue.png: blue, 100.0 %").wait_for()


def test_works_by_keyboard(open_page, folder, pictures) -> None:
    page = open_page(folder / "index.html")
    # Asked for before any key: Playwright does not wait until the browser has been told to leave the dialog to it.
    page.on("filechooser", lambda chooser: chooser.set_files(pictures["same.png"]))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose"
    page.keyboard.press("Enter")
    page.locator("#told", has_text="same.png: ").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_page_fits_and_can_be_read(open_page, folder, pictures, serious, width, scheme) -> None:
    page = open_page(folder / "colours.html", width=width, scheme=scheme)
    choose(page, pictures["same.png"])
    page.locator("summary").click()
    assert "<b>tags</b> & </script>" in page.inner_text("pre")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert serious(page) == []


def test_without_scripts_the_page_says_so(new_page, folder) -> None:
    page = new_page(java_script_enabled=False)
    page.goto((folder / "index.html").as_uri())
    assert "Scripts are switched off" in page.inner_text("body")


def test_policy_allows_no_connection_and_no_foreign_script(folder) -> None:
    for name in ("index.html", "colours.html"):
        head = (folder / name).read_text().split("</head>")[0].split("<style>")[0]
        assert "default-src 'none'" in head
        assert "connect-src" not in head
        assert "unsafe-inline" not in head
        assert "unsafe-eval'" not in head.replace("'wasm-unsafe-eval'", "")


def test_network_is_read_back(folder, made_up_onnx) -> None:
    assert read_network(folder) == made_up_onnx.network(3, 3)


@pytest.mark.parametrize("text", ["", "const MODEL = {};", 'const MODEL = {"network": "H4sI"};', "[" * 9000])
def test_damaged_network_is_one_line(tmp_path, text) -> None:
    (tmp_path / "network.js").write_text(text)
    with pytest.raises(CifarlabError, match=r"network\.js"):
        read_network(tmp_path)


def test_network_that_unfolds_to_more_than_the_limit_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CIFARLAB_MAX_MB", "1")
    packed = base64.b64encode(gzip.compress(bytes(3 * 2**20))).decode()
    (tmp_path / "network.js").write_text(f"const MODEL = {json.dumps({'network': packed})};\n")
    with pytest.raises(CifarlabError, match="CIFARLAB_MAX_MB"):
        read_network(tmp_path)


def test_two_writings_are_the_same_bytes(folder, tmp_path, made_up_onnx) -> None:
    write_page(made_up_onnx.network(3, 3), about("colours"), tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
