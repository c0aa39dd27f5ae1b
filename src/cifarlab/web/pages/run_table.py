"""The table of runs: which runs, in which order, in which columns, one by one or seeds as one, and all that as CSV."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from cifarlab.runs import STATES
from cifarlab.utils import discovery, files
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.run_groups import RunGroup, Spread, group_runs
from cifarlab.web.pages.run_summaries import RunSummary

LONGEST_PART = 200  # letters; a page repeats them in every link
MOST_COLUMNS = 40
MOST_DIFFERING = 8
SETTING = "set."
"""Before a setting's name where it is one column among others, as in the address of the training form."""
# They have columns of their own.
_SHOWN = ("model", "data", "epochs", "seed")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: Its heading.
        value: What it is sorted by, and what a file holds of a row.
        falling: Whether the largest come first when it is first sorted by.
    """

    title: str
    value: Callable[[Any], Any]
    falling: bool = False


RUN_COLUMNS: dict[str, Column] = {
    "name": Column("Run", lambda run: run.name),
    "state": Column("State", lambda run: run.state),
    "model": Column("Model", lambda run: run.model),
    "data": Column("Data", lambda run: run.data),
    "accuracy": Column("Test accuracy", lambda run: run.accuracy, falling=True),
    "loss": Column("Test loss", lambda run: run.loss),
    "best": Column("Best on validation", lambda run: run.best and run.best[0], falling=True),
    "epochs": Column("Epochs", lambda run: run.epochs, falling=True),
    "parameters": Column("Parameters", lambda run: run.parameters, falling=True),
    "seconds": Column("Training", lambda run: run.seconds, falling=True),
    "started": Column("Started", lambda run: run.started, falling=True),
}
GROUP_COLUMNS: dict[str, Column] = {
    "name": Column("Runs", lambda group: group.name),
    "seeds": Column("Seeds", lambda group: len(group.runs), falling=True),
    "model": Column("Model", lambda group: group.first.model),
    "data": Column("Data", lambda group: group.first.data),
    "accuracy": Column("Test accuracy", lambda group: _middle(group.accuracy), falling=True),
    "loss": Column("Test loss", lambda group: _middle(group.loss)),
    "best": Column("Best on validation", lambda group: _middle(group.best), falling=True),
    "epochs": Column("Epochs", lambda group: group.first.planned, falling=True),
    "seconds": Column("Training", lambda group: group.seconds, falling=True),
}


@dataclass(frozen=True)
class RunTable:
    """What an address asks for of all runs.

    Attributes:
        summaries: The runs, filtered and sorted.
        groups: The same by seed; empty where they are not to be grouped.
        columns: By name, those of settings behind the data, before what was measured.
        settings: Names of the settings that are columns.
        offered: Names of all settings of all runs: those that differ, and the others.
        sort: The column that it is sorted by, `-` before it for the largest first.
    """

    summaries: list[RunSummary]
    groups: list[RunGroup]
    is_grouped: bool
    columns: dict[str, Column]
    settings: list[str]
    offered: tuple[list[str], list[str]]
    sort: str

    @property
    def rows(self) -> Sequence[RunSummary | RunGroup]:
        """One for each line of the table."""
        return self.groups if self.is_grouped else self.summaries

    def to_csv(self) -> str:
        """Every row of every column that is shown, numbers as they are: fractions, nats, seconds."""
        rows = [{name: _cell(column.value(row)) for name, column in self.columns.items()} for row in self.rows]
        if not self.is_grouped:
            written = [{**row, "tags": _cell(", ".join(run.notes.tags)), "note": _cell(run.notes.note)}
                       for row, run in zip(rows, self.summaries, strict=True)]  # fmt: skip
            return files.to_csv(written, [*self.columns, "tags", "note"])
        spread = [{**row, **_spread_cells(group)} for row, group in zip(rows, self.groups, strict=True)]
        return files.to_csv(spread, [*self.columns, *(f"{name}_{part}" for name in _SPREAD for part in _PARTS)])


_SPREAD = ("accuracy", "loss", "best")
_PARTS = ("deviation", "low", "high", "runs")


def read_table(summaries: list[RunSummary], query: QueryParams) -> RunTable:
    """The table that an address asks for.

    Raises:
        CifarlabError: If it names a column or a setting that is none.
    """
    chosen = filter_summaries(summaries, query)
    is_grouped = query.get("group") == "seed"
    offered = settings_of_runs(summaries)
    settings = [name for name in dict.fromkeys(query.getlist("set")) if name]
    for name in settings:
        if name not in (*offered[0], *offered[1]):
            raise CifarlabError(discovery.unknown("setting", name[:100], [*offered[0], *offered[1]]))
    if is_grouped and not settings:  # what tells the groups apart is what one asks for
        settings = [name for name in settings_of_runs(chosen)[0] if name not in _SHOWN][:MOST_DIFFERING]
    columns = _with_settings(GROUP_COLUMNS if is_grouped else RUN_COLUMNS, settings[:MOST_COLUMNS])
    default = "-accuracy" if is_grouped else "-started"
    sort = query.get("sort") or default
    if is_grouped and sort.removeprefix("-") in RUN_COLUMNS.keys() - GROUP_COLUMNS.keys():
        sort = default
    groups = order(group_runs(chosen), sort, columns) if is_grouped else []
    ordered = chosen if is_grouped else order(chosen, sort, columns)
    return RunTable(ordered, groups, is_grouped, columns, settings, offered, sort)


def filter_summaries(summaries: list[RunSummary], query: Mapping[str, str]) -> list[RunSummary]:
    """The runs whose name, tags or note hold every word of `q`, and whose state, model, data and tag are those asked
    for.

    Raises:
        CifarlabError: If `q` is very long.
    """
    part = query.get("q") or ""
    if len(part) > LONGEST_PART:
        raise CifarlabError(f"q is words to look for, at most {LONGEST_PART} letters. Received: {len(part):,}")
    words = part.casefold().split()
    required = {key: query.get(key) for key in ("state", "model", "data") if query.get(key)}
    tag = query.get("tag")
    return [
        summary
        for summary in summaries
        if all(getattr(summary, key) == value for key, value in required.items())
        and (not tag or tag in summary.notes.tags)
        and (not words or _holds(summary, words))
    ]


def settings_of_runs(summaries: Sequence[RunSummary]) -> tuple[list[str], list[str]]:
    """Names of the runs' settings, sorted: those that are not the same in all of them, and the others."""
    values: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for summary in summaries:
        counts.update(summary.written.keys())
        for name, value in summary.written.items():
            values.setdefault(name, set()).add(value)
    known = sum(bool(summary.recipe) for summary in summaries)
    differing = sorted(name for name in values if len(values[name]) > 1 or counts[name] < known)
    return differing, sorted(values.keys() - set(differing))


