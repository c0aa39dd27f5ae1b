"""A data set corrected by a labels file: what is changed, what is left alone, and what is left out with a reason."""

import dataclasses

import numpy as np
import pytest

from cifarlab.datasets import ImageSet, Source, Splits, load_data
from cifarlab.datasets.verdicts import append_verdicts, correct_labels, new_verdict, read_labels
from cifarlab.utils.errors import CifarlabError

NAMES = ("cat", "dog", "frog")
LEARNED = ("train", "validation")


def image_set(prefix: str, labels: list[int], start: int) -> ImageSet:
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(start, start + len(labels))
    ids = np.array([f"{prefix}{number}" for number in range(len(labels))] or np.zeros(0, "U1"))
    return ImageSet(images, np.array(labels, np.int64), ids, NAMES)


@pytest.fixture
def splits():
    train, validation, test = image_set("t", [0, 1, 2, 0, 1], 10), image_set("v", [0, 1], 50), image_set("x", [2], 90)
    return Splits(train, validation, test, Source("made-up", "here", "by hand", notices=("first",)))


@pytest.fixture
def correct(splits, tmp_path):
    """Corrects the made-up data by verdicts, each `(id, old, verdict, new)`, with the pixels' checksum."""

    def correct(*verdicts, parts=LEARNED, data=splits):
        every = [splits[part] for part in ("train", "validation", "test")]
        images = {str(part.ids[row]): part.images[row] for part in every for row in range(len(part))}
        made = [new_verdict(*each[:3], *each[3:], image=images.get(each[0])) for each in verdicts]
        labels = append_verdicts(tmp_path / "labels.csv", made)
        return correct_labels(data, labels, parts)

    return correct


def test_images_are_relabelled_and_dropped_where_they_are(splits, correct):
    corrected, made = correct(
        ("t0", "cat", "relabel", "frog"), ("t1", "dog", "drop"), ("t2", "frog", "keep"), ("t3", "cat", "unsure"),
        ("v1", "dog", "relabel", "cat"), ("v0", "cat", "drop"),
    )  # fmt: skip
    assert corrected.train.ids.tolist() == ["t0", "t2", "t3", "t4"]
    assert corrected.train.labels.tolist() == [2, 2, 0, 1]
    assert corrected.train.images[:, 0, 0, 0].tolist() == [10, 12, 13, 14]
    assert (corrected.validation.ids.tolist(), corrected.validation.labels.tolist()) == (["v1"], [0])
    assert corrected.test is splits.test
    assert splits.train.labels.tolist() == [0, 1, 2, 0, 1]
    assert made.parts == {
        "train": {"relabel": 1, "drop": 1, "keep": 1, "unsure": 1},
        "validation": {"relabel": 1, "drop": 1},
    }
    assert (made.count("relabel"), made.count("drop"), made.left_out) == (2, 2, 0)
    assert corrected.source.notices == ("first", *made.notices)
    assert made.notices[0] == (
        "Labels corrected by labels.csv: 2 relabelled and 2 dropped of the train and validation images; 1 kept and "
        "1 unsure stay as they are."
    )
    assert made.notices[1] == "After the corrections no validation image is of class dog."


def test_the_last_verdict_counts_and_undo_leaves_the_image_alone(correct):
    corrected, made = correct(
        ("t0", "cat", "relabel", "frog"), ("t0", "cat", "relabel", "dog"), ("t1", "dog", "drop"), ("t1", "dog", "undo")
    )
    assert corrected.train.labels.tolist() == [1, 1, 2, 0, 1]
    assert made.parts["train"] == {"relabel": 1}


def test_the_test_set_is_changed_only_where_it_is_asked_for(splits, correct):
    verdicts = ("x0", "frog", "relabel", "dog"), ("t0", "cat", "drop")
    corrected, made = correct(*verdicts)
    assert corrected.test is splits.test
    assert "1 verdict of labels.csv not used here: 1 on test images." in made.notices
    corrected, made = correct(*verdicts, parts=("test",))
    assert corrected.test.labels.tolist() == [1]
    assert corrected.train is splits.train
    assert made.parts == {"test": {"relabel": 1}}


def test_a_verdict_survives_renaming(splits, correct):
    renamed = dataclasses.replace(splits, train=dataclasses.replace(splits.train, ids=np.array(list("abcde"))))
    corrected, made = correct(("t1", "dog", "relabel", "cat"), ("t4", "dog", "drop"), data=renamed)
    assert (corrected.train.ids.tolist(), corrected.train.labels.tolist()) == (list("abcd"), [0, 0, 2, 0])
    assert made.left_out == 0


