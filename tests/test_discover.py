"""A file's name is its name: listing, loading, and answers to a misspelt one."""

import pytest

from cifarlab import discover
from cifarlab.errors import CifarlabError


def test_names_are_sorted_and_without_helpers():
    names = discover.names("metrics")
    assert names == sorted(names)
    assert "accuracy" in names
    assert not [name for name in names if name.startswith("_")]


@pytest.mark.parametrize("package", ["datasets", "metrics", "models", "recipes"])
def test_every_name_loads(package):
    for name in discover.names(package):
        if package != "models":  # models need Keras; their own tests build each
            assert discover.load(package, name).__doc__


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(CifarlabError, match="unknown metric 'acuracy': did you mean accuracy"):
        discover.load("metrics", "acuracy")


@pytest.mark.parametrize("name", ["_intervals", "__init__", "../errors", ""])
def test_helpers_and_paths_are_no_names(name):
    with pytest.raises(CifarlabError, match="unknown metric"):
        discover.load("metrics", name)


def test_a_users_own_file_is_loaded_by_its_path(tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"VALUE = {value}")
    loaded = [discover.load("models", str(tmp_path / folder / "mine.py")).VALUE for folder in ("one", "two")]
    assert loaded == [1, 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no file"),
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("import missing_module", "missing_module"),
    ],
)
def test_a_broken_file_is_one_line(content, expected, tmp_path):
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CifarlabError, match=expected):
        discover.load("models", str(path))
