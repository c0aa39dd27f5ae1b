"""Run: a training's folder, with what it says and in which state it is; its file names are in `layout`."""

import datetime
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab import recipes as recipe
from cifarlab.runs import derived
from cifarlab.runs.derived import StaleError
from cifarlab.runs.histories import read_history
from cifarlab.runs.layout import NO_TTA, RUN_NAME, describe_tta, evaluate_command
from cifarlab.runs.ownership import RESTORE, OwnedRun
from cifarlab.runs.predictions import Predictions, read_origin
from cifarlab.runs.schemas import EnvironmentFile, LooksFile
from cifarlab.runs.scores import Scores
from cifarlab.utils import discovery, files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_text
from cifarlab.utils.formats import FORMAT, check_format, stamped
from cifarlab.utils.json_reading import read_fields, read_result

_FORGET = "restore the file; without it, what was looked at before is not counted any more"
MAKING, USE = "making", "use"
"""In which phase somebody looked: the built-in model brings along the looks of its making."""


@dataclass(frozen=True)
class Run(OwnedRun):
    """A training's folder on disk."""

    @property
    def recipe(self) -> recipe.Recipe:
        """The recipe that was trained.

        Raises:
            CifarlabError: If it cannot be read, or is of another version of cifarlab.
        """
        values = files.read_json(self.recipe_file, RESTORE)
        check_format(self.recipe_file, values)
        try:
            return recipe.from_dict(values)
        except CifarlabError as error:
            reason = str(error).rstrip(".")
            raise CifarlabError(
                f"{self.recipe_file} is no recipe of this version of cifarlab: {reason}; train the run again with "
                "this version"
            ) from error

    @property
    def environment(self) -> dict[str, Any]:
        """What `environment.json` says."""
        return read_fields(EnvironmentFile, self.environment_file, RESTORE)

    @property
    def labels_checksum(self) -> str:
        """Of the labels file that it learned by; empty where its labels are as published."""
        labels = self.data.get("labels")
        return str(labels.get("checksum", "")) if isinstance(labels, Mapping) else ""

    @property
    def command(self) -> str:
        """The command that makes this run again."""
        return read_text(self.command_file).strip()

    def history(self) -> list[dict[str, float]]:
        """One dictionary an epoch, numbers only; empty before the first epoch ends."""
        if not self.history_file.is_file():
            return []
        return read_history(self.history_file)

    def write_history(self, rows: list[Mapping[str, float]]) -> None:
        """Replace the history; columns are those of the first row."""
        if rows:
            files.write_csv(self.history_file, rows, rows[0])

    def scores(self, split: str = "test", tta: str = NO_TTA) -> Scores:
        """The numbers about `split` of the run's own data, single-view or with a test-time augmentation.

        Returns:
            What `evaluate` wrote; of a file that does not say of which model it is, and is older than the model, with
            one more of its `notices`.

        Raises:
            CifarlabError: If the run has not been evaluated on `split` in this way, or the file is damaged.
            StaleError: If it has been trained further since, or has another model, or the predictions beside the scores
                are of another evaluation.
        """
        file = self.scores_file(split, tta=tta)
        if not file.is_file():
            how = "" if tta == NO_TTA else f" with {describe_tta(tta)}"
            raise CifarlabError(
                f"{self.path} has no scores on {split}{how} (expected {file.name} in it): run "
                f"{evaluate_command([self.path], split, tta)}"
            )
        command = evaluate_command([self.path], split, tta)
        scores = read_result(Scores, file, command)
        notice = derived.check(self, file, scores.model_checksum, command)
        origin = read_origin(self.predictions_file(split, tta=tta))
        evaluation = scores.model_checksum, scores.images
        if origin is not None and (origin.model_checksum, origin.images) != evaluation:
            beside = self.predictions_file(split, tta=tta).name
            raise StaleError(f"{file} and {beside} are of two evaluations and do not belong together: run {command}")
        return replace(scores, notices=(*scores.notices, notice)) if notice else scores

    def predictions(self, split: str) -> Predictions:
        """What the model said about `split` of the run's own data, without TTA.

        Raises:
            CifarlabError: If the run has not been evaluated on `split`, or the file is broken.
            StaleError: If it has been trained further since, or has another model.
        """
        return self.predictions_with_notices(split)[0]

    def predictions_with_notices(self, split: str, tta: str = NO_TTA) -> tuple[Predictions, list[str]]:
        """`predictions`, or those with test-time augmentation, and what a reader must know of them.

        That is: that they may be of an earlier model, and that the model was trained on some of the images.
        """
        predictions, uncertain = self._read_predictions(split, tta)
        notices = [uncertain] if uncertain else []
        if predictions.origin is not None and split != "train" and predictions.origin.trained_on.any():
            images = f"{predictions.origin.trained_on.sum():,} of the {len(predictions):,} {split} images"
            notices.append(f"{self.name} was trained on {images}: its predictions of these are no test.")
        return predictions, notices

    def has_current_predictions(self, split: str) -> bool:
        """Whether there are predictions on `split` that are sure to be the present model's."""
        try:
            return not self._read_predictions(split)[1]
        except CifarlabError:  # missing, stale or broken: to evaluate again is what mends it
            return False

    def _read_predictions(self, split: str, tta: str = NO_TTA) -> tuple[Predictions, str]:
        """What the model said, and why that is uncertain, if it is."""
        file = self.stored_predictions_file(split, tta)
        predictions = Predictions.load(file)
        recorded = None if predictions.origin is None else predictions.origin.model_checksum
        return predictions, derived.check(self, file, recorded, evaluate_command([self.path], split, tta))

    def record_look(self, split: str, why: str, data: str | None = None, tta: str = NO_TTA) -> int:
        """Remember that somebody looked at `split`, of the run's own data or of another data set.

        Returns:
            How many looks at these images there have been, this one included.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        look = {"split": split, "data": data or self.data_name, "tta": tta, "when": now, "why": why}
        with self.changing():  # of two who look at once, each would write a record without the other's look
            self.write_looks(looks := [*self.looks(), look])
        return sum((each["split"], each["data"]) == (split, look["data"]) for each in looks)

    def write_looks(self, looks: Sequence[Mapping[str, str]]) -> None:
        """Replace the record of looks."""
        files.write_json(self.looks_file, stamped({"looks": looks}))

    def looks_in_making(self, split: str, data: str | None = None) -> int:
        """How many of the looks at `split` were those of who made the model, before it came to its user."""
        name = data or self.data_name
        return sum((each["phase"], each["split"], each["data"]) == (MAKING, split, name) for each in self.looks())

    def looks(self) -> list[dict[str, str]]:
        """Every recorded look: split, data (the run's own where the record says none), tta, phase, when, why."""
        looks = read_fields(LooksFile, self.looks_file, _FORGET, "looks")["looks"] if self.looks_file.is_file() else []
        return [{"data": self.data_name, "tta": NO_TTA, "phase": USE, **look} for look in looks]


def create_run(root: Path, name: str) -> Run:
    """Make a new run folder; an existing one is never touched, a number is added instead.

    Args:
        root: The folder of all runs.
        name: Wanted folder name: letters, digits, `.`, `_` and `-`.

    Raises:
        CifarlabError: If the name is not a folder name, `root` an address, or the disk cannot be written.
    """
    if not re.fullmatch(RUN_NAME, name):
        raise CifarlabError(f"a run's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}")
    files.check_no_url(root)
    for number in itertools.count(1):
        path = root / (name if number == 1 else f"{name}-{number}")
        try:
            files.make_folder(root)
            path.mkdir()  # this claims the name: of two processes one only succeeds
        except FileExistsError:
            if not root.is_dir():
                raise CifarlabError(f"{root} is not a folder: give another one as --runs-dir") from None
            continue
        except OSError as error:
            raise CifarlabError(f"cannot make {path}: {error.strerror}; choose another folder as --runs-dir") from error
        return Run(path)
    raise AssertionError("unreachable")


def open_run(path: str | os.PathLike[str], *, needs_model: bool = False) -> Run:
    """An existing run, checked.

    Args:
        path: The run's folder.
        needs_model: Also demand the trained model.

    Raises:
        CifarlabError: If the folder is missing, not a run, incomplete or of another format.
    """
    run = Run(Path(path))
    if not run.path.is_dir():
        beside = [each.parent.name for each in sorted(run.path.parent.glob("*/run.json"))]
        hint = discovery.did_you_mean(run.path.name, beside)
        raise CifarlabError(f"no run at {path}: {hint}expected a folder that cifarlab train made")
    if not run.state_file.is_file():
        raise CifarlabError(f"{path} is not a run: it has no run.json; expected a folder that cifarlab train made")
    stored = files.read_json(run.state_file, RESTORE)
    check_format(run.state_file, stored)
    written = stored.get("format") if isinstance(stored, dict) else None
    if written != FORMAT:
        version = stored.get("cifarlab", "unknown") if isinstance(stored, dict) else "unknown"
        raise CifarlabError(
            f"{path} was written by cifarlab {version} in format {written}, this is cifarlab {cifarlab.__version__} "
            f"with format {FORMAT}: open it with that version, or train it again"
        )
    state = run.state["state"]  # all of the file is checked with it
    needed = [run.recipe_file, run.data_file, run.environment_file]
    missing = [file.name for file in needed + ([run.model_file] if needs_model else []) if not file.is_file()]
    if missing:
        raise CifarlabError(f"{path} is incomplete ({state}): it lacks {', '.join(missing)}; {_way_on(run, missing)}")
    return run


def _way_on(run: Run, missing: Sequence[str]) -> str:
    """What to do about a run that lacks files: one that was killed before its first checkpoint begins again, too."""
    if run.is_being_trained():
        return "it is being trained: wait until that has ended"
    is_begun = run.has_checkpoint() or list(missing) == [run.model_file.name]
    if run.state["state"] == "finished" or not is_begun:
        return "train it again"
    return f"continue it with cifarlab train --resume {run.path}"


def unique_names(runs: Sequence[Run]) -> list[str]:
    """Folder names; where two are the same, with the folder above, then with a number."""
    names = [run.name for run in runs]
    longer = [f"{run.path.resolve().parent.name}/{run.name}" for run in runs]
    labels: list[str] = []
    for name, long in zip(names, longer, strict=True):
        label = name if names.count(name) == 1 else long
        labels.append(label if label not in labels else f"{label} ({len(labels) + 1})")
    return labels


def training_seconds(environment: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> float | None:
    """How long a run's epochs took: as noted at the end of its training, before that their sum; None if nothing tells.

    Args:
        environment: What `environment.json` says.
        history: One dictionary an epoch.
    """
    noted = environment.get("training_seconds")
    epochs = sum(row.get("epoch_seconds", 0.0) for row in history)
    return float(noted) if isinstance(noted, int | float) and noted else epochs or None
