"""The page Classify: a picture of the visitor's own, named by one or several models, with their reasons."""

import io
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio.to_thread
import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from PIL import Image
from starlette.exceptions import HTTPException

from cifarlab.evaluation.explanation.neighbours import Neighbour
from cifarlab.models.pretrained import builtin
from cifarlab.plots import data_uri
from cifarlab.plots.saliency_overlay import overlay
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels, encode_png
from cifarlab.web.pages import rendering
from cifarlab.web.predictions.classification import Classified, accepted, best, decode, until_gone
from cifarlab.web.predictions.uploads import UploadError, read_form
from cifarlab.web.server.state import explanations_of, inference_of, settings_of

router = APIRouter(include_in_schema=False)

TOP = 3
NEIGHBOURS = 8
MOST_MODELS = 4
SHOWN_PIXELS = 320
_SHOWN = (SHOWN_PIXELS, SHOWN_PIXELS, 3)


@dataclass(frozen=True)
class FormValues:
    """What the form says."""

    models: tuple[str, ...]
    neighbours: bool


@dataclass(frozen=True)
class Card:
    """What the page shows of one model's answer.

    Attributes:
        named: The most probable classes with their probabilities.
        seen: Address of the picture as the network sees it.
        method: Of the saliency map; `attention` is its address. Both are empty where there is none.
        neighbours: Class, neighbour and its picture's address; None where they are not there yet.
        agreeing: How many neighbours are of the class named.
        problem: Why there are no neighbours; or empty.
    """

    model: str
    known: tuple[str, ...]
    calibrated: bool
    named: list[tuple[str, float]]
    seen: str
    size: tuple[int, int]
    method: str
    attention: str
    neighbours: list[tuple[str, Neighbour, str]] | None
    agreeing: int
    problem: str


@router.get("/classify")
def show_form(request: Request) -> HTMLResponse:
    """The form; which models are chosen stands in the address."""
    query = request.query_params
    return _page(request, FormValues(_known(request, query.getlist("model")), query.get("neighbours") == "1"))


@router.post("/classify")
async def show_answer(request: Request) -> HTMLResponse:
    """The form with the answers below it; the picture lives as long as this request."""
    service, limits = inference_of(request), settings_of(request).limits
    form = FormValues(_known(request, []), False)
    try:
        async with accepted(service):
            upload = await read_form(request, max_images=2 * limits.max_images)
            fields = upload.fields
            form = FormValues(_known(request, fields.get("model", ())), "1" in fields.get("neighbours", ()))
            if not upload.pictures:
                raise UploadError(422, "no picture was sent: choose one, drop one here, or paste one")
            name = upload.pictures[0][0]
            async with until_gone(request):
                shown, cards = await _answer(request, upload.pictures[0], form)
    except HTTPException as error:
        response = _page(request, form, problem=str(error.detail), status=error.status_code)
        response.headers.update(error.headers or {})
        return response
    return _page(request, form, picture=shown, name=name, cards=cards)


async def _answer(request: Request, picture: tuple[str, bytes], form: FormValues) -> tuple[str, list[Card]]:
    """The picture as the page shows it, and each model's card; the file is decoded where those of `/v1/predict` are."""
    service, max_pixels = inference_of(request), settings_of(request).limits.max_pixels
    batchers = [await service.open_model(model) for model in form.models]
    wanted = [_SHOWN, *(batcher.loaded_model.image_shape for batcher in batchers)]
    decoded = await decode(service, [picture], list(dict.fromkeys(wanted)), max_pixels)
    cards, gone = [], threading.Event()
    try:
        for batcher in batchers:
            seen = decoded[batcher.loaded_model.image_shape]
            answer = Classified(batcher, seen, await service.predict(batcher, seen))
            cards.append(await anyio.to_thread.run_sync(_card, request, answer, form, gone, abandon_on_cancel=True))
    finally:  # a thread cannot be cancelled: it looks before each step that takes long
        gone.set()
    return _jpeg_uri(decoded[_SHOWN][0]), cards


def _page(
    request: Request,
    form: FormValues,
    *,
    status: int = 200,
    picture: str = "",
    name: str = "",
    problem: str = "",
    cards: Sequence[Card] = (),
) -> HTMLResponse:
    response = rendering.page(
        request,
        "classify.html",
        status=status,
        form=form,
        models=[
            (each, "comes with cifarlab" if each == builtin.NAME else "")
            for each in inference_of(request).store.names()
        ],
        most_models=MOST_MODELS,
        megabytes=settings_of(request).limits.max_request_bytes // 2**20,
        # The script asks again by itself.
        waiting=status == 503 or any(card.neighbours is None for card in cards),
        picture=picture,
        name=name,
        problem=problem,
        cards=cards,
    )
    if request.method == "POST":
        response.headers["Cache-Control"] = "no-store"  # the picture is in it
    return response


def _known(request: Request, names: Iterable[str]) -> tuple[str, ...]:
    """The models asked for that there are, each once and not too many; the first there is where none is asked for."""
    offered = inference_of(request).store.names()
    chosen = tuple(dict.fromkeys(name for name in names if name in offered))[:MOST_MODELS]
    return chosen or tuple(offered[:1])


def _card(request: Request, answer: Classified, form: FormValues, gone: threading.Event) -> Card:
    model, picture = answer.batcher.loaded_model, answer.pictures[0]
    explanations = explanations_of(request)
    (named,) = best(answer, TOP)
    label = int(answer.probabilities[0].argmax())
    looked = [] if gone.is_set() else explanations.attention(model, picture, [label])
    near: list[Neighbour] | None = []
    problem = ""
    if form.neighbours and not gone.is_set():
        try:
            run = inference_of(request).store.run(model.name)
            near = explanations.neighbours(model, run, picture, NEIGHBOURS)
        except CifarlabError as error:
            problem = str(error)
    names = model.class_names
    return Card(
        model=model.name,
        known=names,
        calibrated=model.temperature != 1.0,
        named=named,
        seen=_uri(picture),
        size=picture.shape[:2],
        method=looked[0].method if looked else "",
        attention=_uri(overlay(_rgb(picture), looked[0].heat)) if looked else "",
        neighbours=None if near is None else [(names[each.label], each, _uri(each.image)) for each in near],
        agreeing=sum(each.label == label for each in near or ()),
        problem=problem,
    )


def _jpeg_uri(square: Pixels) -> str:
    file = io.BytesIO()
    Image.fromarray(square).save(file, "jpeg", quality=85)
    return data_uri(file.getvalue()).replace("image/png", "image/jpeg", 1)


def _rgb(picture: Pixels) -> Pixels:
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def _uri(picture: Pixels) -> str:
    return data_uri(encode_png(picture))
