"""The ways of the resizing benchmark: each against what it must do to a picture that is easily drawn."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import read_image


@pytest.fixture(scope="module")
def resizing(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("resizing")


def three_bands(width: int = 300, height: int = 100) -> Image.Image:
    """Red, green and blue bands of equal width, from left to right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for band in range(3):
        pixels[:, band * width // 3 : (band + 1) * width // 3, band] = 255
    return Image.fromarray(pixels)


def test_shapes(resizing: ModuleType) -> None:
    image = three_bands()
    assert {name: shape(image).size for name, shape in resizing.SHAPES.items()} == {
        "squash": (300, 100),
        "crop": (100, 100),
        "pad mean": (300, 300),
        "pad edge": (300, 300),
    }
    assert np.asarray(resizing.crop(image)).reshape(-1, 3).mean(axis=0).tolist() == [0, 255, 0]
    mean, edge = np.asarray(resizing.pad_mean(image)), np.asarray(resizing.pad_edge(image))
    for padded in (mean, edge):
        np.testing.assert_array_equal(padded[100:200], np.asarray(image))
    assert mean[0, 0].tolist() == mean[299, 299].tolist() == [85, 85, 85]
    assert (edge[0, 0].tolist(), edge[299, 299].tolist()) == ([255, 0, 0], [0, 0, 255])
    tall = three_bands(30, 200)
    assert resizing.pad_mean(tall).size == resizing.pad_edge(tall).size == (200, 200)


def test_every_filter_keeps_a_plain_colour_and_gives_the_size(resizing: ModuleType) -> None:
    for size in ((500, 333), (40, 40), (20, 31), (32, 32)):
        image = Image.new("RGB", size, (10, 200, 90))
        for resize in resizing.FILTERS.values():
            small = np.asarray(resize(image, 32))
            assert small.shape == (32, 32, 3)
            assert (small == [10, 200, 90]).all()


def test_shrinking_by_areas_first_is_the_mean_of_blocks(resizing: ModuleType) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(128, 128, 3), dtype=np.uint8)
    means = pixels.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    small = np.asarray(resizing.FILTERS["box"](Image.fromarray(pixels), 32), float)
    np.testing.assert_allclose(small, means, atol=1)


def test_every_way_sees_every_picture_once(resizing: ModuleType, tmp_path: Path) -> None:
    for name, size in (("a.png", (90, 60)), ("b.png", (50, 80))):
        three_bands(*size).save(tmp_path / name)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    small = resizing.resize_all(paths, 32)
    assert len(small) == 1 + len(resizing.SHAPES) * len(resizing.FILTERS)
    assert {images.shape for images in small.values()} == {(2, 32, 32, 3)}
    np.testing.assert_array_equal(small[resizing.NOW][1], read_image(paths[1], 32))


def test_pictures_are_found_by_their_classes(resizing: ModuleType, tmp_path: Path) -> None:
    for name in ("ship", "cat"):
        (tmp_path / name).mkdir()
        three_bands().save(tmp_path / name / "a.png")
    paths, labels = resizing.find_pictures(tmp_path, ("cat", "dog", "ship"))
    assert [path.parent.name for path in paths] == ["cat", "ship"]
    assert labels.tolist() == [0, 2]
    with pytest.raises(CifarlabError, match=r"no classes \(ship\): expected some of cat, dog"):
        resizing.find_pictures(tmp_path, ("cat", "dog"))


def test_the_table(resizing: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    right = np.array([[True, True, False, False], [True, True, True, False]])
    resizing.report([resizing.NOW, ("crop", "box")], right, np.array([0, 1, 1, 1]))
    _, now, box = capsys.readouterr().out.splitlines()
    assert now.split()[:5] == ["as", "predict", "does", "2", "50.0%"]
    assert "3     75.0%" in box
    assert "83.3%" in box  # the mean of 1/1 and 2/3
    assert "+25.0% (" in box
    assert box.endswith("p = 1.00")
