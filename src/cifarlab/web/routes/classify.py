"""The page Classify: pictures of the visitor's own, named by one or several models; of one, also their reasons."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels, picture_size, to_grey
from cifarlab.web.pages import rendering
from cifarlab.web.pages.classified import TOP, Card, Line, Named, Table, jpeg_uri, make_card, why_doubtful
from cifarlab.web.pages.model_offers import offer_models
from cifarlab.web.predictions.batcher import Batcher, Busy
from cifarlab.web.predictions.classification import (
    Classified,
    Shape,
    accepted,
    best,
    decode,
    decode_each,
    until_gone,
)
from cifarlab.web.predictions.service import InferenceService
from cifarlab.web.predictions.uploads import UploadError, check_square, read_form
from cifarlab.web.server.state import explanations_of, inference_of, library_of, settings_of

router = APIRouter(include_in_schema=False)

MOST_MODELS = 4
MOST_FILES = 1000
"""That the script sends for one table, in as many requests as the server's limits ask for."""
INPUTS = 3
"""Of files, in the form: those where nothing was chosen send an empty one."""
_SHOWN: Shape = (320, 320, 3)

Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class FormValues:
    """What the form says."""

    models: tuple[str, ...]
    neighbours: bool


@dataclass(frozen=True)
class Answers:
    """One picture with a card for each model, or a table of several."""

    name: str = ""
    picture: str = ""
    cards: Sequence[Card] = ()
    table: Table | None = None


@dataclass(frozen=True)
class Asked:
    """The models that are asked, in the order of the form: opened, or why they cannot be."""

    models: Mapping[str, Batcher | str]

    @property
    def taken(self) -> list[Shape | None]:
        """What each takes; None of one that cannot be asked."""
        return [each.loaded_model.image_shape if isinstance(each, Batcher) else None for each in self.models.values()]

    @property
    def shapes(self) -> list[Shape]:
        """What those take that can be asked."""
        return [shape for shape in self.taken if shape is not None]


@router.get("/classify")
def show_form(request: Request) -> HTMLResponse:
    """The form; which models are chosen stands in the address."""
    query = request.query_params
    return _page(request, FormValues(_known(request, query.getlist("model")), query.get("neighbours") == "1"))


@router.post("/classify")
async def show_answer(request: Request) -> HTMLResponse:
    """The form with the answers below it; the pictures live as long as this request."""
    service, most = inference_of(request), settings_of(request).limits.max_images
    form = FormValues(_known(request, []), False)
    try:
        async with accepted(service):
            upload = await read_form(request, max_images=most + INPUTS)
            fields, pictures = upload.fields, upload.pictures
            form = FormValues(_known(request, fields.get("model", ())), "1" in fields.get("neighbours", ()))
            if not pictures:
                raise UploadError(422, "no picture was sent: choose one or several, drop them here, or paste them")
            if len(pictures) > most:
                raise UploadError(413, f"{len(pictures)} pictures: at most {most} at once without scripts")
            async with until_gone(request):
                asked = await _open(service, form.models)
                is_table = len(pictures) > 1 or "1" in fields.get("table", ())
                make = _make_table if is_table else _make_cards
                answers = await make(request, pictures, asked, form)
    except HTTPException as error:
        response = _page(request, form, problem=str(error.detail), status=error.status_code)
        response.headers.update(error.headers or {})
        return response
    return _page(request, form, answers=answers)


async def _open(service: InferenceService, names: Sequence[str]) -> Asked:
    """The models of some names; one that is damaged fails alone.

    Raises:
        CifarlabError: If none of them can be used.
    """
    found: dict[str, Batcher | str] = {}
    for name in names:
        try:
            batcher = await service.open_model(name)
            check_square(batcher.loaded_model.image_shape)
            found[name] = batcher
        except Busy:
            raise
        except CifarlabError as error:
            found[name] = str(error)
    failed = [each for each in found.values() if isinstance(each, str)]
    if len(failed) == len(found):
        raise CifarlabError(failed[0] if failed else "there is no model here yet: train one first")
    return Asked(found)


async def _classify(
    service: InferenceService, asked: Asked, pictures: Mapping[Shape, np.ndarray]
) -> dict[str, Classified | str]:
    """What each model says of the pictures in its shape, or why it says nothing."""
    answers: dict[str, Classified | str] = {}
    for name, batcher in asked.models.items():
        if isinstance(batcher, str):
            answers[name] = batcher
            continue
        seen = pictures[batcher.loaded_model.image_shape]
        try:
            answers[name] = Classified(batcher, seen, await service.predict(batcher, seen))
        except Busy:
            raise
        except CifarlabError as error:
            answers[name] = str(error)
    return answers


