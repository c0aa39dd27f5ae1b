"""One output of a notebook's cell that is drawn again and again: Jupyter, VS Code and Colab all know how.

It holds HTML for the page and text for whatever shows none, and keeps its last state when the notebook is stored or
exported. No widget is needed.
"""

import sys
import time
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

LEAST_SECONDS = 0.5
"""Between two drawings: each is a message to the browser."""


def in_notebook() -> bool:
    """Whether this is a cell of a notebook, whose output a front end draws; not IPython on a terminal."""
    ipython = sys.modules.get("IPython")  # not imported: a notebook has it, others need not pay for it
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class Cell:
    """An output below the cell that is running."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._handle: Any = None
        self._drawn = -LEAST_SECONDS  # the first drawing never has to wait

    def draw(self, lines: Sequence[str], share: float | None = None, *, at_once: bool = False) -> None:
        """Replace what is there, if it is not too soon after the last time.

        Args:
            lines: What to say; the first is the title.
            share: Done, in `[0, 1]`: a bar is drawn; None where there is nothing left to wait for.
            at_once: However soon it is.
        """
        if not at_once and self._clock() - self._drawn < LEAST_SECONDS:
            return
        self._drawn = self._clock()
        bundle = {"text/plain": "\n".join(lines), "text/html": _markup(lines, share)}
        from IPython.display import display

        # The handle names one output, which later messages replace: printing would add lines without end.
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)


def _markup(lines: Sequence[str], share: float | None) -> str:
    title, *others = (escape(line) for line in lines)
    bar = "" if share is None else f'<progress max="1" value="{share:.4f}" style="width: 16em"></progress> '
    rest = "".join(f"<div>{line}</div>" for line in others)
    return f'<div style="font-variant-numeric: tabular-nums"><div>{bar}<b>{title}</b></div>{rest}</div>'
