"""Where this user's machine keeps what can be made again at any time."""

import os
from pathlib import Path


def cache_home(name: str) -> Path | None:
    """The folder of that name in `$XDG_CACHE_HOME/cifarlab` or `~/.cache/cifarlab`; None if there is no place.

    It belongs to the user as the program does; whoever reads there finds out damage by checksums.
    """
    asked = os.environ.get("XDG_CACHE_HOME", "")
    try:
        home = Path(asked) if Path(asked).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # there is no home
        return None
    return home / "cifarlab" / name