def test_names_exchanged_do_not_exchange_verdicts(splits, correct):
    swapped = dataclasses.replace(splits.train, ids=np.array(["t3", "t1", "t2", "t0", "t4"]))
    corrected, _ = correct(("t0", "cat", "relabel", "frog"), data=dataclasses.replace(splits, train=swapped))
    assert corrected.train.labels.tolist() == [2, 1, 2, 0, 1]  # the first image, whatever it is called


def test_another_picture_under_the_same_id_is_left_alone(splits, correct):
    other = splits.train.images.copy()
    other[0] += 100
    changed = dataclasses.replace(splits, train=dataclasses.replace(splits.train, images=other))
    corrected, made = correct(("t0", "cat", "drop"), ("t1", "dog", "drop"), data=changed)
    assert corrected.train.ids.tolist() == ["t0", "t2", "t3", "t4"]
    assert made.left_out == 1
    assert made.notices[1] == (
        "1 verdict of labels.csv left out, which no image fits: of row 2, t0 has other pixels now than when it was "
        "judged."
    )


def test_a_renamed_image_with_a_copy_is_ambiguous(splits, correct):
    doubled = splits.train.images.copy()
    doubled[1] = doubled[0]
    train = dataclasses.replace(splits.train, images=doubled, ids=np.array(list("abcde")))
    corrected, made = correct(
        ("t0", "cat", "drop"), ("t2", "frog", "drop"), data=dataclasses.replace(splits, train=train)
    )
    assert corrected.train.ids.tolist() == list("abde")
    assert "of row 2, t0 is gone, and 2 images have its pixels" in made.notices[1]


def test_old_labels_that_do_not_match_are_counted_and_left_out(correct):
    corrected, made = correct(("t0", "dog", "relabel", "frog"), ("t1", "dog", "drop"), ("nowhere", "cat", "drop"))
    assert corrected.train.labels.tolist() == [0, 2, 0, 1]
    assert made.left_out == 2
    assert made.notices[1].startswith("2 verdicts of labels.csv left out, which no image fits: of row ")


def test_a_mended_verdict_is_no_longer_counted(correct):
    _, made = correct(("t0", "dog", "drop"), ("t0", "cat", "drop"))
    assert (made.left_out, made.count("drop")) == (0, 1)


def test_a_file_of_other_data_is_refused(correct):
    with pytest.raises(
        CifarlabError, match=r"no verdict of .* fits made-up: of row 2, test-1 is not in the data; give"
    ):
        correct(("test-1", "cat", "drop"))


def test_a_file_without_verdicts_is_refused(splits, tmp_path):
    path = tmp_path / "doubts.csv"
    path.write_text("id,given_label,suggested_label,verdict\nt0,cat,dog,\n")
    with pytest.raises(CifarlabError, match="has no verdict yet: fill in"):
        correct_labels(splits, read_labels(path), LEARNED)


def test_an_unknown_class_is_one_line_with_its_row(correct):
    with pytest.raises(CifarlabError, match=r"row 2: there is no class 'bird'; expected one of cat, dog, frog"):
        correct(("t0", "cat", "relabel", "bird"))


def test_dropping_everything_is_refused(correct):
    with pytest.raises(CifarlabError, match="drops every training image of made-up"):
        correct(*((f"t{n}", NAMES[label], "drop") for n, label in enumerate([0, 1, 2, 0, 1])))


def test_a_folders_verdicts_survive_that_its_files_are_renamed(tmp_path, noise):
    noise(tmp_path / "pictures" / "a", 12)
    noise(tmp_path / "pictures" / "b", 12)
    name = f"folder:{tmp_path / 'pictures'}"
    before = load_data(name)
    judged = before.train
    image_id, label = str(judged.ids[0]), judged.class_names[judged.labels[0]]
    other = next(name for name in judged.class_names if name != label)
    labels = append_verdicts(
        tmp_path / "labels.csv", [new_verdict(image_id, label, "relabel", other, judged.images[0])]
    )
    picture = tmp_path / "pictures" / label / image_id.rpartition("/")[2]
    assert picture.is_file(), sorted((tmp_path / "pictures").rglob("*"))
    picture.rename(picture.with_name("renamed.png"))
    corrected, made = correct_labels(load_data(name), labels, LEARNED)
    row = next(row for row, each in enumerate(corrected.train.ids) if "renamed" in each)
    assert corrected.class_names[corrected.train.labels[row]] == other
    assert (made.count("relabel"), made.left_out) == (1, 0)
