"""How far something is: the one function through which long work tells whoever is watching."""

from collections.abc import Callable

ProgressCallback = Callable[[str, float], None]
"""Called with a phrase that says what is being done, and the share of the whole that is done, in `[0, 1]`."""


def ignore(phrase: str, share: float) -> None:
    """The `ProgressCallback` where nobody watches."""
