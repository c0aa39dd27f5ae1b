"""One run: its headline, curves that grow while it trains, its confusion matrix and mistakes, and how it was made."""

from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from numpy.typing import NDArray

from cifarlab import metrics
from cifarlab.evaluation.robustness.results import results_file
from cifarlab.reports.weights import has_first_layer, read_first_layer
from cifarlab.runs.layout import NAME_RULE, RUN_NAME
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.jobs import RESUMED
from cifarlab.web.pages import rendering
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.figures import run_figures
from cifarlab.web.pages.gallery import show_predictions
from cifarlab.web.pages.library import Library, data_option
from cifarlab.web.pages.marks import read_marks
from cifarlab.web.pages.run_summaries import RunSummary, say_unevaluated
from cifarlab.web.pages.sections import show_sections
from cifarlab.web.server.refusals import Refusal, comes_back_as
from cifarlab.web.server.state import LibraryOf, jobs_of, library_of

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 120
FORMS = ("stop", "evaluate", "calibrate", "resume", "notes", "rename", "delete")
"""What a run's page sends. A form that was refused has such an address, and who asks for it again wants the page."""
# Address, title, sections of the report, figures that can be downloaded.
TABS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "": ("Overview", (), ("training-curves", "confusion-matrix", "per-class-scores")),
    "mistakes": ("Images", (), ()),
    "calibration": ("Calibration", ("calibration",), ("reliability", "risk-coverage")),
    "robustness": ("Robustness", ("robustness",), ("robustness",)),
    "weights": ("First layer", ("first_layer_weights", "locality", "dead_units"), ("first-layer", "locality")),
    "making": ("Reproducibility", ("reproducibility",), ()),
}


@router.get("/runs/{name}")
def show_run(request: Request, name: str) -> Response:
    """Headline, curves, confusion matrix and the scores of every class."""
    return run_page(request, None, name)


def run_page(request: Request, refused: Refusal | None, name: str) -> Response:
    """A run's page, or that of a training that is no run yet; with what is to be said of a form that was refused."""
    job, library, status = jobs_of(request).find(name), library_of(request), 200 if refused is None else 400
    if job is not None and not library.has_run(name):
        log = jobs_of(request).log(name)
        return rendering.page(request, "starting.html", status=status, job=job, log=log, refused=refused)
    summary = library.summary(name)
    frame = _frame(request, summary, "")
    split = frame["split"]
    whole = bool(request.query_params.get("whole"))
    return rendering.page(
        request,
        "run.html",
        status=status,
        refused=refused,
        **frame,
        **live_values(request, summary, split, whole=whole),
        headline=show_sections(library, [summary], split, ["results"], whole=whole) if split else [],
        matrix=_matrix(library, summary, split) if split else None,
        sections=show_sections(library, [summary], split, ["class_metrics"], whole=whole) if split else [],
        run_name=RUN_NAME,
        name_rule=NAME_RULE,
    )


@router.get("/runs/{name}/live")
def show_live(request: Request, library: LibraryOf, name: str) -> Response:
    """The part of the page that changes while the run is trained; 304 where nothing has."""
    summary = library.summary(name)
    evaluation = jobs_of(request).find_evaluation(name)
    job = jobs_of(request).find(name)
    busy = [each is not None and each.is_alive for each in (evaluation, job)]
    tag = f'"{abs(hash((summary.signature, summary.state, *busy)))}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    shown = rendering.fragment(request, "run_live.html", summary=summary, **live_values(request, summary, whole=True))
    shown.headers["ETag"] = tag
    return shown


@router.get("/runs/{name}/mistakes")
def show_mistakes(request: Request, library: LibraryOf, name: str) -> Response:
    """A gallery of the run's predictions, filtered and sorted; by default its mistakes."""
    summary = library.summary(name)
    frame = _frame(request, summary, "mistakes")
    if not frame["split"]:
        raise CifarlabError(say_unevaluated([summary], summary.held_out[0]))
    gallery = show_predictions(library, summary, frame["split"], request.query_params, PAGE_SIZE)
    others = [each.name for each in library.summaries() if each.data == summary.data and each.name != name]
    found = library.find_collection(summary.data)
    marks = read_marks(library, found) if isinstance(found, Collection) else None
    return rendering.page(request, "run_mistakes.html", **frame, gallery=gallery, others=others, marks=marks)


