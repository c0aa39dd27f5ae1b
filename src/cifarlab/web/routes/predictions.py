"""`POST /v1/predict`: classify pictures, for programs."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cifarlab.models.pretrained import builtin
from cifarlab.web.predictions.classification import accepted, best, classify, until_gone
from cifarlab.web.predictions.uploads import Upload, UploadError, decode_base64, read_form
from cifarlab.web.routes.listings import Problem
from cifarlab.web.server.state import inference_of, settings_of


class _PlainRoute(APIRoute):
    """A route whose function takes the request and gives the response, as its annotations say to the documentation.

    FastAPI's own way from the one to the other, through dependencies and the answer's model, takes a fifth of a
    prediction's time where the network is small.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


router = APIRouter(prefix="/v1", tags=["predictions"], route_class=_PlainRoute)

MOST_CLASSES = 1000
Fields = TypeVar("Fields", bound=BaseModel)


class PredictOptions(BaseModel):
    """What is asked beside the pictures; a field that is misspelt is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(builtin.NAME, description="As `/v1/models` names it.", min_length=1, max_length=200)
    top_k: int = Field(3, description="How many classes to name; at most all that it knows.", ge=1, le=MOST_CLASSES)


class JsonPictures(PredictOptions):
    """Pictures as JSON."""

    images: list[Annotated[str, Field(min_length=1)]] = Field(
        description="Each a whole picture file in base64, with or without `data:image/...;base64,` before it.",
        min_length=1,
    )


class ClassProbability(BaseModel):
    """A class and how probable it is."""

    class_name: str
    probability: float = Field(ge=0, le=1)


class PicturePrediction(BaseModel):
    """What a model names on one picture."""

    image: str = Field(description="The file's name, or its number, counted from 1.")
    top: list[ClassProbability] = Field(description="The most probable first.")


class PredictionsAnswer(BaseModel):
    """What a model names on every picture, in their order."""

    model: str
    predictions: list[PicturePrediction]


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "additionalProperties": False,
                    "properties": {
                        "images": {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1},
                            "minItems": 1,
                            "description": "Picture files: PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF or PPM.",
                        },
                        **PredictOptions.model_json_schema()["properties"],
                    },
                },
                "encoding": {"images": {"contentType": "image/*"}},
            },
            "application/json": {"schema": JsonPictures.model_json_schema()},
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The form or the JSON is malformed"},
    404: {"model": Problem, "description": "There is no such model"},
    409: {"model": Problem, "description": "The model cannot be used"},
    413: {"model": Problem, "description": "The request or a picture is too large, or there are too many"},
    415: {"model": Problem, "description": "The body is neither a form nor JSON, or a file is no picture"},
    422: {"description": "A picture is damaged, or a field is missing or wrong"},
    503: {
        "model": Problem,
        "description": "Too much waits already, or the answer took too long",
        "headers": {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}},
    },
}


@router.post(
    "/predict",
    summary="Classify pictures",
    openapi_extra=_BODY,
    response_model=PredictionsAnswer,
    responses=_PROBLEMS,
)
async def predict(request: Request) -> Response:
    """Name the most probable classes of one or many pictures.

    Send a form with `images` (as many files as you like, up to the server's limit), or JSON with `images` in base64.
    Pictures may have any size; the model sees their centre square, made small. They are not kept.
    """
    service, limits = inference_of(request), settings_of(request).limits
    async with accepted(service):
        upload, options = await _read(request, limits.max_images)
        if len(upload.pictures) > limits.max_images:
            raise UploadError(413, f"{len(upload.pictures)} pictures: at most {limits.max_images} in one request")
        async with until_gone(request):
            classified = await classify(service, options.model, upload.pictures, max_pixels=limits.max_pixels)
    predictions = [
        {"image": name, "top": [{"class_name": label, "probability": chance} for label, chance in top]}
        for (name, _), top in zip(upload.pictures, best(classified, options.top_k), strict=True)
    ]
    return JSONResponse({"model": options.model, "predictions": predictions})


async def _read(request: Request, max_images: int) -> tuple[Upload, PredictOptions]:
    """The pictures and what is asked, from whichever form they come in."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        upload = await read_form(request, max_images=max_images)
        if not upload.pictures:
            raise UploadError(422, "no picture: send one or more files in the field images")
        return upload, _checked(
            lambda: PredictOptions.model_validate({key: values[-1] for key, values in upload.fields.items()})
        )
    if kind == "application/json":
        body = await request.body()
        options = _checked(lambda: JsonPictures.model_validate_json(body))
        names = [f"picture {number}" for number in range(1, len(options.images) + 1)]
        pictures = [(name, decode_base64(text, name)) for name, text in zip(names, options.images, strict=True)]
        return Upload(pictures, {}), options
    raise UploadError(415, f"expected multipart/form-data or application/json. Received: {kind[:100] or 'no type'}")


def _checked(read: Callable[[], Fields]) -> Fields:
    """What `read` gives, or the answer 422 that says which field is wrong, without repeating what was sent."""
    try:
        return read()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong]) from error
