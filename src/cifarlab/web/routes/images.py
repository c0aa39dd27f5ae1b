"""One image, its whole life: what runs said of it, and, when they are asked, why."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from cifarlab.reports.image_story import DrawnStory, draw_story
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.data_set import Collection, to_png
from cifarlab.web.pages.figures import DRAWING
from cifarlab.web.pages.gallery import KEYS, choose_images, choose_predictions
from cifarlab.web.pages.label_doubts import Doubts
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.routes import data, run
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)

MOST_ASKED = 3
MOST_CLASSES = 5
_WAIT_SECONDS = 20
# Asking networks takes seconds and much memory: one visitor at a time.
_ASKING = threading.Lock()


@dataclass(frozen=True)
class StoredAnswer:
    """What a run has stored about an image.

    Attributes:
        split: Where the image is among its predictions; empty where it has no answer, and the rest says nothing.
        sure: Its probability.
        rank: 1 for the largest loss of the split.
        classes: Name, probability and whether it is the label, of those it finds probable and of the label.
    """

    summary: RunSummary
    split: str = ""
    right: bool = False
    said: str = ""
    sure: float = 0.0
    loss: float = 0.0
    rank: int = 0
    count: int = 0
    classes: tuple[tuple[str, float, bool], ...] = ()


@dataclass(frozen=True)
class LabelDoubt:
    """How little some runs together believe in a label: `value`, its rank among `count`, and what they suggest."""

    value: float
    rank: int
    count: int
    suggested: str
    believed: float
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Around:
    """The addresses of the images before and after one in a gallery, its place there from 1, and the way back."""

    previous: str | None
    next: str | None
    place: int
    count: int
    back: str
    title: str


@router.get("/images/{slug}/{image_id:path}")
def show_image(request: Request, library: LibraryOf, slug: str, image_id: str) -> Response:
    """What is known at once; what the networks must be asked for follows when it is asked for."""
    collection = library.collection(slug)
    split, row = _place(collection, image_id)
    part = collection.splits[split]
    asked = _chosen_runs(request, library, collection, image_id)
    doubts = library.doubts(collection.name, split) if split != "train" else None
    place = doubts.rows.get(image_id) if doubts is not None else None
    return rendering.page(
        request,
        "image.html",
        collection=collection,
        image_id=image_id,
        split=split,
        row=row,
        label=part.class_names[part.labels[row]],
        size=part.image_shape,
        answers=[_answer(library, summary, image_id) for summary in asked],
        others=_others(library, collection, image_id),
        doubt=None if doubts is None or place is None else _doubt(doubts, place),
        around=_around(request, library, collection, image_id),
        story=_story(library, collection, asked, image_id, split) if request.query_params.get("story") else None,
        asked=[summary.name for summary in asked if summary.run.model_file.is_file()],
    )


@router.get("/stories/{slug}/{image_id:path}")
def show_story(request: Request, library: LibraryOf, slug: str, image_id: str) -> Response:
    """What the networks say when they are asked, for the script that puts it into the image's page."""
    collection = library.collection(slug)
    split, _ = _place(collection, image_id)
    asked = _chosen_runs(request, library, collection, image_id)
    return rendering.fragment(
        request, "story.html", story=_story(library, collection, asked, image_id, split), image_id=image_id
    )


@router.get("/originals/{slug}/{image_id:path}")
def serve_original(library: LibraryOf, slug: str, image_id: str) -> Response:
    """The image as the networks see it, as a file."""
    collection = library.collection(slug)
    image = collection.image(image_id)
    if image is None:
        raise HTTPException(404, f"{collection.name} has no image {image_id!r}")
    name = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in image_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}.png"'}
    return Response(to_png(image), media_type="image/png", headers=headers)


def _place(collection: Collection, image_id: str) -> tuple[str, int]:
    if image_id not in collection.places:
        raise HTTPException(404, f"{collection.name} has no image {image_id!r}")
    return collection.places[image_id]


def _others(library: Library, collection: Collection, image_id: str) -> list[str]:
    """Every run that can be asked about the image, the most accurate first."""
    known = [summary for summary in library.summaries() if summary.data == collection.name and summary.model]
    known.sort(key=lambda summary: -(summary.accuracy or 0.0))
    return [summary.name for summary in known]


def _chosen_runs(request: Request, library: Library, collection: Collection, image_id: str) -> list[RunSummary]:
    """Those that the address names; else the run whose gallery led here and the most accurate ones."""
    names = list(dict.fromkeys(request.query_params.getlist("ask")))
    if not names:
        led = request.query_params.get("in", "data")
        against = request.query_params.get("against") or led
        chosen = [led, against] if led != "data" else []
        names = list(dict.fromkeys([*chosen, *_others(library, collection, image_id)]))[: max(1, MOST_ASKED)]
    summaries = [library.summary(name) for name in names[:MOST_ASKED]]
    return [summary for summary in summaries if summary.data == collection.name]


