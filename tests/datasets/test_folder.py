import os
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import describe, load_data
from cifarlab.utils.errors import CifarlabError


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
        [12, 5],
        [2, 1],
        [6, 4],
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


def parts(root, **options):
    """Which part each picture is in, by its id."""
    splits = load_data(f"folder:{root}", **options)
    return {image_id: name for name in ("train", "validation", "test") for image_id in splits[name].ids.tolist()}


def noise(folder, count, seed=0, size=(32, 32)):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, *folder.name.encode()])
    for index in range(count):
        pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")


def test_adding_and_removing_pictures_moves_no_other(tmp_path):
    noise(tmp_path / "a", 80)
    noise(tmp_path / "b", 80)
    before = parts(tmp_path)
    shares = np.array([list(before.values()).count(name) for name in ("train", "validation", "test")]) / 160
    assert np.abs(shares - (0.72, 0.08, 0.2)).max() < 0.1
    for index, name in enumerate(("000_new.png", "zzz.png", "040b.png")):
        Image.new("RGB", (40, 40), (index, 0, 0)).save(tmp_path / "a" / name)
    (tmp_path / "b" / "010.png").unlink()
    after = parts(tmp_path)
    assert {name: part for name, part in after.items() if name in before} == {
        name: part for name, part in before.items() if name != "b/010.png"
    }


def test_copies_and_renamed_pictures_stay_in_their_part(tmp_path):
    noise(tmp_path / "a", 40)
    noise(tmp_path / "b", 40)
    before = parts(tmp_path)
    for path in sorted((tmp_path / "a").iterdir()):
        shutil.copy(path, tmp_path / "a" / f"copy of {path.name}")
    after = parts(tmp_path)
    assert all(after[f"a/copy of {name[2:]}"] == part for name, part in before.items() if name.startswith("a/"))


def test_folds_hold_every_training_picture_once(tmp_path):
    noise(tmp_path / "a", 30)
    noise(tmp_path / "b", 3)
    held = [name for fold in range(4) for name, part in parts(tmp_path, validation_fraction=0.25, fold=fold).items()
            if part == "validation"]  # fmt: skip
    trained = [name for name, part in parts(tmp_path).items() if part != "test"]
    assert sorted(held) == sorted(trained)


def test_a_class_of_copies_is_refused(tmp_path):
    noise(tmp_path / "a", 5)
    noise(tmp_path / "b", 1)
    shutil.copy(tmp_path / "b" / "000.png", tmp_path / "b" / "copy.png")
    with pytest.raises(CifarlabError, match=r"class b .* one picture, 2 times"):
        load_data(f"folder:{tmp_path}")


def test_every_bad_picture_is_named_at_once(pictures):
    bad = ["cat/03.png", "cat/09.png", "dog/01.png"]
    for name in bad:
        (pictures / name).write_text("<html>404</html>")
    (pictures / "dog" / "02.png").write_bytes(b"\xff\xd8\xff\xe0garbage")
    with pytest.raises(CifarlabError, match="4 of 30 pictures") as caught:
        load_data(f"folder:{pictures}")
    assert all(name in str(caught.value) for name in [*bad, "dog/02.png"])
    assert "it is text, not a picture (3)" in str(caught.value)
    assert "JPEG file is damaged or truncated (1)" in str(caught.value)


def test_what_systems_leave_is_passed_over_and_the_rest_counted(pictures):
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


@pytest.mark.parametrize("inside", ["", "dataset", "a/b"])
@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "testing"), ("train", "val")])
def test_other_spellings_and_depths(tmp_path, inside, train, test):
    for name in ("x", "y"):
        noise(tmp_path / inside / train / name / "2019" / "may", 3)
        noise(tmp_path / inside / test / name, 2, seed=1)
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.test), splits.class_names) == (6, 4, ("x", "y"))


def test_a_validation_folder_joins_training_and_this_is_said(tmp_path):
    for part, count in (("train", 9), ("val", 4), ("test", 3)):
        for name in ("x", "y"):
            noise(tmp_path / part / name, count, seed=count)
    splits = load_data(f"folder:{tmp_path}")
    assert (len(splits.train) + len(splits.validation), len(splits.test)) == (26, 6)
    assert any("val/ and train/ are read as one" in notice for notice in splits.source.notices)


