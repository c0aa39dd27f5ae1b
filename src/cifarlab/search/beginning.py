"""A study begins, or goes on: its folder is made, and what is searched is written down or held against what was."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab.recipes import Recipe, to_dict
from cifarlab.runs.layout import RUN_NAME
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space
from cifarlab.search.study import FORMAT, MEND, Study
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

_MAY_GROW = ("trials", "confirm_seeds")


def check_place(root: Path, name: str) -> None:
    """Refuse a place where no study can be, before anything is read or made.

    Args:
        root: Folder of all studies.
        name: The study's.

    Raises:
        CifarlabError: If the name cannot be one, or the folder is an address.
    """
    files.check_no_url(root)
    if not re.fullmatch(RUN_NAME, name):
        raise CifarlabError(f"a study's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}")


def place_study(root: Path, name: str) -> Study:
    """A study's folder, made where there is none.

    Args:
        root: Folder of all studies.
        name: The study's.

    Raises:
        CifarlabError: If no study can be there, or the folder holds something else or cannot be made.
    """
    check_place(root, name)
    study = Study(root / name)
    try:
        study.path.mkdir(parents=True, exist_ok=True)
        if not study.about_file.is_file() and any(path.name != study.lock_file.name for path in study.path.iterdir()):
            raise CifarlabError(f"{study.path} is not a study, and not empty: give another --name")
    except OSError as error:
        raise CifarlabError(f"cannot write {study.path}: {error.strerror or error}; choose another folder") from error
    return study


def begin_study(
    study: Study,
    recipe: Recipe,
    space: Space,
    rules: Rules,
    data: Mapping[str, Any],
    command: str,
    *,
    is_mine: bool = True,
) -> None:
    """Write what is searched, or go on with the study that is there.

    Args:
        study: Its folder, see `place_study`.
        recipe: What is varied, with the epochs of a trial and the confirmation part set aside.
        space: What may vary.
        rules: By which rules.
        data: What was loaded: name, fingerprints.
        command: The command that makes the study.
        is_mine: Whether this process writes the study's files, see `Study.writing`. Of several commands one does, and
            the others may not change what is searched.

    Raises:
        CifarlabError: If there is another study of that name, this one has more trials already, another process makes
            it in another way, or the folder cannot be written.
    """
    values = {
        "format": FORMAT,
        "recipe": to_dict(recipe),
        "space": space.describe(),
        "rules": vars(rules),
        "data": dict(data),
        "command": command,
    }
    values = json.loads(json.dumps(values))
    if study.about_file.is_file():
        _check_same(study, values, is_mine)
    if is_mine:
        files.write_json(study.about_file, {**values, "cifarlab": cifarlab.__version__})
    elif not study.about_file.is_file():
        raise CifarlabError(f"another command is about to begin {study.path}: give this one again in a moment")
    elif rules.asynchronous:
        raise CifarlabError(
            f"another command searches {study.path}, and one whose trials are judged as they arrive cannot be shared: "
            "wait until it has ended, or give another --name"
        )


def _check_same(study: Study, values: Mapping[str, Any], is_mine: bool) -> None:
    before = study.about
    # What a later version can vary too had its default before.
    before = {**before, "rules": {**vars(Rules()), **before["rules"]}}
    differing = []
    for part in ("recipe", "space", "rules", "data"):
        old, new = before[part], values[part]
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key) and key not in _MAY_GROW:
                differing.append(f"{key} {old.get(key)!r} there, {new.get(key)!r} here")
    if differing:
        few = "; ".join(list(dict.fromkeys(differing))[:3])  # epochs are in the recipe and in the rules
        raise CifarlabError(
            f"{study.path} is another study ({few}): give another --name, or the command it was "
            f"begun with: {before.get('command', '')}"
        )
    for key in _MAY_GROW:
        _check_grown(study, key, before["rules"][key], values["rules"][key], is_mine)


def _check_grown(study: Study, key: str, old: Any, new: Any, is_mine: bool) -> None:
    """Refuse what would leave tables of one size over those of another."""
    if type(old) is not int:
        raise CifarlabError(f"{study.about_file} is damaged: {key} is {old!r}; {MEND}")
    option = f"--{key.replace('_', '-')}"
    if new < old:
        raise CifarlabError(
            f"{study.path} has {option} {old:,} and does not shrink: give that, more, or another --name"
        )
    if new > old and not is_mine:
        raise CifarlabError(
            f"another command searches {study.path} with {option} {old:,}: give the same, or wait until it has ended"
        )
