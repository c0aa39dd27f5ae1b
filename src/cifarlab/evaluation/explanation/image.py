"""One image, explained: what each run predicts, how it was learnt, what it is like, what would change the answer."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cifarlab.datasets import ImageSet, Splits
from cifarlab.evaluation.explanation.counterfactual import ClassChange, find_smallest_change
from cifarlab.evaluation.explanation.find_image import find_image
from cifarlab.evaluation.explanation.label_rank import LabelRank, rank_label
from cifarlab.evaluation.explanation.neighbours import Neighbour, find_neighbours
from cifarlab.evaluation.explanation.saliency import SaliencyMap, make_explainer
from cifarlab.inference import prediction
from cifarlab.inference.tta import make_views
from cifarlab.runs import Run, pretrained_run, training_dynamics, unique_names
from cifarlab.runs.derived import StaleError, model_checksum
from cifarlab.runs.own_labels import load_own_data
from cifarlab.runs.pretrained_run import AnyRun
from cifarlab.runs.trained_images import find_overlap
from cifarlab.runs.training_dynamics import Dynamics, ImageHistory
from cifarlab.utils import own_code
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback, ignore

NEIGHBOURS = 8
VIEWS = (
    "as it is", "mirrored", "moved up and left", "moved up and left, mirrored", "moved down and right",
    "moved down and right, mirrored",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class RunExplanation:
    """What one run says of the image.

    Attributes:
        split: Of which part the image was in this run: `"train"`, `"validation"` or `"test"`.
        probabilities: `(K,)`, of the image as it is.
        views: `(6, K)` probabilities of the views in `VIEWS`.
        averaged: `(K,)` with each test-time augmentation, by its name.
        history: How it went in training; None where the training did not meet it or recorded nothing.
        label_rank: How probable the run's predictions make the label; None without any, or if the run learned from it.
        neighbours: The training images that the network finds most alike; empty where it has no layer to ask.
        saliency: Where the network looked, for the class it named and, where that is another, the true one.
        change: The smallest change found that makes it name another class; None if none was found.
        notices: What a reader must know: that the run was trained on a copy of the image, or has predictions that are
            of an earlier model.
    """

    run: str
    split: str
    probabilities: NDArray[np.float64]
    views: NDArray[np.float64]
    averaged: dict[str, NDArray[np.float64]]
    history: ImageHistory | None
    label_rank: LabelRank | None
    neighbours: list[Neighbour]
    saliency: list[SaliencyMap]
    change: ClassChange | None
    notices: tuple[str, ...] = ()

    @property
    def predicted(self) -> int:
        """The class that the run names."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Explanation:
    """An image, and what several runs say of it.

    Attributes:
        split: Of which part it is, for the first run.
        image: `(H, W, C)` uint8.
        class_names: K names.
        runs: In the order given, at least one.
    """

    image_id: str
    data: str
    split: str
    image: NDArray[np.uint8]
    label: int
    class_names: tuple[str, ...]
    runs: list[RunExplanation] = field(default_factory=list)


def explain_image(
    image_id: str,
    runs: Sequence[AnyRun],
    *,
    split: str = "test",
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback | None = None,
) -> Explanation:
    """What every run makes of one image; the arguments are those of `explain_images`."""
    return explain_images(
        [image_id], runs, split=split, data_dir=data_dir, runs_dir=runs_dir, code=code, progress=progress
    )[0]


def explain_images(
    image_ids: Sequence[str],
    runs: Sequence[AnyRun],
    *,
    split: str = "test",
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback | None = None,
) -> list[Explanation]:
    """What every run makes of each image; data and models are loaded once.

    The features of the training images are kept in each run, so that they are computed once. Where a run has not been
    evaluated on the part that an image is in, this is a look at it, and recorded.

    Args:
        image_ids: At least one: an id as in predictions, such as `"test-00042"`, or a part and a row of it,
            `"test/42"`, or a row.
        runs: All trained on one data set; `"builtin"` for the built-in model.
        split: Where a bare row is counted, and where an id is looked for first.
        data_dir: Where the data are, if not where the runs found them.
        runs_dir: Where the run of the built-in model is, or will be made.
        code: The user's own Python files that the runs may need; no other is executed.
        progress: Called with a phrase and the share done.

    Returns:
        In the order of the ids.

    Raises:
        CifarlabError: If there is no such image, a run is missing, has no model or other classes, or the runs are
            about different data sets.
    """
    opened = _open(runs, runs_dir, code)
    loaded: dict[str, Splits] = {}
    explanations: list[Explanation] = []
    for number, (run, name) in enumerate(zip(opened, unique_names(opened), strict=True)):
        splits = _load(run, data_dir, loaded)
        # The ids that the first run found: a row may be another image in the parts of the next.
        known = [each.image_id for each in explanations] or image_ids
        places = [find_image(splits, image_id, split) for image_id in known]
        explanations = explanations or [_begin(run.data_name, splits, *place) for place in places]
        share = number / len(opened)
        _ask(run, name, splits, explanations, places, _within(progress or ignore, share, 1 / len(opened)))
    return explanations


