"""The display of a training: live on a terminal and in a notebook, a few plain lines elsewhere."""

import contextlib
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cifarlab.displays.console import FRAMES_PER_SECOND, PLAIN_LINE_SECONDS, make_console, working
from cifarlab.displays.notebook import Cell, in_notebook
from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.runs.started_from import read_start
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback, ignore
from cifarlab.utils.text import counted, duration, percent

Observer = TypeVar("Observer")
_LOADING = "loading Keras and the data"


def is_interactive() -> bool:
    """Whether somebody types what runs here: in a notebook, or at Python's or IPython's prompt."""
    return in_notebook() or hasattr(sys, "ps1") or bool(sys.flags.interactive)


def is_watched() -> bool:
    """Whether somebody sees what runs here: it is interactive, or standard error is a terminal."""
    return is_interactive() or (sys.stderr is not None and sys.stderr.isatty())


def choose_observer(
    show: Observer | bool | None, display: Callable[[], Observer], silent: Callable[[], Observer]
) -> Observer:
    """Who watches something.

    Args:
        show: An observer; True for a display, False for none; None for a display where somebody sees it.
        display: Makes the display.
        silent: Makes an observer that ignores everything; its public methods are those that every observer must have.

    Raises:
        CifarlabError: If it is none of these.
    """
    if show is None or isinstance(show, bool):
        return display() if (is_watched() if show is None else show) else silent()
    wanted = [name for name in dir(silent) if not name.startswith("_")]
    lacking = [name for name in wanted if not callable(getattr(show, name, None))]
    if lacking:
        raise CifarlabError(
            f"show takes True, False, None or an observer that has {', '.join(lacking)}. Received: {show!r}"
        )
    return show


@contextlib.contextmanager
def progress_of(what: str, show: bool | None) -> Iterator[ProgressCallback]:
    """Show how far something is that is called from Python.

    Args:
        what: What is being done.
        show: Whether to; None for where somebody types it, in a notebook or at a prompt.

    Yields:
        A function that takes a phrase and the share done in `[0, 1]`.
    """
    if not (is_interactive() if show is None else show):
        yield ignore
    elif not in_notebook():
        with working(what) as report:
            yield report
    else:
        cell = Cell()
        cell.draw([f"{what} ..."])
        began = time.monotonic()
        yield lambda phrase, share: cell.draw([what, phrase], share)
        cell.draw([f"{what}: done in {duration(time.monotonic() - began)}"], at_once=True)


def _described(run: Run) -> list[dict[str, Any]]:
    """What a run's folder says of its data and of the machine."""
    return [run.data if run.data_file.is_file() else {}, run.environment if run.environment_file.is_file() else {}]