@router.get("/runs/{name}/{tab}")
def show_tab(request: Request, library: LibraryOf, name: str, tab: str) -> Response:
    """Calibration, robustness, the first layer, or how the run was made."""
    if tab in FORMS:
        return RedirectResponse(rendering.PageAddress(request).at(library.summary(name).address), status_code=307)
    if tab not in TABS or not TABS[tab][1]:
        raise HTTPException(404, f"a run has no page {tab!r}")
    summary = library.summary(name)
    frame = _frame(request, summary, tab)
    title, names, _ = TABS[tab]
    if tab == "weights" and not _has_tab(summary, frame["split"], tab):
        raise HTTPException(404, _why_no_first_layer(summary))
    # A training that has just begun has not written down how it is made.
    is_measured = frame["split"] or tab == "weights" or (tab == "making" and summary.data)
    if not _has_tab(summary, frame["split"], tab):
        is_measured = ""
    whole = bool(request.query_params.get("whole"))
    sections = show_sections(library, [summary], frame["split"] or "test", names, whole=whole) if is_measured else []
    return rendering.page(request, "run_tab.html", **frame, sections=sections, title=title)


@router.post("/runs/{name}/stop")
@comes_back_as(run_page)
def stop_run(request: Request, name: str) -> Response:
    """Stop a training as an interrupt would: it keeps its last epoch."""
    jobs_of(request).stop(name)
    return RedirectResponse(f"/runs/{quote(name, safe='')}", status_code=303)


@router.post("/runs/{name}/evaluate")
@comes_back_as(run_page)
def evaluate_run(request: Request, library: LibraryOf, name: str, split: Annotated[str, Form()] = "test") -> Response:
    """Ask the run's model about images that it did not learn from: a look at them, which is counted."""
    summary = library.summary(name)
    _check_model(library, summary, "evaluated")
    if split == "validation" and split not in summary.held_out:
        raise CifarlabError(f"{name} held out no validation images: it was trained on all of them")
    jobs_of(request).evaluate(summary.name, split, summary.data)
    return RedirectResponse(summary.address, status_code=303)


@router.post("/runs/{name}/calibrate")
@comes_back_as(run_page)
def calibrate_run(request: Request, library: LibraryOf, name: str) -> Response:
    """Fit the run's temperature on the images that it held out."""
    summary = library.summary(name)
    _check_model(library, summary, "calibrated")
    if "validation" not in summary.held_out:
        raise CifarlabError(f"{name} held out no validation images: there are none to fit a temperature on")
    jobs_of(request).calibrate(summary.name, summary.data)
    return RedirectResponse(summary.address, status_code=303)


@router.post("/runs/{name}/resume")
@comes_back_as(run_page)
def resume_run(request: Request, library: LibraryOf, name: str) -> Response:
    """Go on with a training that was stopped, as `cifarlab train --resume` does."""
    summary = library.summary(name)
    if not summary.resumable:
        why = (
            summary.unfit
            or f"it is {summary.state}, and has {'a' if summary.run.has_checkpoint() else 'no'} checkpoint"
        )
        raise CifarlabError(f"{name} cannot be resumed: {why}")
    _check_data(library, summary)
    jobs_of(request).resume(summary.name, summary.data)
    return RedirectResponse(summary.address, status_code=303)


def _check_model(library: Library, summary: RunSummary, how: str) -> None:
    """Refuse a run whose model cannot be asked about its own images."""
    if summary.no_model:
        raise CifarlabError(f"{summary.name} cannot be {how}: {summary.no_model}")
    _check_data(library, summary)


