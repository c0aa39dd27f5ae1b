"""RunFiles: where everything is in a run's folder, and the only place that knows its file names.

runs/<id>/
run.json            format, version, state (running, finished, stopped, failed) and why
recipe.json         the resolved recipe
environment.json    versions, hardware, backend
data.json           which data, from where, with which checksums
labels.csv          the labels file that its labels were corrected by, where one was given
command.txt         the command that makes this run again
history.csv         one line an epoch
model.keras         best on validation (the last epoch's where nothing is held out)
last.weights.h5     the last epoch's weights
checkpoint.npz      everything `--resume` needs, with a checksum; checkpoint-earlier.npz is the one before it
first-steps.json    checksums of the weights after the first steps: what `cifarlab verify` compares with
dynamics.npz        every training and validation image's loss, and whether it was right, epoch by epoch
events.*, train/, validation/   what `tensorboard --logdir` shows
notes.json          tags and a note that somebody gave the run; nothing is computed from it
.lock               held by the process that trains the run; .lock.owner says which
.changing.lock      held for a moment by who reads, changes and writes a file again, or writes several as one
.<name>.<process>.partial   what a process is writing; a resumed training removes those of processes that have ended
trained-images.npz  which images it is trained on: their ids, and a hash of each one's pixels
started-from.json   whose trained weights it began with, where it did
features-train.npz  what the network makes of its training images (written by `cifarlab image`, may be removed)
image-<id>.html     what `cifarlab image` tells of one image
robustness.json     the largest measurement of `cifarlab robustness`; smaller ones robustness-<what was measured>.json
predictions-<split>.npz, scores.json (test; other splits scores-<split>.json), looks.json, figures/, report.html;
    on other data than the run's own predictions-<split>-<data>.npz, scores-<split>-<data>.json;
    with test-time augmentation predictions-<split>[-<data>]-tta-<name>.npz, scores-<split>[-<data>]-tta-<name>.json;
    on labels corrected by a labels file these names end in -labels, and test's is never scores.json
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.runs.schemas import DataFile
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import file_slug
from cifarlab.utils.json_reading import read_fields

RUN_NAME = r"[A-Za-z0-9][A-Za-z0-9._\-]*"
"""A run's name as a regular expression, for Python and for a page's form (which wants the `-` escaped)."""
NAME_RULE = "Letters, digits, '.', '_' and '-', the first a letter or digit; no spaces"
"""The same in words."""
NO_TTA = "none"


class _File:
    """The path of a file in a run's folder, by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: "RunFiles", owner: type) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class RunFiles:
    """The files of a run's folder; what each holds is said above."""

    path: Path

    # Without annotations: with one, each would become a field of the dataclass.
    recipe_file = _File("recipe.json")
    environment_file = _File("environment.json")
    data_file = _File("data.json")
    command_file = _File("command.txt")
    state_file = _File("run.json")
    history_file = _File("history.csv")
    model_file = _File("model.keras")
    last_weights_file = _File("last.weights.h5")
    checkpoint_file = _File("checkpoint.npz")
    earlier_checkpoint_file = _File("checkpoint-earlier.npz")
    dynamics_file = _File("dynamics.npz")
    first_steps_file = _File("first-steps.json")
    figures_dir = _File("figures")
    features_file = _File("features-train.npz")
    trained_images_file = _File("trained-images.npz")
    report_file = _File("report.html")
    looks_file = _File("looks.json")
    labels_file = _File("labels.csv")
    started_from_file = _File("started-from.json")
    notes_file = _File("notes.json")

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name  # resolved, since the path may be "." or end in ".."

    def image_file(self, image_id: str) -> Path:
        """The page about one image."""
        return self.path / f"image-{file_slug(image_id)}.html"

    def predictions_file(
        self, split: str, data: str | None = None, tta: str = NO_TTA, *, corrected: bool = False
    ) -> Path:
        """What the model said about every image of `split`, of the run's own data or of another data set.

        Args:
            split: `"train"`, `"validation"` or `"test"`.
            data: Name of the data set; by default the run's own.
            tta: Test-time augmentation.
            corrected: Whether `evaluate` was given a labels file: such answers are never mixed with the others.
        """
        return self.path / f"predictions-{split}{self._suffix(data, tta, corrected)}.npz"

    def stored_predictions_file(self, split: str, tta: str = NO_TTA) -> Path:
        """`predictions_file` of the run's own data, once it is sure to be there.

        Raises:
            CifarlabError: If the run has not been evaluated on `split`; the message says what to do.
        """
        path = self.predictions_file(split, tta=tta)
        if not path.is_file():
            raise CifarlabError(
                f"{self.path} has no predictions on {split} (expected {path.name} in it): run "
                f"{evaluate_command([self.path], split, tta)}"
            )
        return path

    def scores_file(self, split: str, data: str | None = None, tta: str = NO_TTA, *, corrected: bool = False) -> Path:
        """The numbers about `split`; the arguments are those of `predictions_file`."""
        suffix = self._suffix(data, tta, corrected)
        return self.path / ("scores.json" if split == "test" and not suffix else f"scores-{split}{suffix}.json")

    def _suffix(self, data: str | None, tta: str, corrected: bool) -> str:
        """What tells files apart: another data set than the run's own, test-time augmentation, corrected labels."""
        other = "" if data is None or data == self.data_name else f"-{file_slug(data)}"
        return other + ("" if tta == NO_TTA else f"-tta-{tta}") + ("-labels" if corrected else "")

    @property
    def data(self) -> dict[str, Any]:
        """What `data.json` says: name, location, how, checksums, data_dir."""
        return read_fields(DataFile, self.data_file, "restore the file, or train the run again")

    @property
    def data_dir(self) -> str | None:
        """Where the run found its data, if that place is still there."""
        remembered = self.data.get("data_dir")
        return str(remembered) if remembered and Path(str(remembered)).exists() else None

    @property
    def data_name(self) -> str:
        """The data set that the run was trained on."""
        return str(self.data["name"])


def evaluate_command(runs: Iterable[Path], split: str, tta: str = NO_TTA) -> str:
    """The command that measures runs on a split and on no other: a look at the test set must be wanted.

    Args:
        runs: Their folders.
        split: `"train"`, `"validation"` or `"test"`.
        tta: Test-time augmentation.
    """
    options = ("" if split == "test" else f" --split {split}") + ("" if tta == NO_TTA else f" --tta {tta}")
    return f"cifarlab evaluate {' '.join(map(str, runs))}{options}"


def describe_tta(tta: str) -> str:
    """How a table or sentence names it: `"TTA flip"`; `"without TTA"` for none."""
    return "without TTA" if tta == NO_TTA else f"TTA {tta}"


def with_tta(tta: str | None) -> str:
    """`", TTA flip"`, to put behind what was asked; nothing for none."""
    return "" if tta in (None, NO_TTA) else f", {describe_tta(str(tta))}"
