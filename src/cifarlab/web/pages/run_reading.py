"""A run's folder as the app reads it: file by file, so that a damaged one is named and hides nothing else."""

import contextlib
import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cifarlab.inference.temperature import FILE_NAME, stored_temperature
from cifarlab.recipes import settings_of
from cifarlab.reports.page import check_together
from cifarlab.runs import Run, training_seconds
from cifarlab.runs.derived import StaleError, damage
from cifarlab.runs.notes import Notes, read_notes
from cifarlab.runs.scores import Scores
from cifarlab.utils.best_epoch import best_epoch
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.files import read_object
from cifarlab.utils.formats import unstamped
from cifarlab.web.pages.run_summaries import SPLITS, RunSummary, Signature

LOST = "its process has ended without a word; continue it with cifarlab train --resume"

T = TypeVar("T")


def read_summary(run: Run, signature: Signature) -> RunSummary | None:
    """The run in a folder, as far as its files go; None where it is no run at all.

    Each file is read on its own: one that is damaged is named, and hides nothing that the others say.
    """
    if not run.state_file.is_file():
        return None
    damaged = Damage()
    unknown = ("failed", "", "")
    state, why, started = damaged.tried(run.state_file, lambda: (*_state(run), str(run.state["started"])), unknown)
    summary = RunSummary(run, signature, state, why, started, damaged=damaged, **_details(run, damaged))
    # A training that has just begun writes its files one after the other.
    return replace(summary, damaged={}, epochs=summary.epochs or 0) if state == "running" else summary


class Damage(dict[str, str]):
    """Name of a file to the sentence that says what is wrong with it."""

    def tried(self, file: Path, read: Callable[[], T], otherwise: T) -> T:
        """What reading a file gives; where it cannot be used, that is noted, and the answer another one."""
        try:
            return read()
        except StaleError:  # whole, and of another model: that is said in other words
            raise
        except (CifarlabError, OSError, ValueError, TypeError, KeyError) as error:
            # What is no sentence of ours names no file.
            known = isinstance(error, CifarlabError) and file.name in str(error)
            self[file.name] = str(error) if known else f"{file} is damaged ({say_error(error)}); restore it"
            return otherwise


def _state(run: Run) -> tuple[str, str]:
    content = run.state
    state, why = str(content["state"]), str(content.get("why") or "")
    # Of a process on another machine nothing is known here.
    is_ours = content.get("host") == platform.node() and content.get("process") != os.getpid()
    if state == "running" and is_ours and not run.is_being_trained():
        return "stopped", LOST
    return state, why


def _details(run: Run, damaged: Damage) -> dict[str, Any]:
    settings = _settings(run, damaged)
    history = damaged.tried(run.history_file, run.history, list[dict[str, float]]())
    environment = damaged.tried(run.environment_file, lambda: run.environment, dict[str, Any]())
    data = damaged.tried(run.data_file, lambda: run.data, dict[str, Any]())
    best = damaged.tried(run.history_file, lambda: _best(history), None)
    planned, labels = settings.get("epochs"), data.get("labels")
    if run.model_file.is_file() and (line := damage(run.model_file)):
        damaged[run.model_file.name] = line  # then nothing tells whose the scores are
    is_known = bool(data) and run.model_file.name not in damaged
    scores, stale = _scores(run, damaged) if is_known else ({}, {})
    return {
        "data": str(data.get("name", "")),
        "model": Path(str(settings.get("model", ""))).stem,
        "recipe": settings,
        "epochs": None if run.history_file.name in damaged else len(history),
        "planned": planned if isinstance(planned, int) else 0,
        "best": best,
        "scores": scores,
        "stale": stale,
        "parameters": environment.get("parameters"),
        "seconds": training_seconds(environment, history),
        "temperature": _temperature(run, damaged),
        "notes": damaged.tried(run.notes_file, lambda: read_notes(run), Notes()),
        "labels": str(labels.get("checksum", "")) if isinstance(labels, Mapping) else "",
        "corrections": _corrections(labels),
    }


def _corrections(labels: object) -> dict[str, int]:
    """How many images got which verdict, of what `data.json` says of a labels file."""
    parts = labels.get("parts") if isinstance(labels, Mapping) else None
    counts = Counter[str]()
    for part in parts.values() if isinstance(parts, Mapping) else ():
        for verdict, count in part.items() if isinstance(part, Mapping) else ():
            counts[str(verdict)] += count if isinstance(count, int) else 0
    return dict(counts)


def _temperature(run: Run, damaged: Damage) -> float | None:
    try:
        return damaged.tried(run.path / FILE_NAME, partial(stored_temperature, run), None)
    except StaleError:  # to calibrate it is offered again
        return None


def _best(history: Sequence[Mapping[str, float]]) -> tuple[float, int] | None:
    best = best_epoch(history)
    return None if best is None else (float(best["validation_accuracy"]), int(best["epoch"]))


def _scores(run: Run, damaged: Damage) -> tuple[dict[str, Scores], dict[str, str]]:
    """The scores of each split, and of those that are of an earlier model only that they are."""
    scores: dict[str, Scores] = {}
    stale: dict[str, str] = {}
    for split in SPLITS:
        file, beside = run.scores_file(split), run.predictions_file(split)
        if not file.is_file():
            continue
        try:
            found = damaged.tried(file, partial(run.scores, split), None)
            said = damaged.tried(beside, partial(run.predictions, split), None) if beside.is_file() else None
        except StaleError as error:
            stale[split] = str(error)
            continue
        if found is not None and said is not None:
            damaged.tried(file, partial(check_together, run, split, found, said), None)
        if found is not None and file.name not in damaged:
            scores[split] = found
    return scores, stale


def _settings(run: Run, damaged: Damage) -> dict[str, Any]:
    """The recipe's fields, those of the model as `model.<name>`; of one that is wrong, what it holds."""
    settings = damaged.tried(run.recipe_file, lambda: settings_of(run.recipe), None)
    if settings is not None:
        return settings
    fields: dict[str, Any] = {}
    with contextlib.suppress(CifarlabError):
        fields = unstamped(read_object(run.recipe_file))
    model_args = fields.pop("model_args", {})
    named = {f"model.{name}": value for name, value in model_args.items()} if isinstance(model_args, Mapping) else {}
    return {"model": fields.pop("model", ""), **named, **fields}
