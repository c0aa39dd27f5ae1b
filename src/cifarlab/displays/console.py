"""What a person sees on a terminal while something runs. A training has its own display, see `displays`."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cifarlab.utils.progress import ProgressCallback
from cifarlab.utils.text import duration, percent

PLAIN_LINE_SECONDS = 2.0
PLAIN_COUNT_SECONDS = 10.0
SHARE_TO_RECKON_FROM = 0.02  # before it, what is compiled or read first would make hours of minutes
FRAMES_PER_SECOND = 4


def make_console(*, stderr: bool = False) -> Console:
    """A console that prints names and paths as they are; what is piped elsewhere is not squeezed into 80 columns."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 160
    return console


def say(console: Console, *lines: str) -> None:
    """Print sentences, each on a line of its own that nothing breaks."""
    for line in lines:
        console.print(line, soft_wrap=True)


@contextlib.contextmanager
def working(what: str, *, once_told: bool = False) -> Iterator[ProgressCallback]:
    """Show on the terminal that something is being done; elsewhere say it once, if it takes longer than a moment.

    Args:
        what: What is being done.
        once_told: The moment begins with the first phrase, so that what fails before it leaves its error line alone.

    Yields:
        A function that takes a phrase and the share done in `[0, 1]`, and shows them.
    """
    console = make_console(stderr=True)
    if not console.is_terminal:
        # A thread of its own: what is waited for may hand no control back until it has ended.
        line = threading.Timer(PLAIN_LINE_SECONDS, console.print, [f"{what} ..."], {"soft_wrap": True})
        line.daemon = True

        def begin(phrase: str, share: float) -> None:
            if line.ident is None:  # a thread can be started only once
                line.start()

        if not once_told:
            begin(what, 0.0)
        try:
            yield begin
        finally:
            line.cancel()
        return
    with console.status(what, refresh_per_second=FRAMES_PER_SECOND) as status:
        yield lambda phrase, share: status.update(f"{what}: {phrase}, {percent(share, 0)}")


@contextlib.contextmanager
def counting(what: str, clock: Callable[[], float] = time.monotonic) -> Iterator[ProgressCallback]:
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
                console.print(f"{what}: {percent(share, 0)} done, {phrase}, {left(share)}", soft_wrap=True)

        yield show_line
        return

    def draw(phrase: str, share: float) -> RenderableType:
        row = Table.grid(padding=(0, 2))
        row.add_row(Text(what, style="bold"), ProgressBar(total=1.0, completed=share, width=30), left(share), phrase)
        return row

    with Live(draw("starting", 0.0), console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True) as live:
        yield lambda phrase, share: live.update(draw(phrase, share))
