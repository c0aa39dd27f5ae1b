"""Which part of a folder's pictures is for training, validation and test, and that it stays so."""

import shutil

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import load_data
from cifarlab.utils.errors import CifarlabError


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


def test_train_and_test_folders(tmp_path, write_pictures):
    for split, count in (("train", 4), ("test", 3)):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, count)
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (8, 0, 6)
    assert splits.test.ids.tolist()[:2] == ["test/a/00.png", "test/a/01.png"]


def test_adding_and_removing_pictures_moves_no_other(tmp_path, noise, parts):
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


def test_copies_and_renamed_pictures_stay_in_their_part(tmp_path, noise, parts):
    noise(tmp_path / "a", 40)
    noise(tmp_path / "b", 40)
    before = parts(tmp_path)
    for path in sorted((tmp_path / "a").iterdir()):
        shutil.copy(path, tmp_path / "a" / f"copy of {path.name}")
    after = parts(tmp_path)
    assert all(after[f"a/copy of {name[2:]}"] == part for name, part in before.items() if name.startswith("a/"))


def test_folds_hold_every_training_picture_once(tmp_path, noise, parts):
    noise(tmp_path / "a", 30)
    noise(tmp_path / "b", 3)
    held = [name for fold in range(4) for name, part in parts(tmp_path, validation_fraction=0.25, fold=fold).items()
            if part == "validation"]  # fmt: skip
    trained = [name for name, part in parts(tmp_path).items() if part != "test"]
    assert sorted(held) == sorted(trained)


def test_a_class_of_copies_is_refused(tmp_path, noise):
    noise(tmp_path / "a", 5)
    noise(tmp_path / "b", 1)
    shutil.copy(tmp_path / "b" / "000.png", tmp_path / "b" / "copy.png")
    with pytest.raises(CifarlabError, match=r"class b .* one picture, 2 times"):
        load_data(f"folder:{tmp_path}")


@pytest.mark.parametrize("inside", ["", "dataset", "a/b"])
@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "testing"), ("train", "val")])
def test_other_spellings_and_depths(tmp_path, inside, train, test, noise):
    for name in ("x", "y"):
        noise(tmp_path / inside / train / name / "2019" / "may", 3)
        noise(tmp_path / inside / test / name, 2, seed=1)
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.test), splits.class_names) == (6, 4, ("x", "y"))


def test_a_validation_folder_joins_training_and_this_is_said(tmp_path, noise):
    for part, count in (("train", 9), ("val", 4), ("test", 3)):
        for name in ("x", "y"):
            noise(tmp_path / part / name, count, seed=count)
    splits = load_data(f"folder:{tmp_path}")
    assert (len(splits.train) + len(splits.validation), len(splits.test)) == (26, 6)
    assert any("val/ and train/ are read as one" in notice for notice in splits.source.notices)


def test_a_test_folder_alone_can_be_evaluated(tmp_path, noise):
    for name in ("x", "y"):
        noise(tmp_path / "test" / name, 3)
    splits = load_data(f"folder:{tmp_path}")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (0, 0, 6)
    assert splits.class_names == ("x", "y")


@pytest.mark.parametrize("sorted_parts", [(), ("train",)])
def test_parts_without_classes_are_not_taken_for_classes(tmp_path, sorted_parts, noise):
    for part in ("train", "test"):
        for name in ("x", "y") if part in sorted_parts else ("",):
            noise(tmp_path / part / name, 3)
    with pytest.raises(CifarlabError, match="test/ holds pictures, but no class folders"):
        load_data(f"folder:{tmp_path}")


@pytest.mark.parametrize("held_out", ["val", "validation", "test"])
def test_a_folder_as_imagenette_is_unpacked(tmp_path, noise, held_out):
    root = tmp_path / "imagenette2-160"
    for wnid in ("n01440764", "n02102040"):
        noise(root / "train" / wnid, 6, size=(160, 213))
        noise(root / held_out / wnid, 3, seed=1, size=(213, 160))
        for path in root.glob(f"*/{wnid}/*.png"):
            Image.open(path).save(path.with_suffix(".JPEG"))
            path.unlink()
    (root / "noisy_imagenette.csv").write_text("path,noisy_labels_0,is_valid\n")
    splits = load_data(f"folder:{root}?size=64", validation_fraction=0)
    assert splits.class_names == ("n01440764", "n02102040")
    assert (len(splits.train), len(splits.test)) == (12, 6)
    assert all(image_id.startswith(held_out) for image_id in splits.test.ids.tolist())
    said = [f"{held_out}/ is the test part, because there is no test/."]
    assert list(splits.source.notices) == ([] if held_out == "test" else said)
