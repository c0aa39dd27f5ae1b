"""A file's name is its command-line name: find and load the modules of a package."""

import difflib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from cifarlab.utils import files, own_code
from cifarlab.utils.errors import CifarlabError


def names(package: str) -> list[str]:
    """Names of the public modules in `cifarlab.<package>`, sorted.

    Args:
        package: Such as `"models"` or `"recipes"`; files that begin with `_` are not listed.
    """
    folder = Path(__file__).parents[1].joinpath(*package.split("."))
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def load(package: str, name: str, *, sha256: str = "", how: str = "") -> ModuleType:
    """Import `cifarlab.<package>.<name>`, or a user's own file if `name` is a path ending in `.py`.

    A file is executed only if the user has named it, see `own_code`; where the name comes from does not matter here.

    Args:
        package: Such as `"models"`.
        name: A name in it, or a path.
        sha256: What a user's file must be, where that is known.
        how: What would allow a user's file, for the message.

    Raises:
        CifarlabError: If there is no such name, and the message offers the nearest right one; if a user's file is not
            one that the user has named, or cannot be executed.
    """
    if own_code.is_own(name):
        return _load_file(package, own_code.find(name, sha256, how))
    if name not in names(package):
        raise CifarlabError(unknown(package.rpartition(".")[2].removesuffix("s"), name, names(package)))
    return importlib.import_module(f"cifarlab.{package}.{name}")


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence that answers a misspelt name, with the nearest right one first."""
    known = list(known)
    return f"unknown {kind} {name!r}: {did_you_mean(name, known)}known: {', '.join(known)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean X? ` with the nearest right name; empty where none is near."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {nearest[0]}? " if nearest else ""


def _load_file(package: str, path: Path) -> ModuleType:
    # Executed once as long as it stays the same: its layers are then the same classes wherever they are used.
    content = f"{path.resolve()}\n{files.checksum(path, 'sha256')}"
    module_name = f"cifarlab_user_{package}_{path.stem}_{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise CifarlabError(f"cannot import {path}: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs, as `import` does: its dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        if isinstance(error, KeyboardInterrupt):  # the user's Ctrl-C, as far as can be told
            raise
        # `sys.exit()` in it too, which would end the program with the code 0 as if all had gone well.
        raise CifarlabError(f"cannot import {path}: {own_code.describe_error(error, path)}") from error
    return module