def _answer(library: Library, summary: RunSummary, image_id: str) -> StoredAnswer:
    """What a run has stored about the image: the classes it finds probable, and the rank of its doubt."""
    for split in summary.evaluated:
        predictions = library.predictions(summary, split)
        (rows,) = (predictions.ids == image_id).nonzero()
        if not len(rows):
            continue
        row = int(rows[0])
        names, label, loss = predictions.class_names, int(predictions.labels[row]), predictions.losses[row]
        probabilities, predicted = predictions.probabilities[row], int(predictions.predicted[row])  # (K,)
        order = probabilities.argsort()[::-1][:MOST_CLASSES].tolist()
        shown = order if label in order else [*order[:-1], label]
        return StoredAnswer(
            summary,
            split,
            right=predicted == label,
            said=names[predicted],
            sure=float(probabilities[predicted]),
            loss=float(loss),
            rank=1 + int((predictions.losses > loss).sum()),
            count=len(predictions),
            classes=tuple((names[each], float(probabilities[each]), each == label) for each in shown),
        )
    return StoredAnswer(summary)


def _doubt(doubts: Doubts, place: int) -> LabelDoubt:
    return LabelDoubt(
        value=float(doubts.doubt[place]),
        rank=1 + int((doubts.doubt > doubts.doubt[place]).sum()),
        count=len(doubts.doubt),
        suggested=doubts.class_names[doubts.suggested[place]],
        believed=float(doubts.believed[place]),
        runs=doubts.runs,
    )


def _around(request: Request, library: Library, collection: Collection, image_id: str) -> Around | None:
    """The images before and after this one in the gallery that led here; None where none did, or it has changed."""
    query = request.query_params
    ids, back, title = _gallery(library, collection, query)
    (places,) = (ids == image_id).nonzero()
    if not len(places):
        return None
    place = int(places[0])
    page_address = rendering.PageAddress(request)

    def at(row: int) -> str | None:
        if not 0 <= row < len(ids):
            return None
        return page_address.at(f"/images/{collection.slug}/{collection.quote(str(ids[row]))}", story=None)

    kept = {key: query[key] for key in KEYS if query.get(key)}
    page = 1 + place // (data.PAGE_SIZE if query.get("in") == "data" else run.PAGE_SIZE)
    kept |= {"page": str(page)} if page > 1 else {}
    return Around(at(place - 1), at(place + 1), place + 1, len(ids), rendering.address(back, kept), title)


def _gallery(library: Library, collection: Collection, query: Mapping[str, str]) -> tuple[Array, str, str]:
    """The ids in the gallery that an address names, in its order, its own address and its title; no ids without one."""
    nowhere = (np.array([], str), "", "")
    led = query.get("in")
    if led == "data":
        split = query.get("split") or "test"
        if split not in collection.parts:
            return nowhere
        _, rows = choose_images(library, collection, split, query)
        return collection.splits[split].ids[rows], f"/data/{collection.slug}", collection.name
    summary = next((each for each in library.summaries() if each.name == led), None)
    split = query.get("split") or (summary.evaluated[0] if summary is not None and summary.evaluated else "")
    if summary is None or split not in summary.evaluated:
        return nowhere
    predictions, _, _, rows = choose_predictions(library, summary, split, query)
    return predictions.ids[rows], f"{summary.address}/mistakes", summary.name


def _story(library: Library, collection: Collection, asked: list[RunSummary], image_id: str, split: str) -> DrawnStory:
    """The whole story as the report's template wants it; 503 if another visitor asks and does not come to an end."""
    able = [summary for summary in asked if summary.run.model_file.is_file()]
    if not able:
        raise CifarlabError("no run with a trained model is asked about this image: choose another one")
    key = ("story", collection.slug, image_id, tuple((summary.name, _trained(summary)) for summary in able))

    def ask() -> DrawnStory:
        from cifarlab.evaluation.explanation.image import explain_image

        if not _ASKING.acquire(timeout=_WAIT_SECONDS):
            raise HTTPException(503, "the networks are being asked about another image", {"Retry-After": "10"})
        try:
            runs = [summary.run for summary in able]
            story = explain_image(image_id, runs, split=split, data_dir=library.data_dir(collection.name))
            with DRAWING:
                return draw_story(story)
        finally:
            _ASKING.release()

    return library.keep(key, ask)


def _trained(summary: RunSummary) -> int:
    return summary.run.model_file.stat().st_mtime_ns
