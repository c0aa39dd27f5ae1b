"""What `cifarlab sweep` prints at its end."""

from pathlib import Path

from cifarlab.cli.tables.cells import as_limits, as_p_value, new_table, with_limits
from cifarlab.displays.console import make_console
from cifarlab.search import Sweep
from cifarlab.search.sweep_files import FIGURE
from cifarlab.search.sweep_results import SweepRow
from cifarlab.utils.text import counted, signed


def print_sweep(sweep: Sweep) -> None:
    """A row a combination, what may be said of it, and what failed."""
    console = make_console()
    keys = list(sweep.rows[0].settings)
    titles = ("seeds", "validation", "95 % interval", "to the first", "95 % interval", "p")
    table = new_table("recipe", *keys, *titles, numbers=range(1 + len(keys), 1 + len(keys) + len(titles)))
    for row in sweep.rows:
        table.add_row(Path(row.recipe).stem, *row.settings.values(), *_numbers(row))
    console.print(table, "")
    console.print(f"means over seeds, on {counted(sweep.images, 'validation image')}, of each run's best epoch")
    if sweep.sentence:
        console.print(sweep.sentence, soft_wrap=True)
    for row, run in sweep.failed:
        console.print(f"{row.label}, seed {run.seed} failed: {run.reason} ({run.path})", soft_wrap=True)
    if (sweep.path / FIGURE).is_file():
        console.print(str(sweep.path / FIGURE), soft_wrap=True)
    console.print(str(sweep.path), soft_wrap=True)


def _numbers(row: SweepRow) -> list[str]:
    failed = sum(run.accuracy is None for run in row.runs)
    seeds = f"{len(row.runs) - failed}" + (f" of {len(row.runs)}" if failed else "")
    cells = [seeds, *with_limits(row.accuracy)]
    if row.difference is None or row.difference.value is None:
        return [*cells, "", "", ""]
    limits = as_limits(row.difference)
    shown_p = "" if row.adjusted_p_value is None else as_p_value(row.adjusted_p_value)
    return [*cells, signed(100 * row.difference.value), limits, shown_p]
