"""Refusing what a data set does not take, in one line."""

from cifarlab.utils.errors import CifarlabError


def refuse(name: str, *, argument: str = "", data_dir: object = None, why: str = "") -> None:
    """Refuse an argument or a folder, given to the data set `name`, which takes none."""
    if argument:
        raise CifarlabError(f"{name} takes nothing after a colon. Received: '{name}:{argument}'; write {name}")
    if data_dir is not None:
        raise CifarlabError(f"{name} takes no --data-dir ({why}). Received: {data_dir}; leave it out")
