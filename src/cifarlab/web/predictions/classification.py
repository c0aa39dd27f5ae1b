"""From uploaded bytes to named classes: what the HTTP API and the Classify page share."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.web.predictions.batcher import Batcher, Busy
from cifarlab.web.predictions.model_store import UnknownModel
from cifarlab.web.predictions.service import InferenceService
from cifarlab.web.predictions.uploads import UploadError, decode_picture

# What is decoded on the event loop, which stands still meanwhile: all pictures of a request together, and each alone.
_SMALL_BYTES = 32_768
_SMALL_PIXELS = 16_384
_LARGE_PIXELS = 4_000_000
_ONE_LARGE = threading.Lock()
_TOO_LARGE = 413
_WATCHED_AFTER_SECONDS = 0.02

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Classified:
    """What one model says of some pictures.

    Attributes:
        pictures: `(N, H, W, C)` uint8, as the model saw them.
        probabilities: `(N, K)` float64, rows sum to 1.
    """

    batcher: Batcher
    pictures: Pixels
    probabilities: NDArray[np.float64]


async def classify(
    service: InferenceService, model: str, files: Sequence[tuple[str, bytes]], *, max_pixels: int
) -> Classified:
    """Decode pictures as the model wants them and ask it.

    Args:
        service: Who answers.
        model: Name of the model.
        files: Name and bytes of each picture, at least one.
        max_pixels: The largest picture that is decoded.

    Raises:
        UploadError: If a picture cannot be read.
        UnknownModel: If there is no such model.
        Busy: If too much waits already.
        CifarlabError: If the model cannot be used.
    """
    batcher = await service.open_model(model)
    shape = batcher.loaded_model.image_shape
    pictures = (await decode(service, files, [shape], max_pixels))[shape]
    return Classified(batcher, pictures, await service.predict(batcher, pictures))


def best(classified: Classified, count: int) -> list[list[tuple[str, float]]]:
    """The most probable classes of each picture with their probabilities, the most probable first."""
    names = classified.batcher.loaded_model.class_names
    order = np.argsort(-classified.probabilities, axis=1, kind="stable")[:, :count]  # (N, count)
    return [
        [(names[k], float(row[k])) for k in chosen]
        for row, chosen in zip(classified.probabilities, order.tolist(), strict=True)
    ]


@asynccontextmanager
async def accepted(service: InferenceService) -> AsyncIterator[None]:
    """One request's place and time limit; what goes wrong inside becomes the right HTTP answer.

    Raises:
        HTTPException: 4xx for what the client can mend, 503 with `Retry-After` where it should come again.
    """
    try:
        with service.admission():
            async with asyncio.timeout(service.request_seconds):
                yield
    except UploadError as error:
        raise HTTPException(error.status, str(error)) from error
    except Busy as error:
        raise HTTPException(503, str(error), {"Retry-After": str(error.seconds)}) from error
    except UnknownModel as error:
        raise HTTPException(404, str(error)) from error
    except CifarlabError as error:
        raise HTTPException(409, str(error)) from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the request ended too early") from error
    except TimeoutError as error:
        reason = "the model is still being loaded, much waits, or the request came in slowly"
        message = f"no answer within {service.request_seconds:g} s: {reason}"
        raise HTTPException(503, message, {"Retry-After": "5"}) from error


@asynccontextmanager
async def until_gone(request: Request) -> AsyncIterator[None]:
    """Inside, the work ends when its client has gone: to be entered once the request's body has been read.

    Raises:
        ClientDisconnect: If the client has gone.
    """
    work = asyncio.current_task()
    assert work is not None
    watchers: list[asyncio.Task[None]] = []

    async def watch() -> None:
        await request.receive()  # the body is there, so that only this can come
        work.cancel()

    def begin() -> None:
        watchers.append(asyncio.create_task(watch()))

    # What is answered at once has no client that goes: a timer costs a tenth of a task.
    timer = asyncio.get_running_loop().call_later(_WATCHED_AFTER_SECONDS, begin)
    try:
        yield
    except asyncio.CancelledError:
        if not any(watcher.done() for watcher in watchers):  # the request's time is over, or the server's
            raise
        work.uncancel()
        raise ClientDisconnect from None
    finally:
        timer.cancel()
        for watcher in watchers:
            watcher.cancel()


async def decode(
    service: InferenceService, files: Sequence[tuple[str, bytes]], shapes: Sequence[Shape], max_pixels: int
) -> dict[Shape, Pixels]:
    """Pictures in every shape that is asked for, made in one of the service's few threads.

    Who has gone is not decoded to the end.

    Args:
        service: Whose threads.
        files: Name and bytes of each picture, N of them.
        shapes: Height, width and channels.
        max_pixels: The largest picture that is decoded.

    Returns:
        For each shape `(N, H, W, C)` uint8.

    Raises:
        UploadError: If a picture cannot be read.
    """
    if len(shapes) == 1 and sum(len(data) for _, data in files) <= _SMALL_BYTES:
        # To hand something so small to a thread and back would cost more than to decode it here.
        with contextlib.suppress(UploadError):  # perhaps only too large for here: the thread says what is wrong
            return _decode_all(files, shapes, min(max_pixels, _SMALL_PIXELS), threading.Event())
    return await _decode_in_thread(service, files, shapes, max_pixels)


async def decode_each(
    service: InferenceService, files: Sequence[tuple[str, bytes]], shapes: Sequence[Shape], max_pixels: int
) -> list[dict[Shape, Pixels] | UploadError]:
    """As `decode`, each picture alone: what makes one unreadable stands in its place, and the others are there."""

    async def one(file: tuple[str, bytes]) -> dict[Shape, Pixels] | UploadError:
        try:
            return await _decode_in_thread(service, [file], shapes, max_pixels)
        except UploadError as error:
            return error

    return await asyncio.gather(*map(one, files))


async def _decode_in_thread(
    service: InferenceService, files: Sequence[tuple[str, bytes]], shapes: Sequence[Shape], max_pixels: int
) -> dict[Shape, Pixels]:
    gone = threading.Event()
    try:
        return await asyncio.get_running_loop().run_in_executor(
            service.decoders, _decode_all, files, shapes, max_pixels, gone
        )
    finally:  # a thread cannot be cancelled: it looks before each picture
        gone.set()


def _decode_all(
    files: Sequence[tuple[str, bytes]], shapes: Sequence[Shape], max_pixels: int, gone: threading.Event
) -> dict[Shape, Pixels]:
    pictures = {shape: np.empty((len(files), *shape), np.uint8) for shape in shapes}
    for row, (name, data) in enumerate(files):
        for shape, decoded in pictures.items():
            if gone.is_set():
                return pictures
            decoded[row] = _decode_one(data, shape, max_pixels, name, gone)
    return pictures


def _decode_one(data: bytes, shape: Shape, max_pixels: int, name: str, gone: threading.Event) -> Pixels:
    """A large picture is decoded while no other is: each takes hundreds of megabytes for a second."""
    if max_pixels > _LARGE_PIXELS:
        try:
            return decode_picture(data, shape, max_pixels=_LARGE_PIXELS, name=name)
        except UploadError as error:
            if error.status != _TOO_LARGE:
                raise
    with _ONE_LARGE if max_pixels > _LARGE_PIXELS else contextlib.nullcontext():
        if gone.is_set():
            return np.zeros(shape, np.uint8)  # which nobody looks at
        return decode_picture(data, shape, max_pixels=max_pixels, name=name)
