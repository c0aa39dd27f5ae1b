"""The recipes as people read them: one line each, or the whole file, without running any of it."""

from pathlib import Path

from cifarlab.utils import discovery, syntax
from cifarlab.utils.errors import CifarlabError


def list_recipes() -> list[dict[str, str]]:
    """Every built-in recipe: its name, what it is, and what to expect of it.

    Returns:
        Dictionaries with `name`, `summary` (the docstring's first line) and `expected` (its paragraph that begins
        with "Expect", on one line; empty where nothing was measured yet).
    """
    return [describe_recipe(name) for name in discovery.names("recipes")]


def describe_recipe(name: str) -> dict[str, str]:
    """One recipe, as in `list_recipes`; name as in `recipe_source`."""
    expected = next((paragraph for paragraph in paragraphs(name) if paragraph.startswith("Expect ")), "")
    return {"name": name, "summary": _docstring(name).partition("\n")[0], "expected": expected}


def paragraphs(name: str) -> list[str]:
    """What a recipe's file says of itself, paragraph by paragraph, each on one line; name as in `recipe_source`."""
    return [" ".join(paragraph.split()) for paragraph in _docstring(name).split("\n\n")]


def commands(name: str) -> list[str]:
    """The commands that a recipe's file shows: its docstring's first indented paragraph, line by line; perhaps none."""
    split = [paragraph.splitlines() for paragraph in _docstring(name).split("\n\n")]
    shown = next((lines for lines in split if lines and all(line.startswith("    ") for line in lines)), [])
    return [line.strip() for line in shown]


def recipe_source(name: str) -> str:
    """A recipe's whole file, ready to copy and edit.

    Args:
        name: A recipe's name, or the path of a user's own file.

    Raises:
        CifarlabError: If there is none; the message offers the nearest right name.
    """
    own, known = name.endswith(".py"), discovery.names("recipes")
    path = Path(name) if own else Path(__file__).parent / f"{name}.py"
    if own and not path.is_file():
        raise CifarlabError(f"no file {path}: expected a recipe's file or one of: {', '.join(known)}")
    if not own and name not in known:
        raise CifarlabError(discovery.unknown("recipe", name, known))
    return path.read_text(encoding="utf-8")


def _docstring(name: str) -> str:
    # From its text: to be listed, no file is executed.
    return syntax.docstring(recipe_source(name))
