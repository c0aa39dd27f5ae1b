"""A study read back from its files, whoever made it: running, stopped or finished. Nothing is trained or executed.

`trials.csv` has what was judged, `trials/<number>.json` what was begun, the runs' `history.csv` the curves.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.search.confirmation import Verdict
from cifarlab.search.parameters import Choice, Range, parse
from cifarlab.search.rounds import Trial, best_of, rungs_of_trials
from cifarlab.search.rules import Rules
from cifarlab.search.study import MEND, Study, open_study
from cifarlab.utils import locks
from cifarlab.utils.best_epoch import best_accuracy
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.json_reading import from_json, read_result

MEASURE = "validation_accuracy"
History = list[dict[str, float]]
STATES = ("complete", "pruned", "failed", "running")
_MOST_TRIALS = 100_000  # a file that names more is damaged


@dataclass(frozen=True)
class StudyRecord:
    """A study as its files tell it.

    Attributes:
        study: Its folder.
        recipe: What is varied.
        rules: By which rules.
        about: What `study.json` says.
        space: By key, the range or choice; empty where a function of the user's own made the settings.
        trials: Those that were begun, by number; the ones that are not judged yet are `"running"`.
        curves: By trial, the validation accuracy of each epoch, a mean over its seeds.
        verdict: None before the confirmation, and without one.
        is_running: Whether a process writes this study now.
    """

    study: Study
    recipe: Recipe
    rules: Rules
    about: Mapping[str, Any]
    space: Mapping[str, Range | Choice]
    trials: tuple[Trial, ...]
    curves: Mapping[int, tuple[float, ...]]
    verdict: Verdict | None
    is_running: bool

    @property
    def leaders(self) -> list[Trial]:
        """The trials that were trained to the end, from the best score on."""
        return best_of(self.trials)

    @property
    def is_done(self) -> bool:
        """Whether the search has come to its end."""
        return self.study.best_file.is_file() and not self.is_running

    def count(self, state: str) -> int:
        """How many trials are in a state."""
        return sum(trial.state == state for trial in self.trials)


def read_study(path: str | Path) -> StudyRecord:
    """A study's trials, curves and verdict.

    Args:
        path: Its folder.

    Raises:
        CifarlabError: If it is no study, a file of it is damaged, or leads out of its folder.
    """
    study = open_study(path)
    for file in (study.about_file, study.trials_file, study.verdict_file, study.path / "trials"):
        check_inside(study, file)
    about = study.about
    try:
        rules = from_json(Rules, about["rules"], "rules")
        texts = from_json(Mapping[str, str], about["space"], "space")
        from_json(Mapping[str, Any], about["data"], "data")
        recipe = study.recipe
    except (ValueError, TypeError) as error:
        raise CifarlabError(f"{study.about_file} is damaged: {say_error(error)}; {MEND}") from error
    rungs = _rungs(study, rules)
    trials, curves = [], {}
    judged = _judged(study)
    for number in _numbers(study):
        histories = _histories(study, number, recipe.seed, rules.seeds_per_trial)
        trials.append(_trial(study, number, judged.get(number, {}), rungs, histories))
        curves[number] = _mean_curve(histories)
    verdict = read_result(Verdict, study.verdict_file, "cifarlab tune again") if study.verdict_file.is_file() else None
    space = {} if "function" in texts else {key: parse(key, text) for key, text in texts.items()}
    return StudyRecord(study, recipe, rules, about, space, tuple(trials), curves, verdict, is_held(study))


def check_inside(study: Study, path: Path) -> None:
    """Refuse a file that a link leads elsewhere.

    Raises:
        CifarlabError: If it is outside the study's folder.
    """
    if not path.resolve().is_relative_to(study.path.resolve()):
        raise CifarlabError(f"{path} leads out of the study's folder: remove the link")


def is_held(study: Study) -> bool:
    """Whether a process writes this study; asked without touching the lock's file (always no on Windows)."""
    return locks.is_held(study.lock_file)


