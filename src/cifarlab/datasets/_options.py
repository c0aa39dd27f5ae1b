"""Refusing what a data set does not take, in one line."""

from cifarlab.utils.errors import CifarlabError


def refuse(name: str, *, argument: str = "", data_dir: object = None, why: str = "") -> None:
    """Raise if the data set `name` was given an argument or a folder that it does not take.

    Raises:
        CifarlabError: If `argument` is not empty or `data_dir` is not None.
    """
    if argument:
        raise CifarlabError(f"{name} takes nothing after a colon. Received: '{name}:{argument}'; write {name}")
    if data_dir is not None:
        raise CifarlabError(f"{name} takes no --data-dir ({why}). Received: {data_dir}; leave it out")
