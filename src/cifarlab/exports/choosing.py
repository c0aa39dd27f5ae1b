"""Which formats were asked for, and whether what they need is there."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from cifarlab.exports.about import QUANTISATIONS
from cifarlab.utils import discovery
from cifarlab.utils.environment import versions
from cifarlab.utils.errors import CifarlabError

ALL = "all"
PACKAGE = "exports.formats"


def choose_formats(asked: Sequence[str], quantise: str | None) -> tuple[dict[str, ModuleType], dict[str, str]]:
    """The formats that were asked for, by their names, in the order of asking.

    Args:
        asked: Names, or `"all"`.
        quantise: One of `QUANTISATIONS`, or None.

    Returns:
        The formats; and of `"all"` those that are left out, and why.

    Raises:
        CifarlabError: If a name is unknown, or a format that was named cannot be written here, or not quantised.
    """
    if quantise is not None and quantise not in QUANTISATIONS:
        raise CifarlabError(discovery.unknown("quantisation", quantise, QUANTISATIONS))
    if not asked:
        raise CifarlabError(f"no format given: expected --to with one of {', '.join(names())}, or {ALL}")
    chosen: dict[str, ModuleType] = {}
    left_out: dict[str, str] = {}
    for name in dict.fromkeys(each for word in asked for each in (names() if word == ALL else [word])):
        module = find_format(name)
        if why_not := _objection(name, module, quantise):
            if name in asked:
                raise CifarlabError(why_not)
            left_out[name] = why_not
        else:
            chosen[name] = module
    if not chosen:
        raise CifarlabError("; ".join(left_out.values()))
    return chosen, left_out


def names() -> list[str]:
    """Of every format there is."""
    return discovery.names(PACKAGE)


def find_format(name: str) -> ModuleType:
    """A format by its name.

    Raises:
        CifarlabError: If there is none of that name.
    """
    if name not in names():
        raise CifarlabError(discovery.unknown("format", name, [*names(), ALL]))
    return discovery.load(PACKAGE, name)


def check_packages(name: str, module: ModuleType) -> None:
    """Make sure that what a format needs is installed.

    Raises:
        CifarlabError: If it is not; the message says what installs it.
    """
    if missing := _missing(name, module):
        raise CifarlabError(missing)


def place_of(folder: Path, run: str, module: ModuleType, quantise: str | None) -> Path:
    """Where a format's file goes."""
    return folder / f"{run}{f'-{quantise}' if quantise else ''}{module.SUFFIX}"


def _objection(name: str, module: ModuleType, quantise: str | None) -> str:
    """Why a format cannot be written here; empty where it can."""
    if quantise is not None and quantise not in module.QUANTISES:
        able = [each for each in names() if quantise in find_format(each).QUANTISES]
        return f"{name} is not exported in {quantise}: expected one of {', '.join(able)}"
    if importlib.util.find_spec(module.BACKEND) is None:
        return (
            f"{name} is written by {module.BACKEND}, which is not installed: pip install 'cifarlab[{module.BACKEND}]'"
        )
    return _missing(name, module)


def _missing(name: str, module: ModuleType) -> str:
    missing = [package for package in module.PACKAGES if not versions([package])]
    if not missing:
        return ""
    are = "is" if len(missing) == 1 else "are"
    return f"{name} needs {', '.join(missing)}, which {are} not installed: pip install 'cifarlab[export]'"
