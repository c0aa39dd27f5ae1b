"""What a command answers: JSON for programs, CSV for spreadsheets, tables for people."""

import json
import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from cifarlab.cli.tables.cells import as_limits, as_number, as_percent, fill, new_table, with_limits
from cifarlab.displays.console import make_console, say
from cifarlab.recipes import to_dict
from cifarlab.runs import Run, training_seconds
from cifarlab.runs.scores import CalibratedScores, Scores
from cifarlab.utils.best_epoch import best_epoch
from cifarlab.utils.text import duration, in_percent, percent

MOST_CLASSES = 20
"""A confusion matrix of more classes does not fit a terminal."""
_RESULTS = {"accuracy": "accuracy", "negative_log_likelihood": "loss", "top3_accuracy": "top-3", "macro_f1": "macro F1"}


def print_data(description: Mapping[str, Any]) -> None:
    """Print what `datasets.describe` found: where from, with which checksum, how many images of what."""
    console = make_console()
    say(console, f"{description['name']}: {description['how']}", f"at {description['location']}")
    height, width, channels = description["image_shape"]
    console.print(f"images of {height} x {width} pixels, {channels} channels\n")
    splits: Mapping[str, Mapping[str, Any]] = description["splits"]
    counts = new_table("class", *splits)
    for name in description["class_names"]:
        counts.add_row(name, *(f"{split['per_class'][name]:,}" for split in splits.values()))
    counts.add_section()
    counts.add_row("all", *(f"{split['count']:,}" for split in splits.values()))
    console.print(counts, "")
    if description["checksums"]:
        checksums = new_table("file", "verified checksum", numbers=())
        for file, checksum in description["checksums"].items():
            checksums.add_row(file, checksum)
        console.print(checksums)


def summarise_run(run: Run) -> dict[str, Any]:
    """A finished training in a few plain values, ready for JSON."""
    history, recipe = run.history(), run.recipe
    best = best_epoch(history) or (history[-1] if history else {})  # none of a training that was paused at once
    return {
        "run": str(run.path),
        "state": run.state["state"],
        **{name: getattr(recipe, name) for name in ("model", "data", "seed")},
        "epochs": len(history),
        "best_epoch": int(best["epoch"]) if best else None,
        "validation_accuracy": best.get("validation_accuracy"),
        "training_seconds": training_seconds(run.environment, history),
    }


def print_runs(runs: Sequence[Run]) -> None:
    """Print a table of several trainings, then each run's path on a line of its own."""
    if len(runs) > 1:
        table = new_table("run", "seed", "epochs", "best on validation", "training alone")
        for run in runs:
            row = summarise_run(run)
            best = row["validation_accuracy"]
            shown = "nothing held out" if best is None else f"{as_percent(best)} at epoch {row['best_epoch']}"
            shown = shown if row["epochs"] else ""
            seconds = "" if row["training_seconds"] is None else duration(row["training_seconds"], tenths=True)
            table.add_row(run.name, str(row["seed"]), str(row["epochs"]), shown, seconds)
        make_console().print(table)
    for run in runs:
        print(run.path)


def print_evaluations(entries: Sequence[Scores], runs: Sequence[Run]) -> None:
    """Print the scores of one run in full, or those of several side by side with their spread over seeds."""
    if len(entries) == 1:
        _print_scores(entries[0])
        return
    print_results(entries)
    say(make_console(), *_spreads(entries, runs))


def print_ensemble(entry: Scores, sentence: str) -> None:
    """Print the scores of several runs together, and what they gain by it."""
    console = make_console()
    console.print()
    console.print(fill(entry.table()), "")
    say(console, sentence)


def print_results(entries: Sequence[Scores]) -> None:
    """Print one line a run: accuracy, loss, top-3 accuracy and macro F1, all with their intervals if they fit.

    Runs that answered the same images share a table; folds, each of which held out others, get one each.
    """
    groups: dict[tuple[str, object], list[Scores]] = {}
    for entry in entries:
        groups.setdefault((entry.which_images, entry.images), []).append(entry)
    console, titles = make_console(), set[str]()
    for number, ((which, _), members) in enumerate(groups.items()):
        others = " (others than those above)" if which in titles else ""
        titles.add(which)
        console.print(*([""] if number else []), f"{which}{others}", sep="\n", soft_wrap=True)
        _print_group(console, members)


def _print_group(console: Console, entries: Sequence[Scores]) -> None:
    """What is to be said of runs that answered the same images, and their table."""
    table = _results_table(entries, with_limits=tuple(_RESULTS))
    if console.measure(table, options=console.options.update(max_width=1000)).maximum > console.width:
        table = _results_table(entries, with_limits=("accuracy", "macro_f1"))
    say(console, *dict.fromkeys(notice for entry in entries for notice in entry.notices))
    console.print(table)
    for entry in entries:
        _print_people(console, entry)


