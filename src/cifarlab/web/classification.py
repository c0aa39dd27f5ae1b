"""From uploaded bytes to named classes: what the HTTP API and the Classify page share."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from cifarlab.errors import CifarlabError
from cifarlab.images import Pixels
from cifarlab.web.inference import InferenceService
from cifarlab.web.serving import UnknownModel
from cifarlab.web.uploads import UploadError, decode_picture
from cifarlab.web.worker import Busy, Worker


@dataclass(frozen=True, eq=False)
class Classified:
    """What one model says of some pictures.

    Attributes:
        worker: The model's thread.
        pictures: `(N, H, W, C)` uint8, as the model saw them.
        probabilities: `(N, K)` float64, rows sum to 1.
    """

    worker: Worker
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
    worker = await service.open_model(model)
    shape = worker.served.image_shape
    pictures = np.stack([await _decode(data, shape, max_pixels, name) for name, data in files])
    return Classified(worker, pictures, await service.predict(worker, pictures))


def best(classified: Classified, count: int) -> list[list[tuple[str, float]]]:
    """The most probable classes of each picture with their probabilities, the most probable first."""
    names = classified.worker.served.class_names
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
    except TimeoutError as error:
        message = f"no answer within {service.request_seconds:g} s: the model is still being loaded, or much waits"
        raise HTTPException(503, message, {"Retry-After": "5"}) from error


_decoders: anyio.CapacityLimiter | None = None


async def _decode(data: bytes, shape: tuple[int, int, int], max_pixels: int, name: str) -> Pixels:
    decode = partial(decode_picture, data, shape, max_pixels=max_pixels, name=name)
    return await anyio.to_thread.run_sync(decode, abandon_on_cancel=True, limiter=_limiter())


def _limiter() -> anyio.CapacityLimiter:
    """As many pictures are decoded at once as there are cores, so that large ones do not fill the memory."""
    global _decoders
    if _decoders is None:
        _decoders = anyio.CapacityLimiter(os.cpu_count() or 1)
    return _decoders
