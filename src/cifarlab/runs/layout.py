"""RunFiles: where everything is in a run's folder, and the only place that knows its file names.

runs/<id>/
run.json            format, version, state (running, finished, stopped, failed) and why
recipe.json         the resolved recipe
environment.json    versions, hardware, backend
data.json           which data, from where, with which checksums
command.txt         the command that makes this run again
history.csv         one line an epoch
model.keras         best on validation (the last epoch's where nothing is held out)
last.weights.h5     the last epoch's weights
checkpoint.npz      everything `--resume` needs
dynamics.npz        every training and validation image's loss, and whether it was right, epoch by epoch
events.*, train/, validation/   what `tensorboard --logdir` shows
.lock               held by the process that trains the run
trained-images.npz  which images it is trained on: their ids, and a hash of each one's pixels
features-train.npz  what the network makes of its training images (written by `cifarlab image`, may be removed)
image-<id>.html     what `cifarlab image` tells of one image
robustness.json     the largest measurement of `cifarlab robustness`; smaller ones robustness-<what was measured>.json
predictions-<split>.npz, scores.json (test; other splits scores-<split>.json), looks.json, figures/, report.html;
    on other data than the run's own predictions-<split>-<data>.npz, scores-<split>-<data>.json;
    with test-time augmentation predictions-<split>[-<data>]-tta-<name>.npz, scores-<split>[-<data>]-tta-<name>.json
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import file_slug, read_object

RUN_NAME = r"[A-Za-z0-9][A-Za-z0-9._\-]*"
"""A run's name as a regular expression, for Python and for a page's form (which wants the `-` escaped)."""
NO_TTA = "none"


@dataclass(frozen=True)
class RunFiles:
    """The files of a run's folder."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def recipe_file(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.json"

    @property
    def environment_file(self) -> Path:
        """Versions and hardware."""
        return self.path / "environment.json"

    @property
    def data_file(self) -> Path:
        """Which data, from where."""
        return self.path / "data.json"

    @property
    def command_file(self) -> Path:
        """The command that makes this run again."""
        return self.path / "command.txt"

    @property
    def state_file(self) -> Path:
        """Format, version and state."""
        return self.path / "run.json"

    @property
    def history_file(self) -> Path:
        """One line an epoch."""
        return self.path / "history.csv"

    @property
    def model_file(self) -> Path:
        """The whole model, best on validation."""
        return self.path / "model.keras"

    @property
    def last_weights_file(self) -> Path:
        """The last epoch's weights."""
        return self.path / "last.weights.h5"

    @property
    def checkpoint_file(self) -> Path:
        """Everything that resuming needs."""
        return self.path / "checkpoint.npz"

    @property
    def dynamics_file(self) -> Path:
        """Every image's loss, and whether it was right, epoch by epoch."""
        return self.path / "dynamics.npz"

    @property
    def figures_dir(self) -> Path:
        """Pictures of the evaluation."""
        return self.path / "figures"

    @property
    def features_file(self) -> Path:
        """The network's features of its training images, kept because they take time."""
        return self.path / "features-train.npz"

    @property
    def trained_images_file(self) -> Path:
        """Which images the model is trained on."""
        return self.path / "trained-images.npz"

    @property
    def report_file(self) -> Path:
        """The run's own report."""
        return self.path / "report.html"

    @property
    def looks_file(self) -> Path:
        """Every look at a held-out split."""
        return self.path / "looks.json"

    def image_file(self, image_id: str) -> Path:
        """The page about one image."""
        return self.path / f"image-{file_slug(image_id)}.html"

    def predictions_file(self, split: str, data: str | None = None, tta: str = NO_TTA) -> Path:
        """What the model said about every image of `split`, of the run's own data or of another data set."""
        return self.path / f"predictions-{split}{self._suffix(data, tta)}.npz"

    def stored_predictions_file(self, split: str) -> Path:
        """`predictions_file` of the run's own data, single-view, once it is sure to be there.

        Raises:
            CifarlabError: If the run has not been evaluated on `split`; the message says what to do.
        """
        path = self.predictions_file(split)
        if not path.is_file():
            raise CifarlabError(
                f"{self.path} has no predictions on {split} (expected {path.name} in it): run "
                f"{evaluate_command([self.path], split)}"
            )
        return path

    def scores_file(self, split: str, data: str | None = None, tta: str = NO_TTA) -> Path:
        """The numbers about `split`, of the run's own data or of another data set."""
        suffix = self._suffix(data, tta)
        return self.path / ("scores.json" if split == "test" and not suffix else f"scores-{split}{suffix}.json")

    def _suffix(self, data: str | None, tta: str) -> str:
        """What tells files apart: the name of another data set than the run's own, that of test-time augmentation."""
        return self._data_suffix(data) + ("" if tta == NO_TTA else f"-tta-{tta}")

    def _data_suffix(self, data: str | None) -> str:
        """The name of another data set, made fit for a file name; empty for the run's own."""
        if data is None or data == self.data_name:
            return ""
        return f"-{file_slug(data)}"

    @property
    def data(self) -> dict[str, Any]:
        """What `data.json` says: name, location, how, checksums, data_dir."""
        return read_object(self.data_file, "name")

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
    """How a table or sentence names it: `"TTA flip"`; `"single-view"` for none."""
    return "single-view" if tta == NO_TTA else f"TTA {tta}"
