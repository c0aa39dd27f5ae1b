"""What `cifarlab tune` prints at its end."""

from typing import Any

from cifarlab.cli.tables.cells import as_percent, new_table
from cifarlab.displays.console import make_console
from cifarlab.search import Tuned
from cifarlab.search.rounds import best_of
from cifarlab.utils.json_data import json_data
from cifarlab.utils.text import counted

MOST_TRIALS = 5


def print_study(tuned: Tuned) -> None:
    """The best trials, the verdict, and what to do next."""
    console = make_console()
    leaders = best_of(tuned.trials)[:MOST_TRIALS]
    table = new_table("trial", "epochs", "validation", "settings", numbers=(0, 1, 2))
    for trial in leaders:
        settings = "\n".join(f"{key}={value}" for key, value in trial.settings.items()) or "as shipped"
        table.add_row(str(trial.number), str(trial.epochs), as_percent(trial.score), settings)
    console.print(table, "")
    states = [trial.state for trial in tuned.trials]
    pruned, failed = states.count("pruned"), states.count("failed")
    console.print(f"{counted(len(states), 'trial')}, {pruned} of them pruned, {failed} failed")
    for trial in tuned.trials:
        if trial.state == "failed":
            console.print(f"trial {trial.number} failed: {trial.reason}", soft_wrap=True)
    if tuned.verdict:
        console.print(tuned.verdict.sentence, soft_wrap=True)
    if tuned.best and not (tuned.verdict and tuned.verdict.is_worse):
        console.print(f"cifarlab train {tuned.study.best_file}", soft_wrap=True)
    console.print(str(tuned.study.path), soft_wrap=True)


def summarise(tuned: Tuned) -> dict[str, Any]:
    """The same as plain values, ready for JSON."""
    trials = [
        {
            "number": trial.number,
            "state": trial.state,
            "round": trial.round,
            "epochs": trial.epochs,
            "score": trial.score,
            "settings": trial.settings,
            "reason": trial.reason,
        }
        for trial in tuned.trials
    ]
    best = tuned.best.number if tuned.best else None
    values: dict[str, Any] = json_data(
        {"study": tuned.study.path, "best": best, "verdict": tuned.verdict, "trials": trials}
    )
    return values
