"""A folder of pictures as a data set: its classes, its names, and what is told of it."""

import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import describe, image_shape, load_data
from cifarlab.utils.errors import CifarlabError


def test_hidden_and_other_files_are_ignored(pictures):
    (pictures / ".git").mkdir()
    (pictures / "cat" / ".DS_Store").write_text("x")
    (pictures / "cat" / ".hidden.png").write_text("x")
    (pictures / "cat" / "notes.txt").write_text("x")
    splits = load_data(f"folder:{pictures}")
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == 30
    assert splits.source.notices == ("1 file left out: 1 .txt.",)


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


def test_one_class_no_class_and_no_folder(tmp_path, write_pictures):
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


def test_classes_of_test_must_be_those_of_train(tmp_path, write_pictures):
    for name in ("train/a", "train/b", "test/a", "test/c"):
        write_pictures(tmp_path / name, 2)
    with pytest.raises(CifarlabError, match="only one has: b, c"):
        load_data(f"folder:{tmp_path}")
    (tmp_path / "test").rename(tmp_path / "tests")
    with pytest.raises(CifarlabError, match=r"train/ but no test/"):
        load_data(f"folder:{tmp_path}")


def test_what_systems_leave_is_passed_over_and_the_rest_counted(pictures, parts):
    whole = parts(pictures)
    for name in ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", ".ipynb_checkpoints", "cat/@eaDir"):
        shutil.copytree(pictures / "dog", pictures / name)
    for name in ("Thumbs.db", "desktop.ini", "._00.png", ".DS_Store"):
        (pictures / "cat" / name).write_bytes(b"\0\5\x16\7")
    (pictures / "empty").mkdir()
    for name in ("a.HEIC", "b.HEIC", "notes.txt", "README"):
        (pictures / "cat" / name).write_text("x")
    (pictures / "cat" / "gone.png").symlink_to("nowhere.png")
    splits = load_data(f"folder:{pictures}")
    assert parts(pictures) == whole
    left_out = {".HEIC": 2, ".txt": 1, "without an ending": 1, "broken link": 1}
    assert splits.source.pictures["left_out"] == left_out
    assert "5 files left out: 2 .HEIC" in splits.source.notices[0]
    assert "The empty folder empty/ is no class." in splits.source.notices


def test_one_name_in_two_unicode_forms_is_one_class(tmp_path, noise):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for part, form in (("train", composed), ("test", decomposed)):
        noise(tmp_path / part / form, 3)
        noise(tmp_path / part / "tea", 3)
    assert load_data(f"folder:{tmp_path}").class_names == (composed, "tea")
    noise(tmp_path / "train" / decomposed, 2, seed=5)
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert np.bincount(splits.train.labels).tolist() == [5, 3]
    assert any("two Unicode forms" in notice for notice in splits.source.notices)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_is_escaped(tmp_path, noise, parts):
    noise(tmp_path / "a", 6)
    noise(tmp_path / "b", 6)
    (tmp_path / "a" / "000.png").rename(tmp_path / "a" / os.fsdecode(b"\xff\xfe.png"))
    names = parts(tmp_path)
    assert r"a/\xff\xfe.png" in names
    assert "".join(names).encode()
    (tmp_path / "a" / r"\xff\xfe.png").write_bytes((tmp_path / "a" / "001.png").read_bytes())
    with pytest.raises(CifarlabError, match="two files"):
        load_data(f"folder:{tmp_path}")


def test_what_the_pictures_are_is_told(tmp_path, noise):
    noise(tmp_path / "a", 3)
    noise(tmp_path / "b", 2, size=(40, 100))
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "b" / "moving.gif", save_all=True, append_images=frames[1:])
    about = describe(load_data(f"folder:{tmp_path}"))["pictures"]
    assert about["widths"] == [16, 32.0, 100]
    assert about["formats"] == {"PNG": 5, "GIF": 1}
    assert about["modes"] == {"RGB": 5, "P": 1}
    assert about["fitted"] == {"cropped": 2, "enlarged": 1, "shrunk": 2, "unchanged": 3}
    assert about["animated"] == 1


def test_a_class_may_be_called_train(tmp_path, noise):
    noise(tmp_path / "train", 4)
    noise(tmp_path / "car", 4)
    assert load_data(f"folder:{tmp_path}").class_names == ("car", "train")


def test_two_empty_folders_are_told_apart_by_their_path(tmp_path, write_pictures):
    for split in ("train", "test"):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, 3)
        (tmp_path / split / "leer").mkdir()
    notices = load_data(f"folder:{tmp_path}", validation_fraction=0).source.notices
    assert {"The empty folder test/leer/ is no class.", "The empty folder train/leer/ is no class."} <= set(notices)


def test_another_size_and_grey(pictures):
    name = f"folder:{pictures}?size=64&channels=1"
    splits = load_data(name)
    assert splits.test.image_shape == image_shape(name) == (64, 64, 1)
    assert image_shape(f"folder:{pictures}") == (32, 32, 3)
    assert splits.source.name == name
    assert splits.source.pictures["fitted"]["shrunk"] == 0
    small = load_data(f"folder:{pictures}?size=32&channels=3")
    assert small.test.fingerprint == load_data(f"folder:{pictures}").test.fingerprint
    assert small.test.ids.tolist() == splits.test.ids.tolist()


def test_a_question_mark_that_no_option_follows_is_of_the_path(pictures):
    asked = pictures.rename(pictures.with_name("who?"))
    assert load_data(f"folder:{asked}").source.location == str(asked)
    with pytest.raises(CifarlabError, match="unknown option of folder 'sise': did you mean size"):
        load_data(f"folder:{asked}?sise=64")
