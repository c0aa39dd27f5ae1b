"""What `cifarlab ladder` prints: one line a rung, then what it changed, and what the numbers are of."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.table import Table

from cifarlab.displays.console import make_console, say
from cifarlab.evaluation.ladder.description import Ladder, MeasuredRung
from cifarlab.evaluation.ladder.measurements import Summary
from cifarlab.evaluation.ladder.rungs import Change
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.utils.text import duration, in_percent, percent, signed

_NOTHING = "\N{EN DASH}"
_LEAST_TITLE = 24
_NOT_MEASURED = {False: "not measured here", True: "not here"}


def print_ladder(ladder: Ladder) -> None:
    """Print the rungs that count, those beside them, and beneath what differs, what is missing and what ran where."""
    console = make_console()
    rungs = ladder.rungs
    table = _rungs(rungs)
    # Titles may be broken down to their least width, numbers may not.
    unbroken = console.measure(table, options=console.options.update(max_width=1000)).maximum
    longest = max(len(str(cell)) for cell in table.columns[1].cells)
    is_narrow = unbroken - max(0, longest - _LEAST_TITLE) > console.width
    console.print(_rungs(rungs, is_narrow=True) if is_narrow else table, "")
    titles = [f"{rung.name}: {rung.title}." for rung in rungs] if is_narrow else []
    say(console, *titles, *_notes(rungs), *ladder.notices)


def _rungs(rungs: Sequence[MeasuredRung], is_narrow: bool = False) -> Table:
    """One row a rung; the narrow form leaves out what a rung adds, and breaks numbers from their intervals."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("rung", no_wrap=True)
    if not is_narrow:
        table.add_column("what it adds", overflow="fold", min_width=_LEAST_TITLE)
    for title in ("accuracy", "gain, points", "training", "parameters", "PFLOP", "of the limit"):
        is_whole = not is_narrow or title in ("training", "parameters")
        table.add_column(title, justify="right", overflow="fold", no_wrap=is_whole)
    is_beside = False
    for rung in sorted(rungs, key=lambda rung: bool(rung.reason)):
        if rung.reason and not is_beside:
            table.add_section()
        is_beside = bool(rung.reason)
        title = rung.title + (" (does not count for the record)" if rung.reason else "")
        for name, words, result in ((rung.name, title, rung.result), ("", "yours", rung.own)):
            if result is None and not name:
                continue
            numbers = [_NOT_MEASURED[is_narrow]] if result is None else _numbers(result)
            if is_narrow:
                table.add_row(name or words, *(_broken(number) for number in numbers))
            else:
                table.add_row(name, words, *numbers)
    return table


def _numbers(result: Summary) -> list[str]:
    share = result.share_of_limit
    return [
        _accuracy(result),
        _gain(result.gain),
        duration(result.training_seconds),
        f"{result.parameters:,}",
        _NOTHING if result.petaflop is None else f"{result.petaflop:.3g}",
        _NOTHING if share is None else percent(share, 0),
    ]


def _broken(number: str) -> str:
    """A number with its interval or spread, and how many runs it is of, beneath it."""
    return number.replace(" (", "\n").replace(", ", "\n").replace(" ±", "\n±").removesuffix(")")


def _accuracy(result: Summary) -> str:
    runs, deviation = len(result.seeds), result.standard_deviation
    value, low, high = (
        in_percent(each or 0.0) for each in (result.accuracy.value, result.accuracy.low, result.accuracy.high)
    )
    if deviation is None:
        return f"{value} % ({low} to {high}, 1 run)"
    return f"{value} ± {percent(deviation)} ({runs} seeds)"


def _gain(gain: Interval | None) -> str:
    if gain is None or gain.value is None:
        return ""
    value = signed(100 * gain.value)
    if gain.low is None or gain.high is None:
        return value
    return f"{value} ({signed(100 * gain.low)} to {signed(100 * gain.high)})"


def _notes(rungs: Sequence[MeasuredRung]) -> Iterator[str]:
    """What is changed from rung to rung, what is missing and how to get it, and of what the numbers are."""
    for rung in rungs:
        if rung.below is not None:
            yield f"{rung.name} against {rung.below}: {_changes(rung.changes)}."
    for rung in rungs:
        if rung.reason:
            yield f"{rung.name} does not count for the record, because {rung.reason.rstrip('.')}."
    for rung in rungs:
        if rung.result is None and rung.own is None and not rung.not_evaluated:
            yield f"{rung.name} is not measured here: {' && '.join(rung.commands)}"
            if rung.expected:
                yield f"{rung.name}: {rung.expected}"
        if rung.not_evaluated:
            yield f"{rung.name} is trained, and waits for cifarlab evaluate {' '.join(rung.not_evaluated)}"
    words = {"result": "", "own": " (yours)"}
    results = [(rung.name + words[key], rung.results[key]) for key in words for rung in rungs if key in rung.results]
    if results:
        yield _about([result for _, result in results])
        yield from _machines(results)


def _changes(changes: Sequence[Change]) -> str:
    shown = [f"{each.setting} {_shown(each.before)} → {_shown(each.after)}" for each in changes]
    return ", ".join(shown) or "the same settings"


def _shown(value: Any) -> str:
    if value in (None, (), []):
        return _NOTHING
    return f"{value:g}" if isinstance(value, float) else str(value)


def _about(results: Sequence[Summary]) -> str:
    groups = sorted({(result.images, result.data) for result in results})
    images = " or ".join(f"{count:,} test images of {data}" for count, data in groups)
    runs = {len(result.seeds) for result in results}
    spread = ["mean ± standard deviation of the seeds"] if max(runs) > 1 else []
    one = ["Wilson's 95 % interval where there is one run"] if 1 in runs else []
    has_limits = any(result.gain and result.gain.low is not None for result in results)
    gained = ["Welch's 95 % interval of the gain"] if has_limits else []
    return f"{images}; {'; '.join(spread + one + gained)}."


def _machines(results: Sequence[tuple[str, Summary]]) -> Iterator[str]:
    """On what was trained, in which precision, and what that machine can do; with the rungs' names where it varies."""
    groups: dict[str, list[str]] = {}
    for name, result in results:
        groups.setdefault(_machine(result), []).append(name)
    for machine, names in groups.items():
        yield f"Trained on {machine}." if len(groups) == 1 else f"{', '.join(names)}: trained on {machine}."
    if len(groups) > 1:
        yield "Training times, and shares of limits, compare only where those are the same."


def _machine(result: Summary) -> str:
    machine, limit = result.machine, result.limit_gigaflop_per_second
    devices = machine.get("devices") or machine["accelerators"] or []
    cores = f"{machine['cores']} cores" if machine["cores"] else ""
    parts = [*devices, machine["processor"] or "a processor without a name", cores, machine["backend"] or ""]
    known = f"; limit: its fastest matrix product then, {limit:,.0f} GFLOP/s" if limit is not None else ""
    return ", ".join(part for part in (*parts, result.precision) if part) + known
