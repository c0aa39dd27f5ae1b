"""The pictures that a proof looks at: of the test part, always the same; and of training, for what is quantised."""

from dataclasses import dataclass

import numpy as np

from cifarlab import datasets, recipes
from cifarlab.datasets import Splits
from cifarlab.exports.quantising import choose_calibration
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run
from cifarlab.runs.pretrained_run import AnyRun, is_builtin, open_run
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels

PROOF_PICTURES = 1000
JUDGED_PICTURES = 10_000
"""At most so many for the accuracy of a quantised network, whose interval 1,000 would leave wide."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is shown to the run and to the file.

    Attributes:
        images: `(N, H, W, C)` uint8.
        labels: `(N,)` int64.
        split: Which part they are of.
        calibration: `(M, H, W, C)` uint8 of training, none of them among `images`.
    """

    images: Pixels
    labels: Array
    split: str
    calibration: Pixels


def choose_pictures(run: AnyRun, data_dir: str | None, *, is_quantised: bool) -> Pictures:
    """Pictures of a run's own data: of test, or where there are none of validation, or of training.

    Args:
        run: Or its folder, or `"builtin"`.
        data_dir: Where the data are, if not where the run found them.
        is_quantised: Whether accuracy is compared, which wants more.

    Raises:
        CifarlabError: If the data are missing, or have no pictures.
    """
    splits = _load(run, data_dir)
    names = [name for name in ("test", "validation", "train") if len(splits[name])]
    if is_quantised:
        names = [name for name in names if name != "train"]
    if not names:
        raise CifarlabError(f"{splits.source.name} has no pictures to compare answers on: expected a test part")
    part = splits[names[0]]
    most = JUDGED_PICTURES if is_quantised else PROOF_PICTURES
    rows = np.sort(np.random.default_rng(0).permutation(len(part))[:most])
    return Pictures(part.images[rows], part.labels[rows], names[0], choose_calibration(splits.train.images))


def record_judgement(run: AnyRun, pictures: Pictures, why: str) -> None:
    """Record in a run the look at its test labels that comparing accuracies is; the built-in model keeps no record."""
    if isinstance(run, Run) and pictures.split == "test":
        run.record_look("test", why)


def _load(run: AnyRun, data_dir: str | None) -> Splits:
    if is_builtin(run):
        held_out = recipes.from_dict(builtin.read_card()["recipe"]).held_out
        return datasets.load_data(builtin.read_card()["data"]["name"], data_dir=data_dir, **held_out)
    opened = open_run(run)
    return datasets.load_data(opened.data_name, data_dir=data_dir or opened.data_dir, **opened.recipe.held_out)
