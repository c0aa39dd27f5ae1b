"""A file's name is its name: listing, loading, and answers to a misspelt one."""

import pytest

from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError


def test_names_are_sorted_and_without_helpers():
    names = discovery.names("metrics")
    assert names == sorted(names)
    assert "accuracy" in names
    assert not [name for name in names if name.startswith("_")]


@pytest.mark.parametrize("package", ["datasets", "metrics", "models", "recipes"])
def test_every_name_loads(package):
    for name in discovery.names(package):
        if package != "models":  # models need Keras; their own tests build each
            assert discovery.load(package, name).__doc__


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(CifarlabError, match="unknown metric 'acuracy': did you mean accuracy"):
        discovery.load("metrics", "acuracy")


@pytest.mark.parametrize("name", ["_intervals", "__init__", "../errors", ""])
def test_helpers_and_paths_are_no_names(name):
    with pytest.raises(CifarlabError, match="unknown metric"):
        discovery.load("metrics", name)


def test_a_users_own_file_is_loaded_by_its_path(tmp_path):
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"VALUE = {value}")
    paths = [str(tmp_path / folder / "mine.py") for folder in ("one", "two")]
    own_code.allow(*paths)
    assert [discovery.load("models", path).VALUE for path in paths] == [1, 2]
    (tmp_path / "one" / "mine.py").write_text("VALUE = 3")
    assert [discovery.load("models", path).VALUE for path in paths] == [3, 2]


def test_a_file_is_executed_once_as_long_as_it_stays_the_same(tmp_path):
    (tmp_path / "mine.py").write_text("class Layer: ...")
    own_code.allow(str(tmp_path / "mine.py"))
    first, again = (discovery.load("models", str(tmp_path / "mine.py")) for _ in range(2))
    assert first.Layer is again.Layer


@pytest.mark.parametrize("package", ["commands", "datasets", "metrics", "models", "recipes"])
def test_a_file_that_the_user_has_not_named_is_not_executed(package, tmp_path):
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    with pytest.raises(own_code.NotNamedError, match=r"nothing of it was executed.*--code"):
        discovery.load(package, str(tmp_path / "mine.py"))
    assert not (tmp_path / "executed").exists()


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
    own_code.allow(str(path))
    with pytest.raises(CifarlabError, match=expected):
        discovery.load("models", str(path))