def _open(
    runs: Sequence[AnyRun], runs_dir: str | os.PathLike[str], code: Sequence[str | os.PathLike[str]]
) -> list[Run]:
    """The runs, if they are on one data set."""
    if not runs:
        raise CifarlabError("an explanation needs at least one run: give the folder of one that cifarlab train made")
    own_code.allow_files(code)
    opened = [pretrained_run.open_run(run, needs_model=True, runs_dir=runs_dir) for run in runs]
    names = sorted({run.data_name for run in opened})
    if len(names) > 1:
        raise CifarlabError(f"the runs were trained on different data, {' and '.join(names)}: choose runs on one")
    return opened


def _ask(
    run: Run,
    name: str,
    splits: Splits,
    explanations: list[Explanation],
    places: list[tuple[str, int]],
    report: ProgressCallback,
) -> None:
    """Let one run say what it makes of each image, whose part and row in its own splits `places` tells."""
    report(name, 0.0)
    explainer = _prepare(run, name, splits)
    for done, (explanation, (part, row)) in enumerate(zip(explanations, places, strict=True)):
        report(f"{explanation.image_id}, {name}", done / len(explanations))
        explanation.runs.append(_explain(explainer, part, splits[part].take(np.array([row]))))


def _within(progress: ProgressCallback, start: float, share: float) -> ProgressCallback:
    """Progress of a part of the work as progress of the whole."""
    return lambda phrase, done: progress(phrase, start + share * done)


def _begin(data: str, splits: Splits, split: str, row: int) -> Explanation:
    images = splits[split]
    image_id, label = str(images.ids[row]), int(images.labels[row])
    image = images.images[row].copy()  # kept, while the others are not
    return Explanation(image_id, data, split, image, label, splits.class_names)


def _load(run: Run, data_dir: str | None, loaded: dict[str, Splits]) -> Splits:
    """The run's own data, split and labelled as it learned them; runs that have the same share them."""
    key = f"{run.recipe.held_out} {run.data.get('fingerprints')}"
    if key not in loaded:
        loaded[key] = load_own_data(run, data_dir)
    return loaded[key]


@dataclass(frozen=True, eq=False)
class _Explainer:
    """A run with everything that is loaded once, however many images it is to explain."""

    run: Run
    name: str
    splits: Splits
    model: Any
    checksum: str
    saliency: Callable[[Array, Sequence[int]], list[SaliencyMap]]
    dynamics: Dynamics | None


def _prepare(run: Run, name: str, splits: Splits) -> _Explainer:
    checksum = model_checksum(run)  # before the model is read: a training may write the next meanwhile
    model = prediction.load_model(run)
    if splits.class_names != prediction.class_names(run):
        raise CifarlabError(f"{splits.source.name} has other classes than {run.path} was trained on")
    prediction.check_fits(model, splits.train.image_shape, len(splits.class_names))
    return _Explainer(run, name, splits, model, checksum, make_explainer(model), training_dynamics.load(run))


def _explain(explainer: _Explainer, split: str, one: ImageSet) -> RunExplanation:
    """What a run says of the image in `one`, which is in its `split`."""
    run, model = explainer.run, explainer.model
    image_id, label = str(one.ids[0]), int(one.labels[0])
    views, averaged = _predict_views(model, one)
    label_rank, notices = (None, []) if split == "train" else _rank_label(run, split, image_id)
    overlap = None if split == "train" else find_overlap(run, one, run.data_name, lambda: explainer.splits.train)
    if overlap is not None and overlap.trained_on.any():
        notices.append(f"{explainer.name} was trained on a copy of this image: its prediction is no test.")
    return RunExplanation(
        run=explainer.name,
        split=split,
        probabilities=views[0],
        views=views,
        averaged=averaged,
        history=explainer.dynamics.find(image_id) if explainer.dynamics else None,
        label_rank=label_rank,
        neighbours=find_neighbours(run, model, explainer.checksum, explainer.splits.train, one, NEIGHBOURS),
        saliency=explainer.saliency(one.images[0], list(dict.fromkeys((int(views[0].argmax()), label)))),
        change=find_smallest_change(model, one.images[0]),
        notices=tuple(notices),
    )


def _rank_label(run: Run, split: str, image_id: str) -> tuple[LabelRank | None, list[str]]:
    """The label's rank by the run's predictions, and notices; without any of this model, asking it now is a look."""
    notices: list[str] = []
    if run.predictions_file(split).is_file():
        try:
            return rank_label(run.predictions(split), image_id), notices
        except StaleError as error:
            notices.append(f"The label has no rank: {error}.")
    run.record_look(split, f"image {image_id}")
    return None, notices


def _predict_views(model: Any, one: ImageSet) -> tuple[Array, dict[str, Array]]:
    """Probabilities of every view `(6, K)`, and of the views' mean logits `(K,)` with each test-time augmentation."""
    weights, pictures = zip(*make_views(one.images, "flip-shift"), strict=True)
    labels = np.repeat(one.labels, len(VIEWS))
    seen = ImageSet(np.concatenate(pictures), labels, np.array(VIEWS), one.class_names)
    predictions = prediction.predict_images(model, seen)
    # Logits are averaged before the softmax, as in `tta`; the first two views are the image and its mirror.
    means = {"flip": predictions.logits[:2].mean(axis=0), "flip-shift": np.array(weights) @ predictions.logits}
    return predictions.probabilities, {name: special.softmax(mean.astype(float)) for name, mean in means.items()}