def test_a_test_folder_alone_can_be_evaluated(tmp_path):
    for name in ("x", "y"):
        noise(tmp_path / "test" / name, 3)
    splits = load_data(f"folder:{tmp_path}")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (0, 0, 6)
    assert splits.class_names == ("x", "y")


def test_one_name_in_two_unicode_forms_is_one_class(tmp_path):
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
def test_a_name_that_is_not_utf8_is_escaped(tmp_path):
    noise(tmp_path / "a", 6)
    noise(tmp_path / "b", 6)
    (tmp_path / "a" / "000.png").rename(tmp_path / "a" / os.fsdecode(b"\xff\xfe.png"))
    names = parts(tmp_path)
    assert r"a/\xff\xfe.png" in names
    assert "".join(names).encode()
    (tmp_path / "a" / r"\xff\xfe.png").write_bytes((tmp_path / "a" / "001.png").read_bytes())
    with pytest.raises(CifarlabError, match="two files"):
        load_data(f"folder:{tmp_path}")


def test_links_are_followed_but_never_in_circles(tmp_path):
    noise(tmp_path / "elsewhere" / "cats", 4)
    noise(tmp_path / "set" / "dog", 4)
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere" / "cats")
    (tmp_path / "set" / "dog" / "up").symlink_to(tmp_path / "set" / "dog")
    assert len(parts(tmp_path / "set")) == 8


def test_what_the_pictures_are_is_told(tmp_path):
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


@pytest.mark.parametrize("sorted_parts", [(), ("train",)])
def test_parts_without_classes_are_not_taken_for_classes(tmp_path, sorted_parts):
    for part in ("train", "test"):
        for name in ("x", "y") if part in sorted_parts else ("",):
            noise(tmp_path / part / name, 3)
    with pytest.raises(CifarlabError, match="test/ holds pictures, but no class folders"):
        load_data(f"folder:{tmp_path}")


def test_a_class_may_be_called_train(tmp_path):
    noise(tmp_path / "train", 4)
    noise(tmp_path / "car", 4)
    assert load_data(f"folder:{tmp_path}").class_names == ("car", "train")


def test_a_class_that_is_a_link_to_nowhere_is_refused(pictures):
    (pictures / "eel").symlink_to(pictures.parent / "unplugged")
    with pytest.raises(CifarlabError, match=r"eel is a link to .*unplugged, which is not there"):
        load_data(f"folder:{pictures}")


@pytest.mark.parametrize("target", [".", "..", "../dog", "../../pictures"])
def test_no_link_leads_above_or_into_another_class(target, pictures):
    (pictures / "cat" / "link").symlink_to(target)
    splits = load_data(f"folder:{pictures}")
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == 30
    assert "1 file left out: 1 link to a folder above or of another class." in splits.source.notices


@pytest.mark.parametrize("target", [".", "..", "dog", "dog/."])
def test_a_link_to_a_class_or_above_is_no_class(target, pictures):
    (pictures / "eel").symlink_to(target)
    splits = load_data(f"folder:{pictures}")
    assert splits.class_names == ("cat", "dog")
    assert "eel is a link to a folder above or to another class: it is no class." in splits.source.notices


def test_no_link_leads_from_one_part_into_another(tmp_path):
    for split, count in (("train", 4), ("test", 3)):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, count)
    (tmp_path / "train" / "a" / "more").symlink_to(tmp_path / "test" / "b")
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.test)) == (8, 6)


def test_a_picture_in_two_classes_is_said(pictures):
    shutil.copy(pictures / "cat" / "03.png", pictures / "dog" / "x.png")
    said = "1 picture lies in more than one class (cat/03.png and dog/x.png): one of the labels is wrong."
    assert said in load_data(f"folder:{pictures}").source.notices


def test_two_empty_folders_are_told_apart_by_their_path(tmp_path):
    for split in ("train", "test"):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, 3)
        (tmp_path / split / "leer").mkdir()
    notices = load_data(f"folder:{tmp_path}", validation_fraction=0).source.notices
    assert {"The empty folder test/leer/ is no class.", "The empty folder train/leer/ is no class."} <= set(notices)


def test_a_damaged_picture_is_named(pictures):
    data = bytearray((pictures / "cat" / "03.png").read_bytes())
    data[data.index(b"IDAT") + 8] ^= 1
    (pictures / "cat" / "03.png").write_bytes(data)
    with pytest.raises(CifarlabError, match=r"cat/03\.png: the PNG file is damaged or truncated"):
        load_data(f"folder:{pictures}")
