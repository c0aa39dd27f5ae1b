"""A study for other programs and for people: a table, Optuna's journal, and the recipe that was found."""

import csv
import dataclasses
import shlex
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifarlab.recipes import Recipe
from cifarlab.search.confirmation import Verdict
from cifarlab.search.rounds import Trial
from cifarlab.search.study import Study
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError, say_error


def write_trials(study: Study, trials: Sequence[Trial]) -> Path:
    """`trials.csv`: number, round, state, epochs, score, reason, and a column a setting."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.settings))
    columns = ["number", "round", "state", "epochs", "score", *keys, "reason"]
    rows = [
        {
            **{name: getattr(trial, name) for name in columns[:5]},
            **{key: trial.settings.get(key, "") for key in keys},
            "reason": trial.reason,
        }
        for trial in sorted(trials, key=lambda trial: trial.number)
    ]
    return files.write_csv(study.trials_file, rows, columns)


def count_trials(study: Study) -> int:
    """How many trials `trials.csv` has; 0 before there is one."""
    return len(_written_settings(study))


def _written_settings(study: Study) -> dict[int, dict[str, str]]:
    """Of each trial in `trials.csv`, by its number."""
    if not study.trials_file.is_file():
        return {}
    with study.trials_file.open(encoding="utf-8", newline="") as file:
        return {int(row["number"]): dict(row) for row in csv.DictReader(file)}


def write_journal(study: Study, trials: Sequence[Trial], storage: str | None = None) -> None:
    """Add what is new to Optuna's journal, which `optuna-dashboard` opens, or to a database.

    Args:
        study: Whose.
        trials: All so far, each judged to its end, in that order.
        storage: A database's URL instead of the journal.

    Raises:
        CifarlabError: If it cannot be written, or the database holds another study of that name.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    _drop_half_line(study.journal_file)
    try:
        backend = storage or JournalStorage(JournalFileBackend(str(study.journal_file)))
        journal = optuna.create_study(storage=backend, study_name=study.name, direction="maximize", load_if_exists=True)
        if storage:
            _check_ours(journal, study, {trial.number: trial.settings for trial in trials}, storage)
        frozen = [_frozen(trial) for trial in trials]
        have = journal.get_trials(deepcopy=False)
        if [_content(each) for each in have] != [_content(each) for each in frozen[: len(have)]]:
            # Judged in a larger round now, or the folder was made anew.
            optuna.delete_study(study_name=study.name, storage=backend)
            journal, have = optuna.create_study(storage=backend, study_name=study.name, direction="maximize"), []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for each in frozen[len(have) :]:
                journal.add_trial(each)
    except (OSError, ValueError, KeyError) as error:
        where = storage or study.journal_file
        raise CifarlabError(f"cannot write {where}: {error}; remove it, it is written again from the trials") from error


def open_storage(study: Study, storage: str) -> None:
    """Make sure before anything is trained that a database can be written.

    Args:
        study: Whose trials it is going to hold.
        storage: Its URL.

    Raises:
        CifarlabError: If it cannot be opened, or holds another study of that name.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it says what it makes
    try:
        there = optuna.create_study(storage=storage, study_name=study.name, direction="maximize", load_if_exists=True)
        _check_ours(there, study, _written_settings(study), storage)
    except CifarlabError:
        raise
    except Exception as error:  # drivers of databases raise what they like
        raise CifarlabError(
            f"cannot open the database {storage}: {say_error(error)}; expected a URL such as sqlite:///optuna.db"
        ) from error


def _check_ours(there: Any, study: Study, known: Mapping[int, Mapping[str, str]], storage: str) -> None:
    """Refuse a study in a database whose trials are not this one's: it is of another folder, or of another program.

    Args:
        there: The database's.
        study: Ours.
        known: Settings of our trials, by number.
        storage: The database's URL.
    """
    for trial in there.get_trials(deepcopy=False):
        settings = {key: value for key, value in trial.user_attrs.items() if key not in ("trial", "round", "reason")}
        own = known.get(trial.user_attrs.get("trial"))
        if own is None or any(own.get(key) != value for key, value in settings.items()):
            raise CifarlabError(
                f"{storage} holds another study of the name {study.name}: give --name, or another database"
            )


def _frozen(trial: Trial) -> Any:
    from optuna.trial import TrialState, create_trial

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return create_trial(
        state=states[trial.state],
        value=trial.score if trial.state == "complete" else None,
        params=dict(trial.parameters) if trial.distributions else {},
        distributions=dict(trial.distributions),
        intermediate_values=dict(trial.scores),
        user_attrs={"trial": trial.number, "round": trial.round, "reason": trial.reason, **trial.settings},
    )


def _content(trial: Any) -> tuple[Any, ...]:
    """What two trials have in common that are the same, whenever they were added."""
    return trial.state, trial.value, trial.params, trial.intermediate_values


def _drop_half_line(journal: Path) -> None:
    """What a full disk or a lost power left of the last line: Optuna would read nothing after it."""
    if journal.is_file():
        content = journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            files.write_bytes(journal, whole)


def write_best(study: Study, recipe: Recipe, verdict: Verdict | None, trial: Trial, base: str) -> Path:
    """`best.py`, ready for `cifarlab train`: the recipe, where it came from and what was measured.

    Args:
        study: Whose.
        recipe: The recipe found, without the part set aside for the confirmation.
        verdict: What the confirmation says; None if there was none.
        trial: Whose settings these are.
        base: The recipe's name that was varied.
    """
    said = verdict.sentence if verdict else "It was not confirmed: its score flatters itself, as the best of many."
    about = f"""{base}, as a search varied it: trial {trial.number} of the study {study.name}.

    cifarlab train {shlex.quote(study.best_file.as_posix())}

{textwrap.fill(said, 115)}
"""
    quoted = about.replace("\\", "\\\\").replace('"""', "'''")
    text = f'''"""{quoted}"""

from cifarlab import Recipe

RECIPE = Recipe(
{_arguments(recipe)})
'''
    return files.write_text(study.best_file, text)


def _arguments(recipe: Recipe) -> str:
    """What differs from the defaults, a line each."""
    lines = []
    for each in dataclasses.fields(Recipe):
        value = getattr(recipe, each.name)
        default = each.default_factory() if each.default_factory is not dataclasses.MISSING else each.default
        if value != default:
            lines.append(f"    {each.name}={value!r},\n")
    return "".join(lines)
