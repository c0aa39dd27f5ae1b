"""Own code: which Python files of the user's may be executed. Who names a file allows it; a file's word never does.

What stands in a run's folder, in a recipe's JSON or in a data set is somebody's data. A name found there can only point
at a file that the user has named: on the command line, or as an argument of a Python function. `discovery.load`
executes nothing else, so a place that forgets to ask is refused.
"""

import os
import shlex
import traceback
from collections.abc import Iterable
from pathlib import Path

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand

RAISES = (Exception, SystemExit)
"""What a user's own code may raise. `sys.exit()` in it must not end the program, as if all had gone well."""
# As it was named, made absolute: links are kept, so that a file goes by the name that the user gave it.
_allowed: dict[Path, None] = {}


class NotNamedError(CifarlabError):
    """A file names Python code that the user did not."""


class Recorded(str):
    """A name that a file told: as a string like any other, but nothing that allows code to be executed."""

    __slots__ = ()


def is_own(name: str) -> bool:
    """Whether a name is that of a user's Python file, and not of something in the package."""
    return name.endswith(".py")


def allow(*names: str) -> None:
    """Let Python files be executed from now on, in this process, because the user named them.

    Args:
        names: As the user gave them; what is no Python file's name, or was `Recorded`, allows nothing.
    """
    for name in names:
        if is_own(name) and not isinstance(name, Recorded):
            _allowed[_absolute(name)] = None


def allow_files(code: Iterable[str | os.PathLike[str]]) -> None:
    """Let the Python files of `--code` be executed.

    Raises:
        CifarlabError: If one is no Python file, or is not there.
    """
    for name in (os.fspath(each) for each in code):
        if not is_own(name) or not expand(name).is_file():
            raise CifarlabError(f"--code takes Python files that are there, ending in .py. Received: {name!r}")
        allow(name)


def allowed() -> list[str]:
    """The files that may be executed, as absolute paths, in the order in which they were named."""
    return [str(path) for path in _allowed]


def find(name: str, sha256: str = "", how: str = "") -> Path:
    """The file that a name stands for, among those that the user has named: the same place, or the same file name.

    Args:
        name: A path, from wherever it comes.
        sha256: What the file must be, where that is known: it may have been changed since.
        how: The option or command that would allow it, for the message; by default `--code` with the name.

    Raises:
        NotNamedError: If the user has named no such file.
        CifarlabError: If the user has named one that is not there, or is another than is needed.
    """
    how = how or f"--code {shlex.quote(name)}"
    named = _named(name)
    if not named:
        others = ", ".join(path.name for path in _allowed)
        instead = f" (you named {others})" if others else ""
        raise NotNamedError(
            f"{name} is Python code that only a file names, not your command{instead}: nothing of it was executed; if "
            f"you trust it, name it yourself with {how}"
        )
    there = [path for path in named if path.is_file()]
    if not there:
        raise CifarlabError(f"no file {name}: expected a Python file")
    fitting = [path for path in there if not sha256 or files.checksum(path, "sha256") == sha256]
    if not fitting:
        raise CifarlabError(f"{there[0]} is not the {Path(name).name} of the training, it has changed: give {how}")
    # Two files of one name may be in use at once, for two runs: then only a checksum tells which is meant.
    if len({files.checksum(path, "sha256") for path in fitting}) > 1 and fitting[0] != _absolute(name):
        raise CifarlabError(f"several files called {Path(name).name} were named, and they differ: name one of them")
    return fitting[0]


def describe_error(error: BaseException, file: str | Path) -> str:
    """What went wrong in a user's own file, and in which of its lines: `line 5: ZeroDivisionError: ...`."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == Path(file).name]
    return (f"line {lines[-1]}: " if lines else "") + f"{type(error).__name__}: {error}"


def _named(name: str) -> list[Path]:
    """The allowed files of that place, else name; the very place first."""
    place = _absolute(name)
    alike = [path for path in _allowed if path.name == place.name and path != place]
    return [*([place] if place in _allowed else []), *alike]


def _absolute(name: str) -> Path:
    return Path.cwd() / Path(os.path.normpath(expand(name)))
