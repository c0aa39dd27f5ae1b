"""The format that a JSON file says it is of, and which version of cifarlab wrote it: what is newer is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab.utils.errors import CifarlabError

FORMAT = 1
"""Of the files that describe a run; those of results have formats of their own. A file of none is an earlier one."""
STAMPS = ("format", "cifarlab")


def stamped(values: dict[str, Any]) -> dict[str, Any]:
    """A file's content under the format of today and the version that writes it."""
    return {**dict(zip(STAMPS, (FORMAT, cifarlab.__version__), strict=True)), **unstamped(values)}


def unstamped(values: Mapping[str, Any]) -> dict[str, Any]:
    """A file's content alone."""
    return {key: value for key, value in values.items() if key not in STAMPS}


def check_format(path: Path, value: Any, newest: int = FORMAT) -> None:
    """Refuse what a later version wrote: its keys may mean something else.

    Args:
        path: The file, for the message.
        value: What is in it; only of an object is anything known.
        newest: Format that this version knows.

    Raises:
        CifarlabError: If it says that it is of a later format.
    """
    found = value.get("format") if isinstance(value, dict) else None
    if type(found) is int and found > newest:
        writer = value.get("cifarlab")
        by = f"cifarlab {writer}" if isinstance(writer, str) and len(writer) < 40 else "a later version of cifarlab"
        raise CifarlabError(
            f"{path} is of format {found}, written by {by}; this is cifarlab {cifarlab.__version__}, which knows "
            f"format {newest}: update it (pip install --upgrade cifarlab)"
        )
