"""What may follow a data set's name: nothing, or a path and options, as in `folder:PATH?size=64`."""

import re
from collections.abc import Collection
from urllib.parse import unquote

from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

SIZES = (8, 512)
"""Smallest and largest side, in pixels, that pictures are fitted to."""
_DEFAULT_SIZE, _DEFAULT_CHANNELS = 32, 3
SHAPE_OPTIONS = ("size", "channels")


def refuse(name: str, *, argument: str = "", data_dir: object = None, why: str = "") -> None:
    """Refuse an argument or a folder, given to the data set `name`, which takes none."""
    if argument:
        raise CifarlabError(f"{name} takes nothing after a colon. Received: '{name}:{argument}'; write {name}")
    if data_dir is not None:
        raise CifarlabError(f"{name} takes no --data-dir ({why}). Received: {data_dir}; leave it out")


def take_options(kind: str, argument: str, known: Collection[str] = SHAPE_OPTIONS) -> tuple[str, dict[str, str]]:
    """Divide `PATH?size=64&channels=1` into the path and the options.

    As in an address, `%26` stands for `&` inside a value. A `?` that no option follows belongs to the path.

    Args:
        kind: The data set, for messages.
        argument: What follows the colon.
        known: Names of the options that there are.

    Raises:
        CifarlabError: If an option is unknown, empty, or given twice.
    """
    path = take_path(argument)
    options: dict[str, str] = {}
    for pair in argument[len(path) + 1 :].split("&") if path != argument else ():
        key, _, value = pair.partition("=")
        if key not in known:
            raise CifarlabError(discovery.unknown(f"option of {kind}", key, list(known)))
        if key in options:
            raise CifarlabError(f"{kind} has the option {key} twice in {argument!r}: give it once")
        if not value:
            raise CifarlabError(f"{kind} has nothing after {key}= in {argument!r}: give a value, or leave it out")
        options[key] = unquote(value)
    return path, options


def take_path(argument: str) -> str:
    """What stands before the options."""
    return re.sub(r"\?[a-z]+=.*", "", argument, count=1, flags=re.DOTALL)


def shape_of(kind: str, options: dict[str, str]) -> tuple[int, int, int]:
    """Height, width and channels that pictures are fitted to, by the options `size` and `channels`.

    Raises:
        CifarlabError: If one of them is no number, or out of range.
    """
    size, channels = options.get("size", str(_DEFAULT_SIZE)), options.get("channels", str(_DEFAULT_CHANNELS))
    smallest, largest = SIZES
    if not re.fullmatch("[0-9]{1,4}", size) or not smallest <= int(size) <= largest:
        raise CifarlabError(f"{kind}'s size must be a side in pixels from {smallest} to {largest}. Received: {size!r}")
    if channels not in ("1", "3"):
        raise CifarlabError(f"{kind}'s channels must be 3 (colour) or 1 (grey). Received: {channels!r}")
    return int(size), int(size), int(channels)