def order(rows: list[Any], sort: str, columns: Mapping[str, Column]) -> list[Any]:
    """Rows by a column, `-` before its name for the largest first; what has no value comes last either way.

    Raises:
        CifarlabError: If there is no such column.
    """
    name = sort.removeprefix("-")
    if name not in columns:
        raise CifarlabError(discovery.unknown("column", name[:100], columns))
    value = _state_order if name == "state" else columns[name].value
    known = [row for row in rows if value(row) not in (None, "")]
    unknown = [row for row in rows if value(row) in (None, "")]
    return [*sorted(known, key=lambda row: _comparable(value(row)), reverse=sort.startswith("-")), *unknown]


def _with_settings(columns: Mapping[str, Column], names: Sequence[str]) -> dict[str, Column]:
    added = {SETTING + name: Column(name, _setting(name)) for name in names}
    before = list(columns)[: list(columns).index("accuracy")]
    return {**{name: columns[name] for name in before}, **added, **columns}


def _setting(name: str) -> Callable[[Any], Any]:
    return lambda row: _of_group(row, name) if isinstance(row, RunGroup) else row.recipe.get(name)


def _of_group(group: RunGroup, name: str) -> Any:
    """The setting that the runs share; where they differ, as in the seed, all of them."""
    values = {str(value): value for value in (run.recipe.get(name) for run in group.runs)}
    return next(iter(values.values())) if len(values) == 1 else ", ".join(values)


def _state_order(run: RunSummary) -> int:
    return STATES.index(run.state) if run.state in STATES else len(STATES)


def _comparable(value: Any) -> tuple[int, float, str]:
    """A key for values of any kind: numbers by size, before words without regard to case."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, str(value).casefold()


def _holds(summary: RunSummary, words: Sequence[str]) -> bool:
    text = "\n".join((summary.name, *summary.notes.tags, summary.notes.note)).casefold()
    return all(word in text for word in words)


def _middle(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean.value


def _spread_cells(group: RunGroup) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name in _SPREAD:
        spread: Spread | None = getattr(group, name)
        found = (None,) * 4 if spread is None else (spread.deviation, spread.mean.low, spread.mean.high, spread.count)
        cells |= {f"{name}_{part}": _cell(value) for part, value in zip(_PARTS, found, strict=True)}
    return cells


def _cell(value: Any) -> Any:
    """A value for a file; of text, nothing that a spreadsheet would take for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
