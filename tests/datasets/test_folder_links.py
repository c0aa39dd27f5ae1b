"""Links among folders of pictures: followed, but never in circles, above, or into another class."""

import pytest

from cifarlab.datasets import load_data
from cifarlab.utils.errors import CifarlabError


def test_links_are_followed_but_never_in_circles(tmp_path, noise, parts):
    noise(tmp_path / "elsewhere" / "cats", 4)
    noise(tmp_path / "set" / "dog", 4)
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere" / "cats")
    (tmp_path / "set" / "dog" / "up").symlink_to(tmp_path / "set" / "dog")
    assert len(parts(tmp_path / "set")) == 8


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


def test_no_link_leads_from_one_part_into_another(tmp_path, write_pictures):
    for split, count in (("train", 4), ("test", 3)):
        for name in ("b", "a"):
            write_pictures(tmp_path / split / name, count)
    (tmp_path / "train" / "a" / "more").symlink_to(tmp_path / "test" / "b")
    splits = load_data(f"folder:{tmp_path}", validation_fraction=0)
    assert (len(splits.train), len(splits.test)) == (8, 6)


def test_two_ways_to_one_folder_are_one(tmp_path, noise, parts):
    noise(tmp_path / "set" / "cat" / "2024-05", 4)
    noise(tmp_path / "set" / "dog", 4)
    noise(tmp_path / "elsewhere", 3)
    (tmp_path / "set" / "cat" / "latest").symlink_to("2024-05")
    for name in ("one", "two"):
        (tmp_path / "set" / "dog" / name).symlink_to(tmp_path / "elsewhere")
    assert len(parts(tmp_path / "set")) == 4 + 4 + 3
