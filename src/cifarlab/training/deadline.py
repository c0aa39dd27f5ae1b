"""A training that has only so many seconds: when it must pause."""

import math
import time

from cifarlab.utils.errors import CifarlabError


class OutOfTimeError(Exception):
    """The seconds are over, in the middle of an epoch."""


class Deadline:
    """When a training must pause, on the clock that nobody sets.

    Args:
        seconds: From now on; None for no end.

    Raises:
        CifarlabError: If there are none.
    """

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise CifarlabError(f"max_seconds takes a number above 0. Received: {seconds}")
        self._ends = math.inf if seconds is None else time.monotonic() + seconds

    def leaves(self, seconds: float) -> bool:
        """Whether there is still so much time."""
        return time.monotonic() + seconds < self._ends

    def check(self) -> None:
        """Raise `OutOfTimeError` where the time is over."""
        if not self.leaves(0.0):
            raise OutOfTimeError
