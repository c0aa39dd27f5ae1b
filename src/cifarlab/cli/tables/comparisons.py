"""Tables of what was decided: comparisons of runs and of groups of seeds, calibrations."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from cifarlab.cli.tables.cells import as_limits, as_p_value, as_percent, new_table, with_limits
from cifarlab.displays.console import make_console
from cifarlab.utils.text import signed


def print_comparison(compared: Mapping[str, Any]) -> None:
    """Print every run's accuracy and F1, and for every pair what the data allow to be said."""
    console = make_console()
    _print_notices(console, compared)
    runs = new_table("run", "accuracy", "95 % interval", "macro F1", "95 % interval")
    for run in compared["runs"]:
        runs.add_row(run["run"], *with_limits(run["accuracy"]), *with_limits(run["macro_f1"]))
    console.print(runs, "")
    pairs = new_table("first", "second", "both correct", "only first", "only second", "both wrong", "McNemar p (Holm)")
    for pair in compared["pairs"]:
        counts = ("both_right", "only_first_right_count", "only_second_right_count", "both_wrong")
        shown = [f"{pair[key]:,}" for key in counts]
        pairs.add_row(pair["first"], pair["second"], *shown, as_p_value(pair["adjusted_p_value"]))
    console.print(pairs, "")
    for pair in compared["pairs"]:
        console.print(pair["sentence"], soft_wrap=True)
    console.print(compared["note"], soft_wrap=True)


def print_calibrations(results: Sequence[Mapping[str, Any]]) -> None:
    """Print each run's temperature, and loss and calibration error before and after it."""
    console = make_console()
    moments = [f"{score} {moment}" for score in ("loss", "calibration error") for moment in ("before", "after")]
    table = new_table("run", "temperature", *moments)
    for result in results:
        temperature = result["temperature"]
        row = [f"{temperature['value']:.3f}\n{as_limits(temperature, 'loss') or 'not told'}"]
        for name in ("loss", "expected_calibration_error"):
            row += [f"{score['value']:.4f}\n{as_limits(score, 'loss')}" for score in result[name].values()]
        table.add_row(f"{result['run']}\n95 % interval", *row)
    console.print(table, "")
    for result in results:
        console.print(result["sentence"], soft_wrap=True)
    if any(result["fitted"] for result in results):
        console.print(
            "Before and after, both on the validation images; after, each tenth of them at a temperature fitted on the "
            "other nine.",
            soft_wrap=True,
        )


def print_group_comparison(compared: Mapping[str, Any]) -> None:
    """Print every run's accuracy, each group's mean and spread, and what the data allow to be said."""
    console = make_console()
    _print_notices(console, compared)
    runs = new_table("run", "accuracy", "95 % interval")
    for group in compared["groups"]:
        for run in group["runs"]:
            runs.add_row(run["run"], *with_limits(run["accuracy"]))
        runs.add_section()
    console.print(runs, "")
    groups = new_table("group", "seeds", "mean accuracy", "95 % interval", "standard deviation")
    for group in compared["groups"]:
        spread = as_percent(group["standard_deviation"])
        groups.add_row(group["name"], str(len(group["runs"])), *with_limits(group["mean"]), spread)
    console.print(groups, "")
    console.print(f"permutation p {as_p_value(compared['p_value'])}", soft_wrap=True)
    console.print(compared["sentence"], soft_wrap=True)
    console.print(compared["note"], soft_wrap=True)


def print_permutation(result: Mapping[str, Any]) -> None:
    """Print what each recipe reaches with and without shuffled pixels, what that says, and where the files are."""
    console = make_console()
    rows = result["recipes"]
    first = rows[0]
    seeds = "" if result["seeds"] == 1 else f", {result['seeds']} seeds"
    console.print(f"{first['count']:,} {result['split']} images of {first['data']}{seeds}", soft_wrap=True)
    for row in rows:
        if row["changed"]:
            console.print(f"{row['recipe']}: both with {', '.join(row['changed'])}", soft_wrap=True)
    table = new_table("recipe", "accuracy", "95 %", "shuffled pixels", "95 %", "difference in points", "95 %")
    for row in rows:
        cells = [cell for key in ("accuracy", "shuffled_accuracy") for cell in with_limits(row[key])]
        value, *limits = (row["difference"][key] for key in ("value", "low", "high"))
        shown = "" if None in limits else " to ".join(signed(100 * limit) for limit in limits)
        table.add_row(row["recipe"], *cells, signed(100 * value), shown)
    console.print(table, "")
    for row in rows:
        console.print(row["sentence"], soft_wrap=True)
    console.print(result["note"], soft_wrap=True)
    for path in result["files"]:
        console.print(path, soft_wrap=True)


def _print_notices(console: Console, compared: Mapping[str, Any]) -> None:
    for notice in compared["notices"]:
        console.print(notice, soft_wrap=True)
    if compared["notices"]:
        console.print()