async def _make_cards(request: Request, pictures: Files, asked: Asked, form: FormValues) -> Answers:
    """The picture as the page shows it, and each model's card; the file is decoded where those of `/v1/predict` are."""
    service, max_pixels = inference_of(request), settings_of(request).limits.max_pixels
    decoded = await decode(service, pictures, list(dict.fromkeys([_SHOWN, *asked.shapes])), max_pixels)
    size, cards, gone = picture_size(pictures[0][1]), [], threading.Event()
    try:
        for name, answer in (await _classify(service, asked, decoded)).items():
            if isinstance(answer, str):
                cards.append(Card(name, failed=answer))
                continue
            run = service.store.run(name)
            doubtful = why_doubtful(size, decoded[_SHOWN][0], answer.batcher.loaded_model.image_shape)
            make = partial(
                make_card, answer, explanations_of(request), run,
                doubtful=doubtful, neighbours=form.neighbours, gone=gone,
            )  # fmt: skip
            cards.append(await anyio.to_thread.run_sync(make, abandon_on_cancel=True))
    finally:  # a thread cannot be cancelled: it looks before each step that takes long
        gone.set()
    return Answers(pictures[0][0], jpeg_uri(decoded[_SHOWN][0]), cards)


async def _make_table(request: Request, pictures: Files, asked: Asked, form: FormValues) -> Answers:
    """A line for each picture; one that cannot be read says why, and the others are answered."""
    service, max_pixels = inference_of(request), settings_of(request).limits.max_pixels
    # In colour also for models that see grey: whether a picture was in colour is told too.
    squares = {shape: (*shape[:2], 3) for shape in asked.shapes}
    decoded = await decode_each(service, pictures, list(dict.fromkeys(squares.values())), max_pixels)
    good = [each for each in decoded if not isinstance(each, UploadError)]
    together = {
        shape: np.stack([_as_taken(each[square][0], shape) for each in good])
        for shape, square in squares.items()
        if good
    }
    answers = await _classify(service, asked, together) if good else {}
    named = {name: best(answer, TOP) for name, answer in answers.items() if isinstance(answer, Classified)}
    lines, row = [], 0
    for (name, data), each in zip(pictures, decoded, strict=True):
        if isinstance(each, UploadError):
            lines.append(Line(name, problem=str(each)))
            continue
        told: tuple[Named, ...] = tuple(named[model][row] if model in named else [] for model in asked.models)
        first, size = asked.shapes[0], picture_size(data)
        why = {shape: why_doubtful(size, each[square][0], shape, one=False) for shape, square in squares.items()}
        doubtful = tuple("" if shape is None else why[shape] for shape in asked.taken)
        lines.append(Line(name, jpeg_uri(_as_taken(each[squares[first]][0], first)), named=told, doubtful=doubtful))
        row += 1
    problems = {
        model: said if isinstance(said := answers.get(model, opened), str) else ""
        for model, opened in asked.models.items()
    }
    return Answers(table=Table(problems, lines))


def _as_taken(rgb: Pixels, shape: Shape) -> Pixels:
    """A square in colour as a model takes it."""
    return to_grey(rgb) if shape[-1] == 1 else rgb


def _page(
    request: Request, form: FormValues, *, status: int = 200, problem: str = "", answers: Answers | None = None
) -> HTMLResponse:
    limits, answers = settings_of(request).limits, answers or Answers()
    store = inference_of(request).store
    response = rendering.page(
        request,
        "classify.html",
        status=status,
        form=form,
        offers=offer_models(store.names(), library_of(request).summaries(), store.files),
        most_models=MOST_MODELS,
        most_files=MOST_FILES,
        most_pictures=limits.max_images,
        megabytes=limits.max_request_bytes // 2**20,
        # The script asks again by itself.
        waiting=status == 503 or any(card.neighbours is None for card in answers.cards),
        problem=problem,
        answers=answers,
    )
    if request.method == "POST":
        response.headers["Cache-Control"] = "no-store"  # the pictures are in it
    return response


def _known(request: Request, names: Iterable[str]) -> tuple[str, ...]:
    """The models asked for that there are, each once and not too many; the first there is where none is asked for."""
    offered = inference_of(request).store.names()
    chosen = tuple(dict.fromkeys(name for name in names if name in offered))[:MOST_MODELS]
    return chosen or tuple(offered[:1])
