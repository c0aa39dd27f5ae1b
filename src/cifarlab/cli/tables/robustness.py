"""What `cifarlab robustness` reads and prints: lists of words in, tables out."""

from collections.abc import Sequence

from rich.table import Table

from cifarlab.cli.tables.cells import as_limits, as_percent, new_table
from cifarlab.cli.tables.scores import describe_look
from cifarlab.displays.console import make_console, say
from cifarlab.evaluation.robustness.results import FILE_NAME, BaselineErrors, Robustness
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, in_percent

_CONSISTENCY = {
    "flip": "consistency under a horizontal flip",
    "shift_1": "consistency under shifts by one pixel",
    "shift_2": "consistency under shifts by two pixels",
}


def print_robustness(entries: Sequence[Robustness]) -> None:
    """Print each run's accuracies by corruption and severity, its means, its consistency and what attacks leave."""
    console = make_console()
    for entry in entries:
        looks = describe_look(entry.looks, entry.looks_in_making)
        say(console, f"{entry.run}: {counted(entry.count, 'test image')} of {entry.data}")
        console.print(f"corruptions: {entry.source}{looks}", "", soft_wrap=True)
        for notice in entry.notices:
            say(console, notice, "")
        if entry.file not in (None, FILE_NAME):
            say(console, f"kept in {entry.file}: {FILE_NAME} has a larger measurement, which reports go on showing")
        console.print(_corruptions(entry), "")
        console.print(_summary(entry), "")
        if entry.against is not None:
            console.print(_against(entry.against), "", soft_wrap=True)


def parse_list(text: str | None, nothing: str | None = None, option: str = "the option") -> tuple[str, ...]:
    """Words between commas, each once; none where there is no text, or where it is `nothing`.

    Raises:
        CifarlabError: If there are no words in the text.
    """
    if text is None or text.strip() == nothing:
        return ()
    words = [word.strip().replace("-", "_") for word in text.split(",")]
    chosen = tuple(dict.fromkeys(word for word in words if word))
    if not chosen:
        also = "" if nothing is None else f", or {nothing}"
        raise CifarlabError(f"{option} takes words with commas between them{also}. Received: {text!r}")
    return chosen


def parse_severities(text: str) -> tuple[int, ...]:
    """Such as `1,3,5`.

    Raises:
        CifarlabError: If these are not whole numbers.
    """
    words = parse_list(text, option="--severities")
    if not all(word.isdecimal() for word in words):
        raise CifarlabError(f"--severities takes some of 1 to 5, such as 1,3,5. Received: {text!r}")
    return tuple(sorted({int(word) for word in words}))


def _corruptions(entry: Robustness) -> Table:
    columns = [f"severity {severity}" for severity in entry.severities]
    table = new_table("accuracy and its\n95 % interval under", *columns, "mean")
    table.add_row("nothing (clean)", *([""] * len(columns)), as_percent(entry.clean.value))
    table.add_section()
    corruptions = entry.corruptions
    names = sorted(corruptions, key=lambda name: (not corruptions[name].benchmark, -corruptions[name].error))
    for number, name in enumerate(names):
        corruption = corruptions[name]
        if number and not corruption.benchmark and corruptions[names[number - 1]].benchmark:
            table.add_section()
        cells = [_with_limits(interval) for interval in corruption.severities.values()]
        table.add_row(name.replace("_", " "), *cells, as_percent(1 - corruption.error))
    return table


def _summary(entry: Robustness) -> Table:
    table = new_table("measure", "images", "value", "95 % interval")
    count = f"{entry.count:,}"
    averaged, everything = len(entry.averaged), len(entry.corruptions)
    rows = [("clean accuracy", count, entry.clean)]
    rows.append((f"mean corruption error, {counted(averaged, 'corruption')}", count, entry.mean_corruption_error))
    if everything > averaged:  # else it is the same number
        rows.append((f"mean error over all {counted(everything, 'corruption')}", count, entry.mean_error_over_all))
    rows += [(words, count, entry.consistency[name]) for name, words in _CONSISTENCY.items()]
    rows += [(f"accuracy under {each.label}", f"{each.count:,}", each.accuracy) for each in entry.attacks]
    if entry.cifar101:
        newer = entry.cifar101
        rows.append((f"accuracy on CIFAR-10.1 {newer.version}", f"{newer.count:,}", newer.accuracy))
    for words, images, interval in rows:
        table.add_row(words, images, as_percent(interval.value), as_limits(interval))
    return table


def _against(against: BaselineErrors) -> str:
    error, relative = against.mean_corruption_error, against.relative_mean_corruption_error
    return (
        f"against {against.baseline} (100 % is as robust, less is better): mean corruption error "
        f"{as_percent(error)}, relative to each run's clean accuracy {as_percent(relative)}"
    )


def _with_limits(interval: Interval) -> str:
    """Not as plus or minus: Wilson's interval is not symmetric, and half of it could reach beyond 100 %."""
    value, low, high = (in_percent(each or 0.0, 1) for each in (interval.value, interval.low, interval.high))
    return f"{value} %\n{low} to {high}"
