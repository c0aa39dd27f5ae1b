"""How a stage tells how far it is, to whoever shows it."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a phrase about what is being done, and the share done in `[0, 1]`."""
