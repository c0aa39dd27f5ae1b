"""A study's folder: what is searched, by which rules, and what has been tried.

studies/<name>/
study.json              what is searched on which data by which rules, with versions
trials/<number>.json    a trial's settings, written when it begins; why it failed
trials/<number>-seed<k> its run: the best trials' whole, of the others no weights
trials/.<run>.lock      held by the process that trains that run; beside those of the confirmation too
confirmation/           the winners and the recipe as shipped, trained anew
trials.csv              one line a trial
arrivals.csv            in which order trials reached their rungs, where they are judged as they arrive
journal.log             the same for Optuna and its dashboard
verdict.json            whether the winner is better
best.py                 the recipe that was found
report.html             the page
.lock                   held by the process that writes all these
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab.recipes import Recipe, from_dict, override
from cifarlab.runs import Run
from cifarlab.search.rounds import Trial
from cifarlab.search.rules import Rules
from cifarlab.search.space import Settings
from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.files import read_object
from cifarlab.utils.json_reading import from_json

FORMAT = 1
MEND = "put it back from a copy, or begin another study with another --name"
MEND_TRIAL = "remove it and its run, and give the study's command again"


@dataclass(frozen=True)
class Study:
    """A study's folder on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def about(self) -> dict[str, Any]:
        """What `study.json` says."""
        return _read(self.about_file, MEND, "recipe", "space", "rules", "data")

    @property
    def recipe(self) -> Recipe:
        """What is varied, as shipped but for what was fixed, with the epochs of a trial."""
        return from_dict(self.about["recipe"])

    @property
    def rules(self) -> Rules:
        """By which rules."""
        return Rules(**self.about["rules"])

    @property
    def about_file(self) -> Path:
        """`study.json`."""
        return self.path / "study.json"

    @property
    def trials_file(self) -> Path:
        """`trials.csv`."""
        return self.path / "trials.csv"

    @property
    def arrivals_file(self) -> Path:
        """`arrivals.csv`."""
        return self.path / "arrivals.csv"

    @property
    def journal_file(self) -> Path:
        """`journal.log`."""
        return self.path / "journal.log"

    @property
    def verdict_file(self) -> Path:
        """`verdict.json`."""
        return self.path / "verdict.json"

    @property
    def best_file(self) -> Path:
        """`best.py`."""
        return self.path / "best.py"

    @property
    def report_file(self) -> Path:
        """`report.html`."""
        return self.path / "report.html"

    @property
    def lock_file(self) -> Path:
        """Held by the process that writes the study's own files."""
        return self.path / ".lock"

    def trial_file(self, number: int) -> Path:
        """A trial's settings."""
        return self.path / "trials" / f"{number:04d}.json"

    def trial_run(self, number: int, seed: int) -> Run:
        """A trial's training with one seed."""
        return Run(self.path / "trials" / f"{number:04d}-seed{seed}")

    def confirmation_run(self, label: str, seed: int) -> Run:
        """A training of the confirmation."""
        return Run(self.path / "confirmation" / f"{label}-seed{seed}")

    def recipe_of(self, settings: Settings, seed: int | None = None) -> Recipe:
        """The recipe of a trial."""
        seeds = [] if seed is None else [f"seed={seed}"]
        return override(self.recipe, [*(f"{key}={value}" for key, value in settings.items()), *seeds])

    def known(self, number: int) -> tuple[Settings, Mapping[str, Any]] | None:
        """Settings and parameters of a trial that was begun; None of one that was not."""
        if not self.trial_file(number).is_file():
            return None
        stored = _read(self.trial_file(number), MEND_TRIAL, "settings", "parameters")
        try:
            settings = from_json(dict[str, str], stored["settings"], "settings")
        except ValueError as error:
            raise CifarlabError(f"{self.trial_file(number)} is damaged: {say_error(error)}; {MEND_TRIAL}") from error
        return settings, stored["parameters"]

    def failure(self, number: int) -> tuple[int, str] | None:
        """At which rung a trial failed, and why; None of one that has not."""
        if not self.trial_file(number).is_file():
            return None
        stored = read_object(self.trial_file(number), mend=MEND_TRIAL).get("failed")
        if not stored:
            return None
        try:
            return int(stored["epochs"]), str(stored["reason"])
        except (ValueError, TypeError, KeyError) as error:
            raise CifarlabError(f"{self.trial_file(number)} is damaged: {error!r}; {MEND_TRIAL}") from error

    def remember(self, trial: Trial, failed: tuple[int, str] | None = None) -> None:
        """Write a trial's settings, and why it failed if it did."""
        values: dict[str, Any] = {"settings": trial.settings, "parameters": dict(trial.parameters)}
        if failed:
            values["failed"] = {"epochs": failed[0], "reason": failed[1]}
        files.write_json(self.trial_file(trial.number), values)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[], bool]]:
        """Asked at any time: whether this process is the one that writes the study's own files; others only train.

        When the one that does ends, or is killed, another does it from then on.
        """
        with contextlib.ExitStack() as held:
            is_held = False

            def is_mine() -> bool:
                nonlocal is_held
                if not is_held:
                    with contextlib.suppress(locks.BusyError):
                        # A second, since whoever looks whether the study runs holds it for an instant.
                        held.enter_context(locks.hold(self.lock_file, f"{self.path} is written", "wait for it", 1.0))
                        is_held = True
                return is_held

            is_mine()
            yield is_mine


def _read(path: Path, mend: str, *keys: str) -> dict[str, Any]:
    """A JSON object that holds these objects."""
    values = read_object(path, *keys, mend=mend)
    wrong = [key for key in keys if not isinstance(values[key], dict)]
    if wrong:
        raise CifarlabError(f"{path} is damaged: {', '.join(wrong)} should be an object; {mend}")
    return values


def open_study(path: str | Path) -> Study:
    """An existing study.

    Raises:
        CifarlabError: If there is none.
    """
    study = Study(Path(path))
    if not study.about_file.is_file():
        raise CifarlabError(f"no study at {path}: expected a folder that cifarlab tune made")
    stored = study.about.get("format")
    if stored != FORMAT:
        raise CifarlabError(f"{path} has format {stored}, this is cifarlab {cifarlab.__version__} with format {FORMAT}")
    return study
