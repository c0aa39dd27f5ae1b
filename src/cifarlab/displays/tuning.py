"""The display of a search: a live table on a terminal and in a notebook, a plain line a rung elsewhere."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cifarlab.displays.console import FRAMES_PER_SECOND, PLAIN_COUNT_SECONDS, SHARE_TO_RECKON_FROM, make_console
from cifarlab.displays.notebook import Cell, in_notebook
from cifarlab.runs import Run
from cifarlab.utils.text import duration, percent

BARS = "▁▂▃▄▅▆▇█"
MEASURE = "validation_accuracy"
MOST_ROWS = 12


class TuningDisplay:
    """Watches a search, through the files of its runs.

    Args:
        console: Where to show it; by default below the cell in a notebook, else on standard error.
        clock: Tells seconds.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._cell = Cell(clock) if console is None and in_notebook() else None
        self._console = console or make_console(stderr=True)
        self._clock = clock
        self._live: Live | None = None
        self._study, self._title, self._best = Path(), "", ""
        self._counts: Mapping[str, int] = {}
        self._runs: Mapping[str, Run] = {}
        self._histories: dict[str, list[float]] = {}
        self._until = self._total = 0
        self._epochs: dict[str, int] = {}  # of each run that was ever watched, by label
        self._known = 0  # of them those that were there already when it was first watched: they took no time
        self._began = self._printed = clock()

    def begin(self, study: Path, about: Sequence[str], epochs: int) -> None:
        """Say what begins."""
        self._study, self._total, self._began = study, epochs, self._clock()
        for line in about:
            self._print(line)
        if self._console.is_terminal and self._cell is None:
            self._live = Live(
                console=self._console, get_renderable=self._draw, refresh_per_second=FRAMES_PER_SECOND, transient=True
            )
            self._live.start()

    def race(self, title: str, runs: Mapping[str, Run], since: int, until: int) -> None:
        """Watch these runs until they have come so far."""
        is_new = (title, until) != (self._title, self._until)
        self._title, self._runs, self._until = title, runs, until
        self._histories = {}
        seen = set(self._epochs)
        self._read()
        self._known += sum(self._epochs[label] for label in runs if label not in seen)
        if is_new and self._live is None and self._cell is None:
            self._printed = self._clock()
            best = f"; best so far {self._best}" if self._best else ""
            self._print(f"{title}: {len(runs)} to epoch {until}{best}")

    def tick(self) -> None:
        """Read how far the runs are."""
        self._read()
        if self._cell is not None:
            self._cell.draw([self._headline(), *self._lines()], self._share())
        elif self._live is None and self._clock() - self._printed >= PLAIN_COUNT_SECONDS:
            self._printed = self._clock()
            there = sum(len(history) >= self._until for history in self._histories.values())
            counts = f", {self._said_counts()}" if self._counts else ""
            self._print(
                f"{self._title}: {there} of {len(self._runs)} at epoch {self._until}{counts}, {self._time_left()}"
            )

    def judged(self, best: str, counts: Mapping[str, int]) -> None:
        """Note the best so far, and the counts."""
        self._best, self._counts = best, counts

    def end(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._cell is not None and self._study != Path():
            self._cell.draw([f"{self._study}: {self._best}"], at_once=True)

    def _read(self) -> None:
        for label, run in self._runs.items():
            self._histories[label] = [row[MEASURE] for row in run.history() if MEASURE in row]
            self._epochs[label] = len(self._histories[label])

    @property
    def _done(self) -> int:
        return sum(self._epochs.values())

    def _share(self) -> float:
        return min(1.0, self._done / max(1, self._total))

    def _time_left(self) -> str:
        fresh = self._done - self._known
        if fresh < SHARE_TO_RECKON_FROM * self._total or not fresh:
            return "reckoning the time left"
        left = max(0, self._total - self._done)
        return f"at most {duration((self._clock() - self._began) / fresh * left)} left"

    def _headline(self) -> str:
        parts = (str(self._study), self._title, self._time_left(), self._said_counts())
        return "  ".join(part for part in parts if part)

    def _said_counts(self) -> str:
        return ", ".join(f"{number:,} {state}" for state, number in self._counts.items() if number)

    def _lines(self) -> list[str]:
        best = [f"best so far {self._best}"] if self._best else []
        return [*best, *(f"{label}  {_numbers(history)}" for label, history in self._running())]

    def _running(self) -> list[tuple[str, list[float]]]:
        """Those that are under way: neither there yet nor waiting."""
        rows = [(label, history) for label, history in self._histories.items() if len(history) < self._until]
        begun = [row for row in rows if row[1]] or rows
        return begun[:MOST_ROWS]

    def _draw(self) -> RenderableType:
        bar = Table.grid(padding=(0, 2))
        bar.add_row(Text(str(self._study), style="bold"), ProgressBar(total=1.0, completed=self._share(), width=30))
        running = Table.grid(padding=(0, 2))
        for label, history in self._running():
            running.add_row(label, f"epoch {len(history)}/{self._until}", sparkline(history), _numbers(history))
        best = [Text(f"best so far {self._best}")] if self._best else []
        return Group(bar, Text(self._headline()), *best, running)

    def _print(self, text: str) -> None:
        if self._cell is None:
            self._console.print(text, soft_wrap=True)


def sparkline(values: Sequence[float], most: int = 20) -> str:
    """The last values as bars of text, from the lowest of them to the highest.

    Example:
        >>> sparkline([0.1, 0.2, 0.4])
        '▁▃█'
    """
    shown = values[-most:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    return "".join(BARS[round((value - low) / ((high - low) or 1) * (len(BARS) - 1))] for value in shown)


def _numbers(history: Sequence[float]) -> str:
    return f"{percent(history[-1])}, best {percent(max(history))}" if history else "waiting"
