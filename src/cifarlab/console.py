"""What a person sees while something runs: the live display of a training, and a spinner for the rest."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cifarlab.recipe import Recipe
from cifarlab.runs import Run
from cifarlab.wording import counted

PLAIN_LINE_SECONDS = 2.0
PLAIN_COUNT_SECONDS = 10.0
SHARE_TO_RECKON_FROM = 0.02
FRAMES_PER_SECOND = 4


def make_console(*, stderr: bool = False) -> Console:
    """A console that prints names and paths as they are; what is piped elsewhere is not squeezed into 80 columns."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 160
    return console


@contextlib.contextmanager
def working(what: str, *, once_told: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show on the terminal that something is being done; elsewhere say it once, if it takes longer than a moment.

    Args:
        what: What is being done.
        once_told: The moment begins with the first phrase, so that what fails before it leaves its error line alone.

    Yields:
        A function that takes a phrase and the share done in `[0, 1]`, and shows them.
    """
    console = make_console(stderr=True)
    if not console.is_terminal:
        said = threading.Timer(PLAIN_LINE_SECONDS, console.print, [f"{what} ..."], {"soft_wrap": True})
        said.daemon = True

        def begin(phrase: str, share: float) -> None:
            if said.ident is None:  # a thread can be started only once
                said.start()

        if not once_told:
            begin(what, 0.0)
        try:
            yield begin
        finally:
            said.cancel()
        return
    with console.status(what, refresh_per_second=FRAMES_PER_SECOND) as status:
        yield lambda phrase, share: status.update(f"{what}: {phrase}, {share:.0%}")


@contextlib.contextmanager
def counting(what: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[str, float], None]]:
    """Show a bar with the time left for what takes minutes; elsewhere a plain line every ten seconds.

    Yields:
        A function that takes a phrase and the share done in `[0, 1]`, and shows them.
    """
    console = make_console(stderr=True)
    began = clock()

    def left(share: float) -> str:
        if share < SHARE_TO_RECKON_FROM:
            return "reckoning the time left"
        return f"{duration((clock() - began) / share * (1 - share))} left"

    if not console.is_terminal:
        printed = began

        def show_line(phrase: str, share: float) -> None:
            nonlocal printed
            if clock() - printed >= PLAIN_COUNT_SECONDS:
                printed = clock()
                console.print(f"{what}: {share:.0%} done, {phrase}, {left(share)}", soft_wrap=True)

        yield show_line
        return

    def draw(phrase: str, share: float) -> RenderableType:
        row = Table.grid(padding=(0, 2))
        row.add_row(Text(what, style="bold"), ProgressBar(total=1.0, completed=share, width=30), left(share), phrase)
        return row

    with Live(draw("starting", 0.0), console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True) as live:
        yield lambda phrase, share: live.update(draw(phrase, share))


def duration(seconds: float) -> str:
    """Seconds as people say them: `"8 s"`, `"2 min 10 s"`, `"1 h 05 min"`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class TrainingDisplay:
    """Watches one training: live on a terminal, else a plain line an epoch, at most every two seconds.

    Use it as a context manager, around `training.train(..., show=display)`.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._live: Live | None = None
        self._title = ""
        self._epochs = self._first_epoch = self._steps_per_epoch = 0
        self._epoch = self._step = 0
        self._began = self._printed = clock()
        self._latest: dict[str, float] = {}
        self._row: dict[str, float] = {}
        self._best: dict[str, float] = {}

    def __enter__(self) -> "TrainingDisplay":
        if self._console.is_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._draw, refresh_per_second=FRAMES_PER_SECOND, transient=True
            )
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def start(self, recipe: Recipe, run: Run, steps_per_epoch: int, first_epoch: int, epochs: int) -> None:
        """Say what begins: which run, how much of it."""
        self._title = str(run.path)
        self._steps_per_epoch, self._first_epoch, self._epochs = steps_per_epoch, first_epoch, epochs
        self._epoch, self._step = first_epoch, 0
        self._began = self._printed = self._clock()
        again = f", from epoch {first_epoch}" if first_epoch > 1 else ""
        length = f"{counted(epochs, 'epoch')} of {counted(steps_per_epoch, 'step')}"
        size = f"{length}, batch size {recipe.batch_size}, seed {recipe.seed}"
        self._print(f"training {run.path}: {recipe.model} on {recipe.data}, {size}{again}")
        for notice in run.data.get("notices", []) if run.data_file.is_file() else []:
            self._print(f"notice: {notice}")

    def step(self, epoch: int, step: int, loss: float, accuracy: float, images_per_second: float) -> None:
        """Remember where the training is; the next frame shows it."""
        self._epoch, self._step = epoch, step
        self._latest = {"loss": loss, "accuracy": accuracy, "images_per_second": images_per_second}

    def epoch(self, row: Mapping[str, float], is_best: bool) -> None:
        """Take an epoch's line of the history; print it where there is no live display."""
        self._row = dict(row)
        self._epoch, self._step = int(row["epoch"]), self._steps_per_epoch
        if is_best and "validation_accuracy" in row:
            self._best = self._row
        is_last = self._epoch == self._epochs
        if self._live is None and (is_last or self._clock() - self._printed >= PLAIN_LINE_SECONDS):
            self._printed = self._clock()
            self._print(self._plain_line(is_best))

    def finish(self, run: Run) -> None:
        """Say how it went."""
        self._stop()
        if not self._row:
            return
        took = duration(self._clock() - self._began)
        text = f"{run.path}: {counted(int(self._row['epoch']), 'epoch')} in {took}"
        if self._best:
            best = self._best
            text += f", best on validation {best['validation_accuracy']:.1%} at epoch {int(best['epoch'])}"
        self._print(text)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def _plain_line(self, is_best: bool) -> str:
        row = self._row
        words = [f"epoch {self._epoch}/{self._epochs}"]
        words += [f"loss {row['train_loss']:.4f}", f"accuracy {row['train_accuracy']:.1%}"]
        if "validation_accuracy" in row:
            mark = " (best)" if is_best else ""
            words += [f"validation loss {row['validation_loss']:.4f}"]
            words += [f"validation accuracy {row['validation_accuracy']:.1%}{mark}"]
        words += [f"{row['images_per_second']:,.0f} images/s"]
        if self._epoch < self._epochs:
            words.append(f"{self._time_left()} left")
        return "  ".join(words)

    def _time_left(self) -> str:
        done = (self._epoch - self._first_epoch) * self._steps_per_epoch + self._step
        total = (self._epochs - self._first_epoch + 1) * self._steps_per_epoch
        if not done:
            return "? s"
        return duration((self._clock() - self._began) / done * (total - done))

    def _draw(self) -> RenderableType:
        if not self._epochs:
            return Spinner("dots", text="loading Keras and the data")
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
            words += [f"loss {latest['loss']:.4f}", f"accuracy {latest['accuracy']:.1%}"]
        if "validation_accuracy" in self._row:
            words.append(f"validation accuracy {self._row['validation_accuracy']:.1%}")
        if self._best:
            words.append(f"(best {self._best['validation_accuracy']:.1%} at epoch {int(self._best['epoch'])})")
        if self._latest:
            words.append(f"{self._latest['images_per_second']:,.0f} images/s")
        return words
