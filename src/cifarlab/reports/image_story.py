"""The page about one image: what every run says of it, how it was learnt, what it is like, what would change it."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifarlab.evaluation.explanation.counterfactual import ClassChange
from cifarlab.evaluation.explanation.image import VIEWS, Explanation, RunExplanation
from cifarlab.evaluation.explanation.neighbours import Neighbour
from cifarlab.evaluation.explanation.saliency import GRAD_CAM
from cifarlab.plots.loss_history import plot_loss_history
from cifarlab.plots.saliency_overlay import plot_saliency_overlay
from cifarlab.reports.page import colour_of
from cifarlab.reports.pictures import image_uri
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.layout import describe_tta
from cifarlab.utils import files
from cifarlab.utils.arrays import Array

MOST_CLASSES = 6


def write_image_page(story: Explanation, path: Path) -> Path:
    """Write one self-contained HTML page; returns its path."""
    html = render("image_story", **vars(draw_story(story)))
    return files.write_text(path, html)


@dataclass(frozen=True)
class DrawnChange:
    """The smallest change, its classes' names, and the addresses of the changed picture and of the difference."""

    change: ClassChange
    before: str
    after: str
    picture: str
    difference: str
    times: float


@dataclass(frozen=True)
class DrawnRun:
    """What the template says of one run.

    Attributes:
        colour: Of the run in every figure.
        said: The class that it names, `confidence` how probable, `right` whether it is the label.
        neighbours: Each with its class and its picture's address; `agreeing` is how many are of the image's class.
        attention: The saliency maps.
        mute: Classes whose map is empty.
        method: Of the maps, `places` how many they have.
        change: None if none was found.
    """

    story: RunExplanation
    colour: str
    said: str
    right: bool
    confidence: float
    neighbours: list[tuple[Neighbour, str, str]]
    agreeing: int
    attention: Markup | None
    mute: list[str]
    method: str
    places: tuple[int, ...]
    change: DrawnChange | None


@dataclass(frozen=True)
class ClassRow:
    """A class, whether it is the label, and each run's probability."""

    name: str
    true: bool
    chances: list[float]


@dataclass(frozen=True)
class Answer:
    """What a run names, how probable, and whether it is the label."""

    said: str
    confidence: float
    right: bool


@dataclass(frozen=True)
class DrawnStory:
    """What the templates `image_story.html` and `story_sections.html` say of a story, its figures drawn."""

    story: Explanation
    picture: str
    label: str
    runs: list[DrawnRun]
    classes: list[ClassRow]
    views: list[tuple[str, list[Answer]]]
    history: Markup | None
    grad_cam: str = GRAD_CAM


def draw_story(story: Explanation) -> DrawnStory:
    """Everything that is shown of a story."""
    return DrawnStory(
        story=story,
        picture=image_uri(story.image),
        label=story.class_names[story.label],
        runs=[_draw_run(story, index) for index in range(len(story.runs))],
        classes=_classes(story),
        views=_views(story),
        history=_history(story),
    )


def amplified_difference(changed: NDArray[np.float32], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What was changed, as a picture: grey where nothing was, black and white where it was changed most.

    Args:
        changed: `(H, W, C)` float.
        image: `(H, W, C)` uint8.
    """
    difference = changed - image.astype(np.float32)
    largest = float(np.abs(difference).max())
    shown: NDArray[np.uint8] = np.rint(127.5 + 127.5 * difference / (largest or 1.0)).astype(np.uint8)
    return shown


def _draw_run(story: Explanation, index: int) -> DrawnRun:
    run, names = story.runs[index], story.class_names
    return DrawnRun(
        story=run,
        colour=colour_of(index),
        said=names[run.predicted],
        right=run.predicted == story.label,
        confidence=float(run.probabilities[run.predicted]),
        neighbours=[(near, names[near.label], image_uri(near.image)) for near in run.neighbours],
        agreeing=sum(near.label == story.label for near in run.neighbours),
        attention=_attention(story, run, index),
        mute=[names[each.label] for each in run.saliency if not each.heat.any()],
        method=run.saliency[0].method if run.saliency else "",
        places=run.saliency[0].places if run.saliency else (),
        change=None if run.change is None else _draw_change(story, run.change),
    )


def _attention(story: Explanation, run: RunExplanation, index: int) -> Markup | None:
    if not run.saliency:
        return None
    captions = [f"evidence for {story.class_names[each.label]}" for each in run.saliency]
    figure = plot_saliency_overlay(story.image, np.stack([each.heat for each in run.saliency]), captions)
    return draw(figure, f"attention-{index}", f"Saliency maps of {run.run}: {'; '.join(captions)}")


def _draw_change(story: Explanation, change: ClassChange) -> DrawnChange:
    return DrawnChange(
        change=change,
        before=story.class_names[change.before],
        after=story.class_names[change.after],
        picture=image_uri(np.rint(change.image).astype(np.uint8)),
        difference=image_uri(amplified_difference(change.image, story.image)),
        times=127.5 / change.grey_levels,
    )


def _classes(story: Explanation) -> list[ClassRow]:
    """The classes that any run finds probable, the true one among them, and each run's probability."""
    chances = np.stack([run.probabilities for run in story.runs])  # (R, K)
    order = np.argsort(-chances.max(axis=0), kind="stable")[:MOST_CLASSES].tolist()
    chosen = order if story.label in order else [*order[:-1], story.label]
    return [ClassRow(story.class_names[k], k == story.label, chances[:, k].tolist()) for k in chosen]


def _views(story: Explanation) -> list[tuple[str, list[Answer]]]:
    """Each view and each test-time augmentation, with what every run makes of it."""
    named = [(name, [run.views[number] for run in story.runs]) for number, name in enumerate(VIEWS)]
    named += [(describe_tta(tta), [run.averaged[tta] for run in story.runs]) for tta in story.runs[0].averaged]
    return [(name, [_answer(story, chances) for chances in each]) for name, each in named]


def _answer(story: Explanation, chances: Array) -> Answer:
    best = int(chances.argmax())
    return Answer(story.class_names[best], float(chances[best]), best == story.label)


def _history(story: Explanation) -> Markup | None:
    known = {run.run: (run.history.losses, run.history.correct) for run in story.runs if run.history}
    if not any(np.isfinite(losses).any() for losses, _ in known.values()):
        return None
    # A run without a history keeps its colour.
    every = {run.run: known.get(run.run, ((), ())) for run in story.runs}
    figure = plot_loss_history(every, math.log(len(story.class_names)))
    return draw(figure, "history", f"Loss of {story.image_id} in each epoch, and whether it was classified correctly")
