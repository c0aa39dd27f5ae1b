"""Paths as people write them, with `~` for a home folder."""

import os
from pathlib import Path

from cifarlab.utils.errors import CifarlabError


def expand(path: str | os.PathLike[str]) -> Path:
    """A path with `~` or `~somebody` at its beginning replaced by that home folder.

    Raises:
        CifarlabError: If there is no such user, or this one has no home, as in some containers.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise CifarlabError(f"{path}: there is no such home folder; write the path without ~") from error
