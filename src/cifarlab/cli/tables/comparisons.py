"""Tables of what was decided: comparisons of runs and of groups of seeds, calibrations."""

from collections.abc import Sequence

from rich.console import Console

from cifarlab.cli.tables.cells import as_limits, as_number, as_p_value, as_percent, fill, new_table, with_limits
from cifarlab.displays.console import make_console, say
from cifarlab.evaluation.calibration import Calibration
from cifarlab.evaluation.comparison.pairs import Comparison
from cifarlab.evaluation.comparison.seeds import GroupComparison
from cifarlab.evaluation.permutation_result import PermutationTest
from cifarlab.utils.text import signed


def print_comparison(compared: Comparison) -> None:
    """Print every run's accuracy and F1, and for every pair what the data allow to be said."""
    console = make_console()
    _print_notices(console, compared.notices)
    console.print(fill(compared.table()), "")
    pairs = new_table("first", "second", "both correct", "only first", "only second", "both wrong", "McNemar p (Holm)")
    for pair in compared.pairs:
        counts = (pair.both_right, pair.only_first_right_count, pair.only_second_right_count, pair.both_wrong)
        shown = [f"{count:,}" for count in counts]
        pairs.add_row(pair.first, pair.second, *shown, as_p_value(pair.adjusted_p_value))
    console.print(pairs, "")
    say(console, *(pair.sentence for pair in compared.pairs), compared.note)


def print_calibrations(results: Sequence[Calibration]) -> None:
    """Print each run's temperature, and loss and calibration error before and after it."""
    console = make_console()
    moments = [f"{score} {moment}" for score in ("loss", "calibration error") for moment in ("before", "after")]
    table = new_table("run", "temperature", *moments)
    for result in results:
        row = [f"{result.temperature.value:.3f}\n{as_limits(result.temperature, 'loss') or 'not told'}"]
        for score in (result.loss, result.expected_calibration_error):
            row += [f"{as_number('loss', each)}\n{as_limits(each, 'loss')}" for each in (score.before, score.after)]
        table.add_row(f"{result.run}\n95 % interval", *row)
    console.print(table, "")
    say(console, *(result.sentence for result in results))
    if any(result.fitted for result in results):
        how = "after, each tenth of them at a temperature fitted on the other nine."
        say(console, f"Before and after, both on the validation images; {how}")


def print_group_comparison(compared: GroupComparison) -> None:
    """Print every run's accuracy, each group's mean and spread, and what the data allow to be said."""
    console = make_console()
    _print_notices(console, compared.notices)
    runs = new_table("run", "accuracy", "95 % interval")
    for group in compared.groups:
        for run in group.runs:
            runs.add_row(run.run, *with_limits(run.accuracy))
        runs.add_section()
    console.print(runs, "")
    console.print(fill(compared.table()), "")
    say(console, f"permutation p {as_p_value(compared.p_value)}", compared.sentence, compared.note)


def print_permutation(result: PermutationTest) -> None:
    """Print what each recipe reaches with and without shuffled pixels, what that says, and where the files are."""
    console = make_console()
    rows = result.recipes
    seeds = "" if result.seeds == 1 else f", {result.seeds} seeds"
    changed = [f"{row.recipe}: both with {', '.join(row.changed)}" for row in rows if row.changed]
    say(console, f"{rows[0].count:,} {result.split} images of {rows[0].data}{seeds}", *changed)
    table = new_table("recipe", "accuracy", "95 %", "shuffled pixels", "95 %", "difference in points", "95 %")
    for row in rows:
        accuracies = (row.accuracy, row.shuffled_accuracy)
        cells = [cell for each in accuracies for cell in (as_percent(each.value), as_limits(each))]
        value, low, high = row.difference.value, row.difference.low, row.difference.high
        limits = "" if low is None or high is None else f"{signed(100 * low)} to {signed(100 * high)}"
        table.add_row(row.recipe, *cells, "" if value is None else signed(100 * value), limits)
    console.print(table, "")
    say(console, *(row.sentence for row in rows), result.note, *result.files)


def _print_notices(console: Console, notices: Sequence[str]) -> None:
    say(console, *notices)
    if notices:
        console.print()
