"""A sweep's folder: what was swept and found, as JSON, a table and a figure.

sweeps/<name>/
sweep.json      what was swept, every run, every row with its intervals
sweep.csv       one line a combination
accuracy.png    the accuracies with their intervals
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from cifarlab.plots import to_png
from cifarlab.plots.accuracy_intervals import plot_accuracy_intervals
from cifarlab.plots.swept_setting import plot_swept_setting
from cifarlab.runs.layout import RUN_NAME
from cifarlab.search.sweep_results import Sweep, SweepRow
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval

JSON, CSV, FIGURE = "sweep.json", "sweep.csv", "accuracy.png"
MOST_CURVES = 6
_FIXED = ("recipes", "keys", "settings", "data")
"""What makes a sweep another one; values and seeds may be added."""


def check_folder(folder: Path, about: Mapping[str, object]) -> None:
    """Refuse a folder that holds something else, before anything is trained.

    Raises:
        CifarlabError: If it does, or its name is none.
    """
    files.check_no_url(folder)
    if not re.fullmatch(RUN_NAME, folder.name):
        raise CifarlabError(f"a sweep's name is made of letters, digits, '.', '_' and '-'. Received: {folder.name!r}")
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / JSON).is_file()):
        raise CifarlabError(f"{folder} is not a sweep, and not empty: give another --name")
    if (folder / JSON).is_file():
        mend = "remove it, and give the command again: runs that are there are not trained again"
        before = files.read_object(folder / JSON, "about", mend=mend)["about"]
        if not isinstance(before, dict):
            raise CifarlabError(f"{folder / JSON} is damaged: expected an object under about; {mend}")
        for key in _FIXED:
            if before.get(key) != about[key]:
                raise CifarlabError(
                    f"{folder} is another sweep ({key} {before.get(key)} there, {about[key]} here): give another --name"
                )


def write_sweep(sweep: Sweep) -> None:
    """Write all files of a sweep's folder."""
    files.write_json(sweep.path / JSON, sweep)
    keys = list(dict.fromkeys(key for row in sweep.rows for key in row.settings))
    rows = [_csv_row(row) for row in sweep.rows]
    columns = [key for key in rows[0] if key not in keys]
    files.write_csv(sweep.path / CSV, rows, [columns[0], *keys, *columns[1:]])
    if (figure := draw(sweep.rows)) is not None:
        files.write_bytes(sweep.path / FIGURE, to_png(figure))


def _csv_row(row: SweepRow) -> dict[str, object]:
    difference = row.difference or Interval(None, None, None)
    values = {
        "recipe": row.recipe,
        **row.settings,
        "seeds": sum(run.accuracy is not None for run in row.runs),
        "failed": sum(run.accuracy is None for run in row.runs),
        "validation_accuracy": row.accuracy.value,
        "low": row.accuracy.low,
        "high": row.accuracy.high,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "adjusted_p_value": row.adjusted_p_value,
    }
    return {key: "" if value is None else value for key, value in values.items()}


def draw(rows: Sequence[SweepRow]) -> Figure | None:
    """Lines over a swept number, else a row a combination; None where every training failed."""
    known = [row for row in rows if row.accuracy.value is not None]
    if not known:
        return None
    for key in known[0].settings:
        curves = _curves(known, key)
        if curves:
            return plot_swept_setting(curves, key)
    return plot_accuracy_intervals({row.label: row.accuracy for row in known})


def _curves(rows: Sequence[SweepRow], key: str) -> dict[str, list[tuple[float, Interval]]]:
    """A curve for each combination of all but one key; nothing where that is no number, or the curves too many."""
    curves: dict[str, list[tuple[float, Interval]]] = {}
    for row in rows:
        try:
            value = float(row.settings[key])
        except ValueError:
            return {}
        others = [Path(row.recipe).stem, *(f"{name}={text}" for name, text in row.settings.items() if name != key)]
        curves.setdefault(", ".join(others), []).append((value, row.accuracy))
    is_line = max(map(len, curves.values())) > 1
    return curves if is_line and len(curves) <= MOST_CURVES else {}