class TrainingDisplay:
    """Watches one training: live on a terminal and in a notebook; elsewhere a line an epoch, at most every two seconds.

    Give it to `train(..., show=TrainingDisplay())`. Used as a context manager around that, it also says on a terminal
    that Keras and the data are being loaded.

    Args:
        console: Where to show it; by default below the cell in a notebook, else on standard error.
        clock: Tells seconds.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._cell = Cell(clock) if console is None and in_notebook() else None
        self._console = console or make_console(stderr=True)
        self._clock = clock
        self._live: Live | None = None
        self._title = self._by = ""
        self._epochs = self._first_epoch = self._steps_per_epoch = 0
        self._epoch = self._step = 0
        self._began = self._printed = clock()
        self._training_seconds = 0.0  # without validation and what is written
        self._latest: dict[str, float] = {}
        self._row: dict[str, float] = {}
        self._best: dict[str, float] = {}

    def __enter__(self) -> "TrainingDisplay":
        if self._console.is_terminal and self._live is None and self._cell is None:
            self._live = Live(
                console=self._console, get_renderable=self._draw, refresh_per_second=FRAMES_PER_SECOND, transient=True
            )
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def wait(self) -> None:
        """Say in a notebook that Keras and the data are loading; a terminal would have to be told the end of it."""
        if self._cell is not None:
            self._cell.draw([_LOADING])

    def start(self, recipe: Recipe, run: Run, steps_per_epoch: int, first_epoch: int, epochs: int) -> None:
        """Say what begins: which run, how much of it."""
        self.__enter__()  # who gave it to `train` alone entered no context; who did has a live display already
        self._title = str(run.path)
        self._by = "" if recipe.select_by == "accuracy" else f" by {recipe.select_by.replace('_', ' ')}, accuracy"
        self._steps_per_epoch, self._first_epoch, self._epochs = steps_per_epoch, first_epoch, epochs
        self._epoch, self._step = first_epoch, 0
        self._began = self._printed = self._clock()
        again = f", from epoch {first_epoch}" if first_epoch > 1 else ""
        length = f"{counted(epochs, 'epoch')} of {counted(steps_per_epoch, 'step')}"
        size = f"{length}, batch size {recipe.batch_size}, seed {recipe.seed}"
        self._print(f"training {run.path}: {recipe.model} on {recipe.data}, {size}{again}")
        for sentence in start.sentences if (start := read_start(run)) and first_epoch == 1 else []:
            self._print(sentence)
        data, environment = _described(run)
        if environment.get("devices", 1) != 1:
            self._print(f"on {counted(environment['devices'], 'device')}")
        for notices in (data.get("notices"), environment.get("notices")):
            for notice in notices if isinstance(notices, list) else []:
                self._print(f"notice: {notice}")

    def step(self, epoch: int, step: int, loss: float, accuracy: float, images_per_second: float) -> None:
        """Remember where the training is; the next frame shows it."""
        self._epoch, self._step = epoch, step
        # Only kept: on a terminal a thread of `Live` draws, four times a second, however many steps there are.
        self._latest = {"loss": loss, "accuracy": accuracy, "images_per_second": images_per_second}
        self._draw_cell()

    def epoch(self, row: Mapping[str, float], is_best: bool) -> None:
        """Take an epoch's line of the history; print it where there is no live display."""
        self._row = dict(row)
        self._training_seconds += row.get("epoch_seconds", 0.0)
        self._epoch, self._step = int(row["epoch"]), self._steps_per_epoch
        if is_best and "validation_accuracy" in row:
            self._best = self._row
        self._draw_cell()
        is_last = self._epoch == self._epochs
        due = is_last or self._clock() - self._printed >= PLAIN_LINE_SECONDS
        if due and self._live is None and self._cell is None:
            self._printed = self._clock()
            self._print(self._plain_line(is_best))

    def note(self, text: str) -> None:
        """Say a sentence on standard error, whatever else goes to standard output."""
        if self._cell is None:
            make_console(stderr=True).print(text, soft_wrap=True)
        else:
            self._print(text)

    def finish(self, run: Run) -> None:
        """Say how it went."""
        self._stop()
        if not self._row:
            return
        took = duration(self._clock() - self._began)
        done = int(self._row["epoch"]) - self._first_epoch + 1
        epochs = counted(done, "epoch") if self._first_epoch == 1 else counted(done, "more epoch")
        text = f"{run.path}: {epochs} in {took}"
        if self._training_seconds:
            text += f", {duration(self._training_seconds)} of them training alone"
        if self._best:
            accuracy = percent(self._best["validation_accuracy"])
            text += f", best on validation{self._by} {accuracy} at epoch {int(self._best['epoch'])}"
        if isinstance(sys.exc_info()[1], KeyboardInterrupt):  # this is called while it passes by
            text += f"; go on with cifarlab train --resume {shlex.quote(str(run.path))}"
        self._print(text)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        if self._cell is None:
            self._console.print(text, soft_wrap=True)
        else:  # one output, which what comes next replaces; the last words stay
            self._cell.draw([text, *([self._plain_line(is_best=False)] if self._row else [])], at_once=True)

    def _draw_cell(self) -> None:
        if self._cell is not None and self._epochs:
            title = f"{self._title}: epoch {self._epoch}/{self._epochs}, {self._time_left()} left"
            done = (self._epoch - 1) * self._steps_per_epoch + self._step
            self._cell.draw([title, "  ".join(self._live_numbers())], done / (self._epochs * self._steps_per_epoch))

    def _plain_line(self, is_best: bool) -> str:
        row = self._row
        words = [f"epoch {self._epoch}/{self._epochs}"]
        words += [f"loss {row['train_loss']:.4f}", f"accuracy {percent(row['train_accuracy'])}"]
        if "validation_accuracy" in row:
            mark = " (best)" if is_best else ""
            words += [f"validation loss {row['validation_loss']:.4f}"]
            words += [f"validation accuracy {percent(row['validation_accuracy'])}{mark}"]
        words += [f"{row['images_per_second']:,.0f} images/s"]
        if self._epoch < self._epochs:
            words.append(f"{self._time_left()} left")
        return "  ".join(words)

    def _time_left(self) -> str:
        # By the steps of this process alone: what a resumed training did before took none of its time.
        done = (self._epoch - self._first_epoch) * self._steps_per_epoch + self._step
        total = (self._epochs - self._first_epoch + 1) * self._steps_per_epoch
        if not done:
            return "? s"
        return duration((self._clock() - self._began) / done * (total - done))

    def _draw(self) -> RenderableType:
        if not self._epochs:
            return Spinner("dots", text=_LOADING)
        done = (self._epoch - 1) * self._steps_per_epoch + self._step
        bar = Table.grid(padding=(0, 2))
        bar.add_row(
            Text(self._title, style="bold"),
            ProgressBar(total=self._epochs * self._steps_per_epoch, completed=done, width=30),
            f"epoch {self._epoch}/{self._epochs}",
            f"step {self._step}/{self._steps_per_epoch}",
            f"{self._time_left()} left",
        )
        return Group(bar, Text("  ".join(self._live_numbers())))

    def _live_numbers(self) -> list[str]:
        words = []
        if self._latest:
            latest = self._latest
            words += [f"loss {latest['loss']:.4f}", f"accuracy {percent(latest['accuracy'])}"]
        if "validation_accuracy" in self._row:
            words.append(f"validation accuracy {percent(self._row['validation_accuracy'])}")
        if self._best:
            words.append(f"(best {percent(self._best['validation_accuracy'])} at epoch {int(self._best['epoch'])})")
        if self._latest:
            words.append(f"{self._latest['images_per_second']:,.0f} images/s")
        return words
