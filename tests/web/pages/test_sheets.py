"""Sheets of pictures: what is on them, where each tile finds its own, and which addresses are refused."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.sheets import MOST_PICTURES, draw_sheet, lay_out


def make_collection(shape: tuple[int, int, int], count: int = 130) -> Collection:
    """Random pictures: some for training, few held out, and the others to test."""
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    labels, names = np.zeros(count, np.int64), ("one", "two")
    ids = np.array([f"image-{number}" for number in range(count)])
    cuts = [slice(0, 100), slice(100, 105), slice(105, count)]
    parts = [ImageSet(images[cut], labels[cut], ids[cut], names) for cut in cuts]
    return Collection("made", "made", Splits(*parts, source=Source("made up", "made up", "made up")))


def open_sheet(collection: Collection, style: str, number: int = 0) -> np.ndarray:
    code = re.findall(r"--sheet\d+:url\(/sheets/made/\w+/([\w-]+)\)", style)[number]
    return np.asarray(Image.open(io.BytesIO(draw_sheet(collection, code))))


def cut_out(sheet: np.ndarray, style: str, height: int, width: int) -> np.ndarray:
    """What CSS shows of a background, by its rule: a percentage of the room beyond one tile."""
    x, y = (float(each) / 100 for each in re.search(r"background-position:([\d.]+)% ([\d.]+)%", style).groups())
    left, top = x * (sheet.shape[1] - width), y * (sheet.shape[0] - height)
    assert abs(left - round(left)) < 0.02  # of a pixel of the sheet
    assert abs(top - round(top)) < 0.02
    return sheet[round(top) : round(top) + height, round(left) : round(left) + width]


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (20, 32, 3)])
def test_every_tile_shows_its_own_picture(shape):
    collection = make_collection(shape)
    ids = list(collection.places)[::-1]
    sheets = lay_out(collection, ids)
    assert sheets.style.count("url(") == len(sheets.addresses) == 3  # of 20, 100 and 10 pictures
    assert f"--ratio:{shape[1]}/{shape[0]}" in sheets.style
    for place, number in ((0, 0), (9, 0), (10, 0), (19, 0), (20, 1), (55, 1), (119, 1), (120, 2), (129, 2)):
        style = sheets.styles[ids[place]]
        assert f"var(--sheet{number})" in style
        shown = cut_out(open_sheet(collection, sheets.style, number), style, *shape[:2])
        image = collection.image(ids[place])
        np.testing.assert_array_equal(shown, np.broadcast_to(image, (*shape[:2], 3)))


def test_one_picture_alone():
    collection = make_collection((32, 32, 3))
    sheets = lay_out(collection, ["image-102"])
    shown = cut_out(open_sheet(collection, sheets.style), sheets.styles["image-102"], 32, 32)
    np.testing.assert_array_equal(shown, collection.image("image-102"))


def test_large_pictures_are_made_smaller():
    collection = make_collection((300, 200, 3), count=107)
    sheet = open_sheet(collection, lay_out(collection, ["image-0", "image-106"]).style)
    assert sheet.shape == (98, 10 * 66, 3)


def coded(numbers) -> str:
    return base64.urlsafe_b64encode(np.array(numbers, "<u4").tobytes()).decode().rstrip("=")


@pytest.mark.parametrize(
    "code", ["", "a", "AAAA", "!!!!", "\u00e9", coded([130]), coded([2**32 - 1]), coded([0] * 101)]
)
def test_an_address_that_names_no_pictures(code):
    assert draw_sheet(make_collection((32, 32, 3)), code) is None


def test_the_most_that_a_sheet_may_hold():
    assert draw_sheet(make_collection((32, 32, 3)), coded([129] * MOST_PICTURES)) is not None