def trial_runs(record: StudyRecord, number: int) -> list[Run]:
    """The runs of a trial that are there, one a seed."""
    seeds = range(record.recipe.seed, record.recipe.seed + record.rules.seeds_per_trial)
    runs = [record.study.trial_run(number, seed) for seed in seeds]
    for run in runs:
        check_inside(record.study, run.path)
    return [run for run in runs if run.state_file.is_file()]


def _numbers(study: Study) -> list[int]:
    names = [path.name for path in (study.path / "trials").glob("*.json")]
    numbers = sorted(int(name[:-5]) for name in names if re.fullmatch(r"[0-9]{4,6}\.json", name))
    for number in numbers:
        check_inside(study, study.trial_file(number))
    return numbers


def _rungs(study: Study, rules: Rules) -> list[tuple[int, tuple[int, ...]]]:
    """Of each trial of the plan its round and the epochs at which it is judged."""
    if not 1 <= rules.trials <= _MOST_TRIALS or not 1 <= rules.epochs <= _MOST_TRIALS or rules.seeds_per_trial < 1:
        raise CifarlabError(
            f"{study.about_file} is damaged: expected numbers of trials, epochs and seeds above 0; {MEND}"
        )
    return rungs_of_trials(rules)


def _judged(study: Study) -> dict[int, dict[str, str]]:
    """The rows of `trials.csv`, by number."""
    if not study.trials_file.is_file():
        return {}
    try:
        with study.trials_file.open(encoding="utf-8", newline="") as file:
            rows = {int(row["number"]): row for row in csv.DictReader(file)}
        for row in rows.values():
            if row["state"] not in STATES:
                raise ValueError(f"a state {row['state']!r}")
            _accuracy(float(row["score"] or 0))
            int(row["epochs"]), int(row["round"])
    except (KeyError, ValueError, TypeError, OSError, csv.Error) as error:
        raise CifarlabError(
            f"{study.trials_file} is damaged ({say_error(error)}): cifarlab tune writes it again"
        ) from error
    return rows


def _trial(
    study: Study,
    number: int,
    row: Mapping[str, str],
    rungs: Sequence[tuple[int, tuple[int, ...]]],
    histories: Sequence[History],
) -> Trial:
    known, failure = study.known(number), study.failure(number)
    assert known is not None  # its file was listed
    settings, parameters = known
    place, at = rungs[number] if number < len(rungs) else (len(rungs), ())
    done = min((len(history) for history in histories), default=0)
    scores = {
        rung: sum(best_accuracy(history[:rung]) for history in histories) / len(histories)
        for rung in at
        if rung <= done and (failure is None or rung < failure[0])
    }
    if row and row["score"]:  # what was judged counts, also where a history is gone
        scores = {rung: score for rung, score in scores.items() if rung < int(row["epochs"])}
        scores[int(row["epochs"])] = float(row["score"])
    state = row["state"] if row else "failed" if failure else "running"
    reason = (row.get("reason") or "") if row else failure[1] if failure else ""
    return Trial(number, settings, parameters, int(row["round"]) if row else place, {}, scores, state, reason)


def _histories(study: Study, number: int, first_seed: int, seeds: int) -> list[History]:
    """Of each seed that was begun the epochs, each with its validation accuracy; fewer than seeds while some wait."""
    found = []
    for seed in range(first_seed, first_seed + seeds):
        run = study.trial_run(number, seed)
        check_inside(study, run.history_file)
        try:
            found.append([{**row, MEASURE: _accuracy(row[MEASURE])} for row in run.history()])
        except (KeyError, ValueError) as error:
            raise CifarlabError(
                f"{run.history_file} is damaged: no {MEASURE} in every line ({say_error(error)})"
            ) from error
    return found


def _mean_curve(histories: Sequence[History]) -> tuple[float, ...]:
    return tuple(sum(row[MEASURE] for row in rows) / len(rows) for rows in zip(*histories, strict=False))


def _accuracy(value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"{value} is no accuracy")
    return value
