"""What `cifarlab image` answers: a table, JSON."""

import math
from pathlib import Path
from typing import Any

from cifarlab.cli.tables.cells import new_table
from cifarlab.displays.console import make_console, say
from cifarlab.evaluation.explanation.image import VIEWS, Explanation, RunExplanation
from cifarlab.utils.text import counted, percent

_COLUMNS = ("predicted", "confidence", "P(label)", "forgotten", "neighbours of the label", "attack (grey levels)")


def print_story(story: Explanation, page: Path) -> None:
    """Print one line a run, and where the page is."""
    console = make_console()
    names = story.class_names
    console.print(f"{story.image_id} of {story.data}, labelled {names[story.label]}", "", sep="\n", soft_wrap=True)
    table = new_table("run", *_COLUMNS, numbers=range(2, 7))
    for run in story.runs:
        alike = sum(near.label == story.label for near in run.neighbours)
        table.add_row(
            run.run,
            names[run.predicted],
            percent(run.probabilities[run.predicted], 1),
            percent(run.probabilities[story.label], 1),
            _forgotten(run),
            f"{alike} of {len(run.neighbours)}" if run.neighbours else "-",
            f"{run.change.grey_levels:.3g} to {names[run.change.after]}" if run.change else "-",
        )
    console.print(table, "")
    say(console, *(notice for run in story.runs for notice in run.notices))
    print(page)


def summarise(story: Explanation, page: Path) -> dict[str, Any]:
    """The story as plain values, ready for JSON; without the pictures and maps."""
    names = story.class_names
    return {
        "image": story.image_id,
        "data": story.data,
        "split": story.split,
        "label": names[story.label],
        "class_names": list(names),
        "runs": [_summarise_run(run, names) for run in story.runs],
        "page": str(page),
    }


def _forgotten(run: RunExplanation) -> str:
    if run.history is None:
        return "-"
    if run.history.first_learnt is None:
        return "never correct"
    return counted(run.history.forgetting_events, "time")


def _summarise_run(run: RunExplanation, names: tuple[str, ...]) -> dict[str, Any]:
    history, doubt, change = run.history, run.label_rank, run.change
    return {
        "run": run.run,
        "split": run.split,
        "notices": list(run.notices),
        "predicted": names[run.predicted],
        "probabilities": run.probabilities.tolist(),
        "views": {name: chances.tolist() for name, chances in zip(VIEWS, run.views, strict=True)},
        "tta": {name: chances.tolist() for name, chances in run.averaged.items()},
        "history": None
        if history is None
        else {
            "split": history.split,
            "right": history.correct,
            **_fields(history, "forgetting_events", "first_learnt"),
            "losses": [None if math.isnan(loss) else loss for loss in history.losses],
        },
        "label_doubt": None if doubt is None else _fields(doubt, "self_confidence", "rank", "count"),
        "neighbours": [
            {"id": near.image_id, "label": names[near.label], "similarity": near.similarity} for near in run.neighbours
        ],
        "attention": run.saliency[0].method if run.saliency else None,
        "smallest_change": None
        if change is None
        else {
            **_fields(change, "grey_levels", "survives_rounding"),
            "before": names[change.before],
            "after": names[change.after],
        },
    }


def _fields(value: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
