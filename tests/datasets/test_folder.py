import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import load_data
from cifarlab.errors import CifarlabError


def write_pictures(folder, count, value=100):
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (20 + index, 30), (value, index, 0)).save(folder / f"{index:02d}.png")


@pytest.fixture
def pictures(tmp_path):
    root = tmp_path / "pictures"
    write_pictures(root / "dog", 10, 200)
    write_pictures(root / "cat", 20, 50)
    return root


def test_class_folders_are_split_by_class(pictures):
    splits = load_data(f"folder:{pictures}")
    assert splits.class_names == ("cat", "dog")
    assert [np.bincount(splits[name].labels).tolist() for name in ("train", "validation", "test")] == [
        [14, 7],
        [2, 1],
        [4, 2],
    ]
    for part in (splits.train, splits.validation, splits.test):
        for image, label, name in zip(part.images, part.labels, part.ids, strict=True):
            assert (pictures / name).is_file()
            assert image[0, 0].tolist() == [(50, 200)[label], int(name[-6:-4]), 0]
    assert splits.source.name == f"folder:{pictures}"


def test_train_and_test_folders(tmp_path):
    for split, count in (("train", 4), ("test", 3)):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, count)
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (8, 0, 6)
    assert splits.test.ids.tolist()[:2] == ["test/a/00.png", "test/a/01.png"]


def test_hidden_and_other_files_are_ignored(pictures):
    (pictures / ".git").mkdir()
    (pictures / "cat" / ".DS_Store").write_text("x")
    (pictures / "cat" / ".hidden.png").write_text("x")
    (pictures / "cat" / "notes.txt").write_text("x")
    assert len(load_data(f"folder:{pictures}").test) == 6


def test_a_relative_path_is_found_again_from_elsewhere(pictures, monkeypatch):
    monkeypatch.chdir(pictures.parent)
    source = load_data("folder:pictures").source
    monkeypatch.chdir("/")
    again = load_data(source.name, data_dir=source.data_dir)
    assert again.source.location == source.location == str(pictures)


def test_progress_reaches_the_end(pictures):
    shares = []
    load_data(f"folder:{pictures}", progress=lambda _, share: shares.append(share))
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_one_class_no_class_and_no_folder(tmp_path):
    with pytest.raises(CifarlabError, match="no folder"):
        load_data(f"folder:{tmp_path / 'none'}")
    with pytest.raises(CifarlabError, match="no class folders"):
        load_data(f"folder:{tmp_path}")
    write_pictures(tmp_path / "cat", 2)
    with pytest.raises(CifarlabError, match=r"one class \(cat\)"):
        load_data(f"folder:{tmp_path}")
    with pytest.raises(CifarlabError, match="folder:PATH"):
        load_data("folder")


def test_an_empty_class_and_a_class_of_one(pictures):
    (pictures / "eel").mkdir()
    (pictures / "eel" / "notes.txt").write_text("none yet")
    with pytest.raises(CifarlabError, match="class eel is empty"):
        load_data(f"folder:{pictures}")
    Image.new("L", (5, 5)).save(pictures / "eel" / "only.png")
    with pytest.raises(CifarlabError, match=r"class eel .* one picture"):
        load_data(f"folder:{pictures}")


def test_classes_of_test_must_be_those_of_train(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/c"):
        write_pictures(tmp_path / name, 2)
    with pytest.raises(CifarlabError, match="only one has: b, c"):
        load_data(f"folder:{tmp_path}")
    (tmp_path / "test").rename(tmp_path / "tests")
    with pytest.raises(CifarlabError, match=r"train/ but no test/"):
        load_data(f"folder:{tmp_path}")


def enormous_png():
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, b"IEND")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"a note", "it is text"), (b"", "zero bytes"), (enormous_png(), "too large")]
)
def test_a_picture_that_cannot_be_read_is_named(pictures, data, reason):
    bad = pictures / "cat" / "05.png"
    bad.write_bytes(data)
    with pytest.raises(CifarlabError, match=reason) as caught:
        load_data(f"folder:{pictures}")
    assert str(bad) in str(caught.value)
