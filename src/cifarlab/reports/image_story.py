"""The page about one image: what every run says of it, how it was learnt, what it is like, what would change it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifarlab.evaluation.explanation.image import VIEWS, Explanation, RunExplanation
from cifarlab.evaluation.explanation.saliency import GRAD_CAM
from cifarlab.plots.loss_history import plot_loss_history
from cifarlab.plots.saliency_overlay import plot_saliency_overlay
from cifarlab.reports.page import colour_of
from cifarlab.reports.pictures import image_uri
from cifarlab.reports.rendering import draw, render
from cifarlab.runs.layout import describe_tta
from cifarlab.utils import files

MOST_CLASSES = 6


def write_image_page(story: Explanation, path: Path) -> Path:
    """Write one self-contained HTML page.

    Args:
        story: What was found.
        path: The page to write.

    Returns:
        `path`.
    """
    html = render("image_story", **describe_story(story))
    return files.write_text(path, html)


def describe_story(story: Explanation) -> dict[str, Any]:
    """What the templates `image_story.html` and `story_sections.html` say of a story, its figures drawn.

    Args:
        story: What was found.
    """
    return {
        "story": story,
        "picture": image_uri(story.image),
        "label": story.class_names[story.label],
        "runs": [_describe(story, index) for index in range(len(story.runs))],
        "classes": _classes(story),
        "views": _views(story),
        "history": _history(story),
        "grad_cam": GRAD_CAM,
    }


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


def _describe(story: Explanation, index: int) -> dict[str, Any]:
    """What the template says of one run."""
    run = story.runs[index]
    names = story.class_names
    return {
        "story": run,
        "colour": colour_of(index),
        "said": names[run.predicted],
        "right": run.predicted == story.label,
        "confidence": float(run.probabilities[run.predicted]),
        "chance": float(run.probabilities[story.label]),
        "neighbours": [
            (near, names[near.label], near.label == story.label, image_uri(near.image)) for near in run.neighbours
        ],
        "agreeing": sum(near.label == story.label for near in run.neighbours),
        "attention": _attention(story, run, index),
        "mute": [names[each.label] for each in run.saliency if not each.heat.any()],
        "method": run.saliency[0].method if run.saliency else "",
        "places": run.saliency[0].places if run.saliency else (),
        "change": _change(story, run),
    }


def _attention(story: Explanation, run: RunExplanation, index: int) -> Markup | None:
    if not run.saliency:
        return None
    captions = [f"evidence for {story.class_names[each.label]}" for each in run.saliency]
    figure = plot_saliency_overlay(story.image, np.stack([each.heat for each in run.saliency]), captions)
    return draw(figure, f"attention-{index}", f"Saliency maps of {run.run}: {'; '.join(captions)}")


def _change(story: Explanation, run: RunExplanation) -> dict[str, Any] | None:
    if run.change is None:
        return None
    changed = np.rint(run.change.image).astype(np.uint8)
    difference = amplified_difference(run.change.image, story.image)
    names = story.class_names
    return {
        "change": run.change,
        "before": names[run.change.before],
        "after": names[run.change.after],
        "picture": image_uri(changed),
        "difference": image_uri(difference),
        "times": 127.5 / run.change.grey_levels,
    }


def _classes(story: Explanation) -> list[dict[str, Any]]:
    """The classes that any run finds probable, the true one among them, and each run's probability."""
    chances = np.stack([run.probabilities for run in story.runs])  # (R, K)
    order = np.argsort(-chances.max(axis=0), kind="stable")[:MOST_CLASSES].tolist()
    chosen = order if story.label in order else [*order[:-1], story.label]
    return [{"name": story.class_names[k], "true": k == story.label, "chances": chances[:, k].tolist()} for k in chosen]


def _views(story: Explanation) -> list[dict[str, Any]]:
    """Each view and each test-time augmentation, with what every run makes of it."""
    named = [(name, [run.views[number] for run in story.runs]) for number, name in enumerate(VIEWS)]
    named += [(describe_tta(tta), [run.averaged[tta] for run in story.runs]) for tta in story.runs[0].averaged]
    return [
        {
            "name": name,
            "answers": [
                {
                    "said": story.class_names[int(chances.argmax())],
                    "confidence": float(chances.max()),
                    "right": int(chances.argmax()) == story.label,
                }
                for chances in each
            ],
        }
        for name, each in named
    ]


def _history(story: Explanation) -> Markup | None:
    known = {run.run: (run.history.losses, run.history.correct) for run in story.runs if run.history}
    if not any(np.isfinite(losses).any() for losses, _ in known.values()):
        return None
    # A run without a history keeps its colour.
    every = {run.run: known.get(run.run, ((), ())) for run in story.runs}
    figure = plot_loss_history(every, math.log(len(story.class_names)))
    return draw(figure, "history", f"Loss of {story.image_id} in each epoch, and whether it was classified correctly")