def _check_data(library: Library, summary: RunSummary) -> None:
    if summary.data not in library.data_names().values():
        raise CifarlabError(
            f"{summary.name} was trained on {summary.data}: start the app with {data_option(summary.data)}"
        )


def live_values(request: Request, summary: RunSummary, split: str = "", *, whole: bool = False) -> dict[str, Any]:
    """What the changing part of a run's page shows, below its headline on `split` if it has one."""
    library = library_of(request)
    job, evaluation = jobs_of(request).find(summary.name), jobs_of(request).find_evaluation(summary.name)
    failed = evaluation is not None and evaluation.failed
    notices = summary.scores[split].notices if split else ()
    return {
        "evaluating": evaluation.what if evaluation is not None and evaluation.is_alive else "",
        "resuming": job is not None and job.is_alive and job.what == RESUMED and summary.state != "running",
        "training_failed": job is not None and job.failed,
        "unevaluated": jobs_of(request).log(summary.name, evaluation=True) if failed else "",
        "why": "" if any(summary.why in str(notice) for notice in notices) else summary.why,
        "curves": show_sections(library, [summary], "", ["training_curves"], whole=whole) if summary.epochs else [],
        "stopping": job is not None and job.stopping and job.is_alive,
        "log": jobs_of(request).log(summary.name) if summary.state != "finished" else "",
    }


def _frame(request: Request, summary: RunSummary, tab: str) -> dict[str, Any]:
    """What every page about the run shows."""
    split = request.query_params.get("split") or (summary.evaluated[0] if summary.evaluated else "")
    if split and split not in summary.evaluated:
        raise CifarlabError(say_unevaluated([summary], split))
    return {
        "summary": summary,
        "split": split,
        "tabs": [
            (key, title, summary.address + (f"/{key}" if key else ""))
            for key, (title, _, _) in TABS.items()
            if _has_tab(summary, split, key)
        ],
        "tab": tab,
        "figures": [name for name in TABS[tab][2] if name in run_figures(summary, split)],
    }


def _has_tab(summary: RunSummary, split: str, tab: str) -> bool:
    """Whether there is something to show on it."""
    if tab == "robustness":
        return bool(split) and results_file(summary.run).is_file()
    if tab == "weights":
        return has_first_layer(summary.run.model_file)
    return bool(split) or tab in ("", "making")


def _why_no_first_layer(summary: RunSummary) -> str:
    """One sentence; of a model whose file is broken, the error that says so."""
    if not summary.run.model_file.is_file():
        return f"{summary.name} has no model yet: its first layer is shown once the training has kept one"
    read_first_layer(summary.run.model_file)
    return (
        f"the first layer of {summary.name} is no dense layer over the whole picture: it has no weights to show as such"
    )


def _matrix(library: Library, summary: RunSummary, split: str) -> dict[str, Any]:
    """The confusion matrix, each cell with the share of its row and how deep its colour is."""
    predictions = library.predictions(summary, split)
    counts, size = metrics.confusion_matrix(predictions), len(predictions.class_names)
    own = np.eye(size, dtype=bool)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    worst = max(float(shares[~own].max(initial=0)), 1e-9)
    # Of the colour, in tenths: the share itself on the diagonal, elsewhere beside the worst mistake's.
    depths = np.rint(10 * np.where(own, shares, shares / worst)).astype(int)
    rows = [
        [{"count": count, "share": share, "depth": depth} for count, share, depth in zip(*columns, strict=True)]
        for columns in zip(counts.tolist(), shares.tolist(), depths.tolist(), strict=True)
    ]
    return {"names": predictions.class_names, "rows": rows, "size": size, "worst": _most_frequent(counts * ~own)}


def _most_frequent(mistakes: NDArray[np.int64]) -> dict[str, int] | None:
    """The confusion that happens most often, by its place in the matrix; None where there is no mistake."""
    true, said = divmod(int(mistakes.argmax()), len(mistakes))
    count = int(mistakes[true, said])
    return {"true": true, "said": said, "count": count} if count else None
