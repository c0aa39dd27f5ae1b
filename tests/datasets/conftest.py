"""Folders of pictures, and in which part of a data set each picture is."""

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import load_data


@pytest.fixture(scope="session")
def write_pictures():
    """Writes pictures of one colour and different sizes."""

    def write(folder, count, value=100):
        folder.mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (20 + index, 30), (value, index, 0)).save(folder / f"{index:02d}.png")

    return write


@pytest.fixture
def pictures(tmp_path, write_pictures):
    """Ten dogs and twenty cats."""
    root = tmp_path / "pictures"
    write_pictures(root / "dog", 10, 200)
    write_pictures(root / "cat", 20, 50)
    return root


@pytest.fixture(scope="session")
def noise():
    """Writes pictures of noise, no two alike."""

    def write(folder, count, seed=0, size=(32, 32)):
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng([seed, *folder.name.encode()])
        for index in range(count):
            pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index:03d}.png")

    return write


@pytest.fixture(scope="session")
def parts():
    """Tells in which part each picture of a folder is, by its id."""

    def find(root, **options):
        splits = load_data(f"folder:{root}", **options)
        return {image_id: name for name in ("train", "validation", "test") for image_id in splits[name].ids.tolist()}

    return find