def print_recipes(recipes: Sequence[Mapping[str, str]]) -> None:
    """Print the recipes with what to expect of them."""
    console = make_console()
    for recipe in recipes:
        say(console, f"{recipe['name']:<10} {recipe['summary']}")
        if recipe["expected"]:
            say(console, f"{'':<10} {recipe['expected']}")


def describe_look(looks: int | None, in_making: int | None = None) -> str:
    """`, look 5 at this split, 4 of them when the model was made`; empty where nobody counts."""
    if not looks:
        return ""
    return f", look {looks} at this split{f', {in_making} of them when the model was made' if in_making else ''}"


def _print_scores(entry: Scores) -> None:
    console = make_console()
    looks = describe_look(entry.looks, entry.looks_in_making)
    say(console, f"{entry.run}: {entry.which_images}{looks}", *entry.notices)
    console.print()
    console.print(fill(entry.table()), "")
    if entry.calibrated is not None:
        _print_calibrated(console, entry.calibrated)
    _print_people(console, entry)
    classes = new_table("class", "images", "precision", "95 %", "recall", "95 %", "F1", "95 %")
    for row in entry.per_class:
        cells = [cell for score in (row.precision, row.recall, row.f1) for cell in with_limits(score)]
        classes.add_row(row.class_name, f"{row.support:,}", *cells)
    console.print(classes, "")
    if len(entry.class_names) <= MOST_CLASSES:
        console.print(_confusion_table(entry))


def _print_calibrated(console: Console, at: CalibratedScores) -> None:
    shown = [
        f"{title} {as_number('loss', score)} ({as_limits(score, 'loss')})"
        for title, score in (("loss", at.loss), ("expected calibration error", at.expected_calibration_error))
    ]
    console.print(f"calibrated, at temperature {at.temperature:.3f}: {', '.join(shown)}\n", soft_wrap=True)


def _results_table(entries: Sequence[Scores], with_limits: Collection[str]) -> Table:
    names = [name for name in _RESULTS if any(name in entry.shown for entry in entries)]
    titles = [(_RESULTS[name], "95 % interval") if name in with_limits else (_RESULTS[name],) for name in names]
    table = new_table("run", *(title for pair in titles for title in pair))
    for entry in entries:
        cells = []
        for name in names:
            score = entry.scores[name]
            cells += [as_number(name, score), *([as_limits(score, name)] if name in with_limits else [])]
        table.add_row(entry.run, *cells)
    return table


def _print_people(console: Console, entry: Scores) -> None:
    if entry.human is not None:
        from cifarlab.evaluation.human_comparison import describe, read_comparison  # brings SciPy

        console.print(f"{entry.run} {describe(read_comparison(entry.human))}\n", soft_wrap=True)


def _confusion_table(entry: Scores) -> Table:
    letters = 5 if len({name[:5] for name in entry.class_names}) == len(entry.class_names) else None
    table = new_table("true \\ predicted", *(name[:letters] for name in entry.class_names))
    for name, row in zip(entry.class_names, entry.confusion_matrix, strict=True):
        table.add_row(name, *(str(count) for count in row))
    return table


def _spreads(entries: Sequence[Scores], runs: Sequence[Run]) -> list[str]:
    """Mean and sample standard deviation over the runs that differ in nothing but the seed."""
    groups: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        recipe = {key: value for key, value in to_dict(run.recipe).items() if key != "seed"}
        groups.setdefault(json.dumps([recipe, run.labels_checksum], sort_keys=True), []).append(index)
    return [
        _spread([entries[index] for index in indices], ", ".join(runs[index].name for index in indices))
        for indices in groups.values()
        if len({runs[index].recipe.seed for index in indices}) > 1
    ]


def _spread(entries: Sequence[Scores], names: str) -> str:
    from cifarlab.metrics.statistics.intervals import mean_over_seeds  # brings SciPy, which other tables need not

    accuracies = [entry.accuracy or 0.0 for entry in entries]
    losses = [entry.loss or 0.0 for entry in entries]
    interval = as_limits(mean_over_seeds(accuracies))
    return (
        f"mean ± standard deviation of {len(entries)} seeds: "
        f"accuracy {in_percent(statistics.mean(accuracies))} ± {percent(statistics.stdev(accuracies))} "
        f"({f'95 % interval of the mean {interval}' if interval else 'no interval: all the same'}), "
        f"loss {statistics.mean(losses):.4f} ± {statistics.stdev(losses):.4f} ({names})"
    )
