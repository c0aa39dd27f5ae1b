"""`/v1/models`, `/v1/runs`, a run's scores and history: what can be asked and what was measured, for programs."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from cifarlab.inference.onnx_files import OnnxFile
from cifarlab.inference.prediction import class_names
from cifarlab.inference.tta import NAMES
from cifarlab.models.pretrained import builtin
from cifarlab.runs.layout import NO_TTA
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.server.state import inference_of, library_of

router = APIRouter(prefix="/v1", tags=["models and runs"])


class Problem(BaseModel):
    """What was wrong, in one sentence."""

    detail: str


class Model(BaseModel):
    """A model that pictures can be sent to."""

    name: str = Field(description="What `/v1/predict` wants as `model`.")
    class_names: list[str] = Field(description="In the order of the logits.")
    data: str = Field(description="The data set that it was trained on.")
    accuracy: float | None = Field(description="Test accuracy without TTA; null where it has not been evaluated.")
    in_memory: bool = Field(description="Whether it answers at once; another is loaded first, which takes seconds.")
    engine: str | None = Field(
        description="What computes its answers: onnxruntime, or Keras on tensorflow, jax or torch; null where nothing "
        "does yet: the model is not in memory."
    )


class Models(BaseModel):
    """Every model, the built-in one first."""

    models: list[Model]


class RunAtAGlance(BaseModel):
    """A run at a glance."""

    id: str
    state: Literal["running", "finished", "stopped", "failed"]
    why: str = Field(description="Why it stopped or failed; else empty.")
    started: str = Field(description="ISO 8601, UTC.")
    data: str
    model: str = Field(description="The network's architecture.")
    epochs: int | None = Field(description="Epochs done; null where `history.csv` is damaged.")
    planned_epochs: int
    validation_accuracy: float | None = Field(description="Of the best epoch; null where nothing was held out.")
    test_accuracy: float | None = Field(description="Without TTA; null where it has not been evaluated.")
    evaluated_on: list[str]
    tags: list[str]
    note: str
    damaged: dict[str, str] = Field(
        description="Files of the run that cannot be used, each with the reason; what the others say is here."
    )


class Runs(BaseModel):
    """Every run, by name."""

    runs: list[RunAtAGlance]


class Interval(BaseModel):
    """A number with its 95 % interval; null where it is undefined."""

    model_config = ConfigDict(extra="allow")

    value: float | None
    low: float | None
    high: float | None
    method: str


class Scores(BaseModel):
    """What a run's `scores.json` holds."""

    model_config = ConfigDict(extra="allow")

    count: int = Field(description="Images that were evaluated: all of the split.")
    class_names: list[str]
    accuracy: float | None
    loss: float | None = Field(description="Mean cross-entropy in nats.")
    scores: dict[str, Interval]


class History(BaseModel):
    """A training, epoch by epoch."""

    id: str
    seed: int | None
    same_but_seed: str = Field(description="Equal for runs whose recipes, data and labels are the same but the seed.")
    columns: dict[str, list[float | None]] = Field(
        description="What `history.csv` holds, one number an epoch; null where it is missing or not finite."
    )


_MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such run, or it has no such scores"}
}


@router.get("/models", summary="Models that can classify")
def list_models(request: Request) -> Models:
    """The built-in model, and every run that has a model. One whose files are broken is left out."""
    service = inference_of(request)
    summaries = {summary.name: summary for summary in library_of(request).summaries()}
    described = (
        _describe_model(name, summaries.get(name), service.engine(name), service.store.files)
        for name in service.store.names()
    )
    return Models(models=[model for model in described if model is not None])


@router.get("/runs", summary="All runs")
def list_runs(request: Request) -> Runs:
    """Every run in the folder of runs, in whatever state."""
    return Runs(runs=[_describe_run(summary) for summary in library_of(request).summaries()])


@router.get("/runs/{id}/scores", summary="The scores of a run", responses=_MISSING)
def read_scores(
    request: Request,
    run_id: Annotated[str, Path(alias="id", description="As `/v1/runs` names it.", min_length=1, max_length=255)],
    split: Annotated[Literal["test", "validation"], Query(description="Of which images.")] = "test",
    tta: Annotated[str, Query(description="Test-time augmentation.", json_schema_extra={"enum": list(NAMES)})] = NO_TTA,
) -> Scores:
    """Accuracy, loss, precision, recall, F1, calibration and more, each with its interval, and the confusion matrix."""
    summary = library_of(request).summary(run_id)
    if tta not in NAMES:
        raise HTTPException(404, f"there is no test-time augmentation {tta[:100]!r}: expected {', '.join(NAMES)}")
    try:
        return Scores.model_validate(json_data(summary.run.scores(split, tta)))
    except (CifarlabError, ValueError) as error:
        reason = str(error) if isinstance(error, CifarlabError) else f"the scores of {summary.name} are damaged"
        raise HTTPException(404, reason) from error


@router.get("/runs/{id}/history", summary="The training curves of a run", responses=_MISSING)
def read_history(
    request: Request,
    run_id: Annotated[str, Path(alias="id", description="As `/v1/runs` names it.", min_length=1, max_length=255)],
) -> History:
    """Loss, accuracy, learning rate and seconds of every epoch so far."""
    summary = library_of(request).summary(run_id)
    try:
        rows = summary.run.history()
    except CifarlabError as error:
        raise HTTPException(404, str(error)) from error
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [_finite(row.get(name)) for row in rows] for name in names}
    seed = summary.recipe.get("seed")
    return History(id=summary.name, seed=seed, same_but_seed=summary.same_but_seed, columns=columns)


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else number


def _describe_model(
    name: str, summary: RunSummary | None, engine: str | None, files: Mapping[str, OnnxFile]
) -> Model | None:
    try:
        if name in files:
            names, data, accuracy = files[name].class_names, files[name].data_name, files[name].accuracy
        elif name == builtin.NAME:
            card = builtin.read_card()
            names, data = card["class_names"], str(card["data"]["name"])
            accuracy = card["scores"].get(NO_TTA, {}).get("accuracy")
        elif summary is None:
            return None
        else:
            names, data, accuracy = class_names(summary.run), summary.data, summary.accuracy
    except CifarlabError:
        return None
    return Model(
        name=name,
        class_names=list(names),
        data=data,
        accuracy=accuracy,
        in_memory=engine is not None,
        engine=engine,
    )


def _describe_run(summary: RunSummary) -> RunAtAGlance:
    same = {name: getattr(summary, name) for name in ("state", "started", "data", "model", "epochs")}
    return RunAtAGlance(
        id=summary.name,
        why=summary.why or summary.problem,
        planned_epochs=summary.planned,
        validation_accuracy=summary.best[0] if summary.best else None,
        test_accuracy=summary.accuracy,
        evaluated_on=summary.evaluated,
        tags=list(summary.notes.tags),
        note=summary.notes.note,
        damaged=dict(summary.damaged),
        **same,
    )
