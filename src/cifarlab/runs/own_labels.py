"""A run's own labels file: the copy of what its training's labels were corrected by, and its data with them."""

from cifarlab import datasets
from cifarlab.datasets import Splits
from cifarlab.datasets.verdicts import Corrections, LabelsFile, correct_labels, read_labels
from cifarlab.runs.run import Run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import stamped

LEARNED_FROM = ("train", "validation")
"""What a training's labels file changes: the test set stays as it was published."""
_KEY = "labels"


def keep_labels(run: Run, labels: LabelsFile, made: Corrections) -> None:
    """Put a copy of the labels file into a run that is being made, and into its `data.json` what it changed."""
    files.write_bytes(run.labels_file, labels.content)
    about = {"file": str(labels.path), "checksum": made.checksum, "parts": made.parts, "left_out": made.left_out}
    files.write_json(run.data_file, stamped({**run.data, _KEY: about}))


def own_labels(run: Run) -> LabelsFile | None:
    """The labels file that a run was trained with; None of one that was trained on the labels as they are.

    Raises:
        CifarlabError: If its copy in the run is gone or has changed.
    """
    recorded = run.data.get(_KEY)
    if recorded is None:
        return None
    if not isinstance(recorded, dict) or not isinstance(recorded.get("checksum"), str):
        raise CifarlabError(f"{run.data_file} is damaged: {_KEY!r} names no checksum; train the run again")
    again = "put that file back, or train again with --labels"
    if not run.labels_file.is_file():
        raise CifarlabError(f"{run.path} was trained with a labels file, and {run.labels_file.name} is gone: {again}")
    if f"sha256:{files.checksum(run.labels_file, 'sha256')}" != recorded["checksum"]:
        raise CifarlabError(f"{run.labels_file} is not the labels file that the run was trained with: {again}")
    return read_labels(run.labels_file)


def with_own_labels(run: Run, splits: Splits) -> Splits:
    """A run's data as its training saw them: training and validation labels corrected, where it had a labels file.

    Args:
        run: Whose labels file.
        splits: Its data set, as it is.

    Raises:
        CifarlabError: If the labels file is not that of the training, or does not fit the data.
    """
    labels = own_labels(run)
    return splits if labels is None else correct_labels(splits, labels, LEARNED_FROM)[0]


def load_own_data(run: Run, data_dir: str | None = None, *, download: bool = True) -> Splits:
    """Load the data of a run as its training saw them.

    Args:
        run: Which run.
        data_dir: Where they are, if not where the run found them.
        download: Whether the network may be used.

    Raises:
        CifarlabError: If they cannot be had, or its labels file is not that of the training.
    """
    where = data_dir or run.data_dir
    splits = datasets.load_data(run.data_name, data_dir=where, download=download, **run.recipe.held_out)
    return with_own_labels(run, splits)
