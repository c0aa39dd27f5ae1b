"""The own code of a run: kept in its folder when it is trained, and found again, once the user names it, when needed.

The copies are evidence, data like all else in the folder: none is executed unless the user names it, with
`--code RUN/own.py`. Checksums in `environment.json` tell whether a file is still the one of the training.
"""

import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

from cifarlab.recipes import Recipe
from cifarlab.runs.run import Run
from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.errors import CifarlabError

ROLES = ("model", "data")


def keep_code(run: Run, recipe: Recipe) -> dict[str, dict[str, str]]:
    """Copy the Python files that a recipe names into its run.

    Returns:
        For `environment.json`: of each of `ROLES` that is own code its `name` in the recipe, its `sha256`, and what its
        copy is called, `kept`.
    """
    notes = {}
    for role, path in _own_files(recipe).items():
        copy = files.write_bytes(run.path / path.name, path.read_bytes())
        notes[role] = {"name": getattr(recipe, role), "sha256": files.checksum(copy, "sha256"), "kept": copy.name}
    return notes


def check_keepable(recipe: Recipe) -> None:
    """Refuse, before a run is made, two different files of one name: they could not be told apart later.

    Raises:
        CifarlabError: If there are two, or one has not been named by the user.
    """
    paths = list(_own_files(recipe).values())
    if len(paths) == 2 and paths[0].name == paths[1].name and paths[0].read_bytes() != paths[1].read_bytes():
        raise CifarlabError(f"model and data are different files of one name, {paths[0].name}: give one another name")


def load_model_code(run: Run, how: str = "") -> ModuleType:
    """The module of a run's own model, as it was trained.

    Args:
        run: One whose recipe names a Python file as its model.
        how: The command that would allow it, up to `--code`; by default only the option is named.

    Raises:
        NotNamedError: If the user has not named it; the message says which file to name.
        CifarlabError: If the file that the user named is another than was trained, or cannot be executed.
    """
    return discovery.load("models", run.recipe.model, sha256=_note(run, "model", "sha256"), how=how + option(run))


def check_code(run: Run, how: str) -> None:
    """Make sure, before anything else takes time, that all own code of a run has been named.

    Args:
        run: The run.
        how: The command that is to be repeated, up to `--code`.

    Raises:
        NotNamedError: If some has not been named; the message shows the whole command.
        CifarlabError: If the user named another file than was trained.
    """
    for role in ROLES:
        if own_code.is_own(name := getattr(run.recipe, role)):
            own_code.find(name, _note(run, role, "sha256"), how + option(run))


def copies(run: Run) -> list[str]:
    """The own files of a run, each once: its copy if there is one, else as the recipe names it."""
    paths = []
    for role in ROLES:
        if own_code.is_own(name := getattr(run.recipe, role)):
            kept = run.path / Path(_note(run, role, "kept") or ".").name  # never outside the folder
            paths.append(str(kept) if kept.is_file() else str(name))
    return list(dict.fromkeys(paths))  # model and data may stand in one file


def option(run: Run) -> str:
    """`--code FILE` for each of `copies`, as it is typed."""
    return shlex.join(word for each in copies(run) for word in ("--code", each))


def _own_files(recipe: Recipe) -> dict[str, Path]:
    named: dict[str, Any] = {role: getattr(recipe, role) for role in ROLES}
    return {role: own_code.find(name) for role, name in named.items() if own_code.is_own(name)}


def _note(run: Run, role: str, key: str) -> str:
    """What `environment.json` says about own code; empty where it says nothing, as in runs of older versions."""
    code = run.environment.get("code")
    note = code.get(role) if isinstance(code, dict) else None
    return str(note.get(key, "")) if isinstance(note, dict) else ""
