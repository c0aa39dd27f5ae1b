"""One image, its whole life: what each run says of it, how it was learnt, what it is like, what would change it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab import datasets
from cifarlab.datasets import ImageSet, Splits
from cifarlab.evaluation.explanation.counterfactual import ClassChange, find_smallest_change
from cifarlab.evaluation.explanation.find_image import find_image
from cifarlab.evaluation.explanation.label_rank import LabelDoubt, weigh_label
from cifarlab.evaluation.explanation.neighbours import Neighbour, find_neighbours
from cifarlab.evaluation.explanation.saliency import Attention, make_explainer
from cifarlab.inference import prediction
from cifarlab.inference.tta import make_views
from cifarlab.runs import Run, pretrained_run, training_dynamics, unique_names
from cifarlab.runs.derived import StaleError
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.pretrained_run import AnyRun
from cifarlab.runs.trained_images import find_overlap
from cifarlab.runs.training_dynamics import Dynamics, ImageHistory
from cifarlab.utils import own_code
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError

NEIGHBOURS = 8
VIEWS = (
    "as it is", "mirrored", "moved up and left", "moved up and left, mirrored", "moved down and right",
    "moved down and right, mirrored",
)  # fmt: skip

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class RunStory:
    """What one run has to say about the image.

    Attributes:
        run: The run's name, made unique among the story's.
        split: Of which part the image was in this run: `"train"`, `"validation"` or `"test"`.
        probabilities: `(K,)`, of the image as it is.
        views: `(6, K)` probabilities of the views in `VIEWS`.
        averaged: `(K,)` with each test-time augmentation, by its name.
        history: How it went in training; None where the training did not meet it or recorded nothing.
        doubt: What the run's predictions say of the label; None where there are none, or the run learned from it.
        neighbours: The training images that the network finds most alike; empty where it has no layer to ask.
        attention: Where the network looked, for the class it named and, where that is another, the true one.
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
    doubt: LabelDoubt | None
    neighbours: list[Neighbour]
    attention: list[Attention]
    change: ClassChange | None
    notices: tuple[str, ...] = ()

    @property
    def predicted(self) -> int:
        """The class that the run names."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Story:
    """An image and what several runs have to say about it.

    Attributes:
        image_id: Which image.
        data: Name of the data set.
        split: Of which part it is, for the first run.
        image: `(H, W, C)` uint8.
        label: Its class.
        class_names: K names.
        runs: In the order given, at least one.
    """

    image_id: str
    data: str
    split: str
    image: NDArray[np.uint8]
    label: int
    class_names: tuple[str, ...]
    runs: list[RunStory] = field(default_factory=list)


def tell_story(
    image_id: str,
    runs: Sequence[AnyRun],
    *,
    split: str = "test",
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    code: Sequence[str | os.PathLike[str]] = (),
    progress: Progress | None = None,
) -> Story:
    """Ask every run about one image.

    The features of the training images are kept in each run, so that they are computed once. Where a run has not been
    evaluated on the part that the image is in, this is a look at it, and recorded.

    Args:
        image_id: An id as in predictions, such as `"test-00042"`, or a part and a row of it, `"test/42"`, or a row.
        runs: All trained on one data set; `"builtin"` for the built-in model.
        split: Where a bare row is counted, and where an id is looked for first.
        data_dir: Where the data are, if not where the runs found them.
        runs_dir: Where the run of the built-in model is, or will be made.
        code: The user's own Python files that the runs may need; no other is executed.
        progress: Called with a phrase and the share done.

    Raises:
        CifarlabError: If there is no such image, a run is missing, has no model or other classes, or the runs are
            about different data sets.
    """
    where: dict[str, Any] = {"data_dir": data_dir, "runs_dir": runs_dir, "code": code}
    return tell_stories([image_id], runs, split=split, progress=progress, **where)[0]


def tell_stories(
    image_ids: Sequence[str],
    runs: Sequence[AnyRun],
    *,
    split: str = "test",
    data_dir: str | None = None,
    runs_dir: str | os.PathLike[str] = "runs",
    code: Sequence[str | os.PathLike[str]] = (),
    progress: Progress | None = None,
) -> list[Story]:
    """`tell_story` for several images: data and models are loaded once.

    Args:
        image_ids: At least one, each as for `tell_story`.
        runs: As for `tell_story`.
        split: Where a bare row is counted, and where an id is looked for first.
        data_dir: Where the data are, if not where the runs found them.
        runs_dir: Where the run of the built-in model is, or will be made.
        code: The user's own Python files that the runs may need; no other is executed.
        progress: Called with a phrase and the share done.

    Returns:
        The stories, in the order of the ids.

    Raises:
        CifarlabError: As `tell_story`.
    """
    if not runs:
        raise CifarlabError("an image's story needs at least one run: give the folder of one that cifarlab train made")
    own_code.allow_files(code)
    report = progress or (lambda phrase, share: None)
    opened = [pretrained_run.open_run(run, needs_model=True, runs_dir=runs_dir) for run in runs]
    names = sorted({run.data_name for run in opened})
    if len(names) > 1:
        raise CifarlabError(f"the runs were trained on different data, {' and '.join(names)}: choose runs on one")
    loaded: dict[str, Splits] = {}
    stories: list[Story] = []
    for number, (run, name) in enumerate(zip(opened, unique_names(opened), strict=True)):
        splits = _load(run, data_dir, loaded)
        places = [find_image(splits, image_id, split) for image_id in _ids(stories) or image_ids]
        stories = stories or [_begin(names[0], splits, *place) for place in places]
        report(name, number / len(opened))
        witness = _call(run, name, splits)
        for done, (story, (found, row)) in enumerate(zip(stories, places, strict=True)):
            report(f"{story.image_id}, {name}", (number + done / len(stories)) / len(opened))
            story.runs.append(_ask(witness, found, splits[found].take(np.array([row]))))
    return stories


def _ids(stories: Sequence[Story]) -> list[str]:
    """What the first run has found: a row may be another image in the parts of the next."""
    return [story.image_id for story in stories]


def _begin(data: str, splits: Splits, split: str, row: int) -> Story:
    images = splits[split]
    image_id, label = str(images.ids[row]), int(images.labels[row])
    return Story(image_id, data, split, images.images[row], label, splits.class_names)


def _load(run: Run, data_dir: str | None, loaded: dict[str, Splits]) -> Splits:
    """The run's own data, split as it split them."""
    key = str(run.recipe.held_out)
    if key not in loaded:
        remembered = run.data.get("data_dir")
        where = data_dir or (str(remembered) if remembered and Path(remembered).exists() else None)
        loaded[key] = datasets.load_data(run.data_name, data_dir=where, **run.recipe.held_out)
    return loaded[key]


