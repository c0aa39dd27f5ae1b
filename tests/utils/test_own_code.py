"""Only files that the user named are executed, and a name from a file points at nothing else."""

import dataclasses

import pytest

from cifarlab import recipes
from cifarlab.recipes import Recipe
from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import checksum
from cifarlab.utils.own_code import NotNamedError, Recorded


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("VALUE = 1")
    return tmp_path / "own.py"


def test_what_was_not_named_is_not_found(own):
    with pytest.raises(NotNamedError, match=r"name it yourself with --code own\.py"):
        own_code.find("own.py")
    with pytest.raises(NotNamedError, match="with say this"):
        own_code.find("own.py", how="say this")


@pytest.mark.parametrize("name", ["own.py", "./own.py", "elsewhere/own.py", "/of/another/machine/own.py"])
def test_a_name_points_at_the_named_file_of_that_name(own, name):
    own_code.allow("own.py")
    assert own_code.find(name).samefile(own)


def test_another_name_points_at_nothing(own):
    own_code.allow("own.py")
    with pytest.raises(NotNamedError):
        own_code.find("other.py")


def test_a_recorded_name_and_a_word_allow_nothing(own):
    own_code.allow(Recorded("own.py"), "mlp", "")
    assert own_code.allowed() == []


def test_a_link_goes_by_its_own_name(own, tmp_path):
    (tmp_path / "link.py").symlink_to(own)
    own_code.allow("link.py")
    assert own_code.find("link.py").samefile(own)
    with pytest.raises(NotNamedError):
        own_code.find("own.py")


def test_a_named_file_that_is_not_there(own):
    own_code.allow("missing.py")
    with pytest.raises(CifarlabError, match=r"no file missing\.py"):
        own_code.find("missing.py")


@pytest.mark.parametrize("given", ["missing.py", "own.txt", "."])
def test_code_must_be_python_files_that_are_there(own, given):
    with pytest.raises(CifarlabError, match="--code takes Python files"):
        own_code.allow_files([given])


def test_a_file_that_has_changed_is_refused(own):
    before = checksum(own, "sha256")
    own_code.allow_files([own])
    assert own_code.find("own.py", before) == own
    own.write_text("VALUE = 2")
    with pytest.raises(CifarlabError, match=r"has changed.*give --code kept\.py"):
        own_code.find("own.py", before, "--code kept.py")


def test_a_checksum_tells_which_of_two_files_of_one_name_is_meant(own, tmp_path):
    (tmp_path / "two").mkdir()
    other = tmp_path / "two" / "own.py"
    other.write_text("VALUE = 2")
    own_code.allow_files([own, other])
    assert own_code.find("own.py") == own  # the very place
    assert own_code.find("own.py", checksum(other, "sha256")) == other
    with pytest.raises(CifarlabError, match="they differ"):
        own_code.find("three/own.py")


def test_a_recipe_from_json_names_no_code_however_it_is_handed_on(own):
    read = recipes.from_dict({"model": "own.py", "data": "own.py"})
    varied = dataclasses.replace(recipes.override(read, ["epochs=3"]), seed=4)
    recipes.allow_own_code(varied)
    assert own_code.allowed() == []
    assert varied == Recipe(model="own.py", data="own.py", epochs=3, seed=4)
    assert recipes.to_dict(varied)["model"] == "own.py"


@pytest.mark.parametrize(
    "chosen",
    [
        lambda: Recipe(model="own.py"),
        lambda: recipes.override(recipes.from_dict({"model": "own.py"}), ["model=own.py"]),
        lambda: dataclasses.replace(recipes.from_dict({"model": "mlp"}), data="own.py"),
    ],
)
def test_what_the_user_writes_names_code(own, chosen):
    recipes.allow_own_code(chosen())
    assert own_code.allowed() == [str(own)]
