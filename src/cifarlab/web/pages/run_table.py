"""The table of runs: which runs, in which order, in which columns, one by one or seeds as one, and all that as CSV."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from cifarlab.runs import STATES
from cifarlab.utils import discovery, files
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.filters import read_percent
from cifarlab.web.pages.run_groups import RunGroup, Spread, group_by, group_runs
from cifarlab.web.pages.run_settings import settings_of_runs
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
    "accuracy": Column("Test accuracy", lambda run: run.accuracy, falling=True),
    "state": Column("State", lambda run: run.state),
    "model": Column("Model", lambda run: run.model),
    "data": Column("Data", lambda run: run.data),
    "loss": Column("Test loss", lambda run: run.loss),
    "best": Column("Best on validation", lambda run: run.best and run.best[0], falling=True),
    "epochs": Column("Epochs", lambda run: run.epochs, falling=True),
    "parameters": Column("Parameters", lambda run: run.parameters, falling=True),
    "seconds": Column("Training", lambda run: run.seconds, falling=True),
    "started": Column("Started", lambda run: run.started, falling=True),
}
GROUP_COLUMNS: dict[str, Column] = {
    "name": Column("Runs", lambda group: group.name),
    "accuracy": Column("Test accuracy", lambda group: _middle(group.accuracy), falling=True),
    "seeds": Column("Runs in it", lambda group: len(group.runs), falling=True),
    "model": Column("Model", lambda group: group.shared(lambda run: run.model)),
    "data": Column("Data", lambda group: group.shared(lambda run: run.data)),
    "loss": Column("Test loss", lambda group: _middle(group.loss)),
    "best": Column("Best on validation", lambda group: _middle(group.best), falling=True),
    "epochs": Column("Epochs", lambda group: group.shared(lambda run: run.planned or run.epochs), falling=True),
    "seconds": Column("Training", lambda group: group.seconds, falling=True),
}


@dataclass(frozen=True)
class RunTable:
    """What an address asks for of all runs.

    Attributes:
        summaries: The runs, filtered and sorted.
        groups: The same as groups; empty where they are not to be grouped.
        by: What they are grouped by: `"seed"`, or the name of a setting; empty where they are not.
        columns: By name, those of settings behind the data.
        settings: Names of the settings that are columns.
        asked: Those that the address asks for; the others chose themselves.
        differing: The settings that are not the same in all of these runs, those first that explain most, with the
            share of the accuracy's variance that lies between their values.
        others: Names of all other settings of all runs.
        sort: The column that it is sorted by, `-` before it for the largest first.
    """

    summaries: list[RunSummary]
    groups: list[RunGroup]
    by: str
    columns: dict[str, Column]
    settings: list[str]
    asked: list[str]
    differing: dict[str, float | None]
    others: list[str]
    sort: str

    @property
    def is_grouped(self) -> bool:
        """Whether a line is a group."""
        return bool(self.by)

    @property
    def rows(self) -> Sequence[RunSummary | RunGroup]:
        """One for each line of the table."""
        return self.groups if self.is_grouped else self.summaries

    def to_csv(self) -> str:
        """Every row of every column that is shown, numbers as they are: fractions, nats, seconds."""
        rows = [{name: _cell(column.value(row)) for name, column in self.columns.items()} for row in self.rows]
        if not self.is_grouped:
            written = [{**row, **_limits(run), "tags": _cell(", ".join(run.notes.tags)), "note": _cell(run.notes.note)}
                       for row, run in zip(rows, self.summaries, strict=True)]  # fmt: skip
            return files.to_csv(written, [*self.columns, "accuracy_low", "accuracy_high", "tags", "note"])
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
    differing, same = settings_of_runs(chosen)
    known = {name for summary in summaries for name in summary.recipe}
    by, asked = _read_names(query, known)
    # What tells the groups apart is what one asks for.
    found = [name for name in differing if name not in _SHOWN][:MOST_DIFFERING] if by == "seed" else []
    settings = asked[:MOST_COLUMNS] or found
    columns = _with_settings(GROUP_COLUMNS if by else RUN_COLUMNS, settings)
    sort = default = "-accuracy" if by else "-started"
    asked_for = query.get("sort") or default
    # A column that is only not here, as after other rows were asked for, is no mistake.
    if asked_for.removeprefix("-") in columns or asked_for.removeprefix("-") not in _all_columns(known):
        sort = asked_for
    groups = group_runs(chosen) if by == "seed" else group_by(chosen, by.removeprefix(SETTING)) if by else []
    ordered = chosen if by else order(chosen, sort, columns)
    others = sorted({*same, *known} - differing.keys())
    return RunTable(ordered, order(groups, sort, columns), by, columns, settings, asked, differing, others, sort)


def _read_names(query: QueryParams, known: Collection[str]) -> tuple[str, list[str]]:
    """What the rows are grouped by, and the settings that are to be columns."""
    by = query.get("group") or ""
    asked = [name for name in dict.fromkeys(query.getlist("set")) if name]
    for name in (*asked, *([by.removeprefix(SETTING)] if by.startswith(SETTING) else [])):
        if name not in known:
            raise CifarlabError(discovery.unknown("setting", name[:100], sorted(known)))
    if by not in ("", "seed") and not by.startswith(SETTING):
        raise CifarlabError(f"group is seed, or {SETTING} and the name of a setting. Received: {by[:100]!r}")
    return by, asked


def _all_columns(settings: Collection[str]) -> set[str]:
    return {*RUN_COLUMNS, *GROUP_COLUMNS, *(SETTING + name for name in settings)}


def filter_summaries(summaries: list[RunSummary], query: Mapping[str, str]) -> list[RunSummary]:
    """The runs whose name, tags or note hold every word of `q`, whose state, model, data and tag are those asked for,
    and whose accuracy on test is at least `least`, in percent.

    Raises:
        CifarlabError: If `q` is very long, or `least` no percentage.
    """
    part = query.get("q") or ""
    if len(part) > LONGEST_PART:
        raise CifarlabError(f"q is words to look for, at most {LONGEST_PART} letters. Received: {len(part):,}")
    words = part.casefold().split()
    required = {key: query.get(key) for key in ("state", "model", "data") if query.get(key)}
    tag = query.get("tag")
    least = read_percent(query, "least", 0.0)
    return [
        summary
        for summary in summaries
        if all(getattr(summary, key) == value for key, value in required.items())
        and (not tag or tag in summary.notes.tags)
        # What the table shows as the limit is not under it.
        and (not least or round(summary.accuracy or 0.0, 4) >= least - 1e-9)
        and (not words or _holds(summary, words))
    ]


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
    place = list(columns).index("data") + 1
    return dict([*list(columns.items())[:place], *added.items(), *list(columns.items())[place:]])


def _setting(name: str) -> Callable[[Any], Any]:
    def of_run(run: RunSummary) -> Any:
        return run.recipe.get(name)

    return lambda row: row.shared(of_run) if isinstance(row, RunGroup) else of_run(row)


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


def _limits(run: RunSummary) -> dict[str, Any]:
    """The 95 % interval of a run's accuracy, over the images."""
    found = run.scores["test"].scores.get("accuracy") if "test" in run.scores else None
    return {f"accuracy_{part}": _cell(getattr(found, part, None)) for part in ("low", "high")}


def _cell(value: Any) -> Any:
    """A value for a file; of text, nothing that a spreadsheet would take for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