@dataclass(frozen=True, eq=False)
class _Witness:
    """A run with everything that is loaded once, however many images it is asked about."""

    run: Run
    name: str
    splits: Splits
    model: Any
    explain: Callable[[Array, Sequence[int]], list[Attention]]
    known: Dynamics | None


def _call(run: Run, name: str, splits: Splits) -> _Witness:
    model = prediction.load_model(run)
    if splits.class_names != prediction.class_names(run):
        raise CifarlabError(f"{splits.source.name} has other classes than {run.path} was trained on")
    prediction.check_fits(model, splits.train.image_shape, len(splits.class_names))
    return _Witness(run, name, splits, model, make_explainer(model), training_dynamics.load(run))


def _ask(witness: _Witness, split: str, one: ImageSet) -> RunStory:
    """What a run says of the image in `one`, which is in its `split`."""
    run, model = witness.run, witness.model
    image_id = str(one.ids[0])
    views, averaged = _look(model, one)
    said, true = int(views[0].argmax()), int(one.labels[0])
    doubt, notices = (None, []) if split == "train" else _read_doubt(run, split, image_id)
    met = None if split == "train" else find_overlap(run, one, run.data_name, lambda: witness.splits.train)
    if met is not None and met.trained_on.any():
        notices.append(f"{witness.name} was trained on a copy of this image: its answer is no test.")
    return RunStory(
        run=witness.name,
        split=split,
        probabilities=views[0],
        views=views,
        averaged=averaged,
        history=witness.known.find(image_id) if witness.known else None,
        doubt=doubt,
        neighbours=find_neighbours(run, model, witness.splits.train, one, NEIGHBOURS),
        attention=witness.explain(one.images[0], list(dict.fromkeys((said, true)))),
        change=find_smallest_change(model, one.images[0]),
        notices=tuple(notices),
    )


def _read_doubt(run: Run, split: str, image_id: str) -> tuple[LabelDoubt | None, list[str]]:
    """What the run's predictions say of the label, and notices; without any of this model, asking it now is a look."""
    notices: list[str] = []
    if run.predictions_file(split).is_file():
        try:
            return weigh_label(run, split, image_id), notices
        except StaleError as error:
            notices.append(f"Nothing is said of the label: {error}.")
    run.record_look(split, f"image {image_id}")
    return None, notices


def _look(model: Any, one: ImageSet) -> tuple[Array, dict[str, Array]]:
    """Probabilities of every view, and those of the views' mean logits with each test-time augmentation."""
    seen = list(make_views(one.images, "flip-shift"))
    weights = np.array([weight for weight, _ in seen])
    logits = prediction.compute_logits(model, np.concatenate([view for _, view in seen]))  # (6, K)
    means = {"flip": logits[:2].mean(axis=0), "flip-shift": weights @ logits}
    rows = np.concatenate([logits, *(mean[None] for mean in means.values())]).astype(np.float32)
    ids = np.array([*VIEWS, *means])
    labels = np.repeat(one.labels, len(ids))
    probabilities = Predictions(ids, labels, rows, one.class_names).probabilities
    return probabilities[: len(VIEWS)], dict(zip(means, probabilities[len(VIEWS) :], strict=True))
