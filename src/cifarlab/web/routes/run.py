"""One run: its headline, curves that grow while it trains, its confusion matrix and mistakes, and how it was made."""

from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.evaluation.robustness.results import results_file
from cifarlab.reports.weights import has_first_layer, read_first_layer
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.figures import run_figures
from cifarlab.web.pages.gallery import show_answers
from cifarlab.web.pages.library import Library, data_option
from cifarlab.web.pages.run_summaries import RunSummary, say_unevaluated
from cifarlab.web.pages.sections import show_sections

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 120
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
    library: Library = request.app.state.library
    job = request.app.state.jobs.find(name)
    if job is not None and not library.has_run(name):
        return rendering.page(request, "starting.html", job=job, log=request.app.state.jobs.log(name))
    entry = library.entry(name)
    frame = _frame(request, entry, "")
    split = frame["split"]
    whole = bool(request.query_params.get("whole"))
    return rendering.page(
        request,
        "run.html",
        **frame,
        **live_values(request, entry, split, whole=whole),
        headline=show_sections(library, [entry], split, ["results"], whole=whole) if split else [],
        matrix=_matrix(library, entry, split) if split else None,
        sections=show_sections(library, [entry], split, ["class_metrics"], whole=whole) if split else [],
    )


@router.get("/runs/{name}/live")
def show_live(request: Request, name: str) -> Response:
    """The part of the page that changes while the run is trained; 304 where nothing has."""
    library: Library = request.app.state.library
    entry = library.entry(name)
    evaluation = request.app.state.jobs.find_evaluation(name)
    busy = evaluation is not None and evaluation.is_alive
    tag = f'"{abs(hash((entry.signature, entry.state, busy)))}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    shown = rendering.fragment(request, "run_live.html", entry=entry, **live_values(request, entry, whole=True))
    shown.headers["ETag"] = tag
    return shown


@router.get("/runs/{name}/mistakes")
def show_mistakes(request: Request, name: str) -> Response:
    """A gallery of the run's answers, filtered and sorted; by default its mistakes."""
    library: Library = request.app.state.library
    entry = library.entry(name)
    frame = _frame(request, entry, "mistakes")
    if not frame["split"]:
        raise CifarlabError(say_unevaluated([entry], entry.held_out[0]))
    gallery = show_answers(library, entry, frame["split"], request.query_params, PAGE_SIZE)
    others = [each.name for each in library.entries() if each.data == entry.data and each.name != name]
    return rendering.page(request, "run_mistakes.html", **frame, gallery=gallery, others=others)


@router.get("/runs/{name}/{tab}")
def show_tab(request: Request, name: str, tab: str) -> Response:
    """Calibration, robustness, the first layer, or how the run was made."""
    if tab not in TABS or not TABS[tab][1]:
        raise HTTPException(404, f"a run has no page {tab!r}")
    library: Library = request.app.state.library
    entry = library.entry(name)
    frame = _frame(request, entry, tab)
    title, names, _ = TABS[tab]
    if tab == "weights" and not _has_tab(entry, frame["split"], tab):
        raise HTTPException(404, _why_no_first_layer(entry))
    # A training that has just begun has not written down how it is made.
    asked = frame["split"] or tab == "weights" or (tab == "making" and entry.data)
    if not _has_tab(entry, frame["split"], tab):
        asked = ""
    whole = bool(request.query_params.get("whole"))
    sections = show_sections(library, [entry], frame["split"] or "test", names, whole=whole) if asked else []
    return rendering.page(request, "run_tab.html", **frame, sections=sections, title=title)


@router.post("/runs/{name}/stop")
def stop_run(request: Request, name: str) -> Response:
    """Stop a training as an interrupt would: it keeps its last epoch."""
    request.app.state.jobs.stop(name)
    return RedirectResponse(f"/runs/{quote(name, safe='')}", status_code=303)


@router.post("/runs/{name}/evaluate")
def evaluate_run(request: Request, name: str, split: Annotated[str, Form()] = "test") -> Response:
    """Ask the run's model about images that it did not learn from: a look at them, which is counted."""
    library: Library = request.app.state.library
    entry = library.entry(name)
    if entry.problem:
        raise CifarlabError(f"{name} cannot be evaluated: {entry.problem}")
    if entry.state == "running" or not entry.run.model_file.is_file():
        raise CifarlabError(f"{name} has no trained model yet: wait until its training has ended")
    if entry.data not in library.data_names().values():
        raise CifarlabError(f"{name} was trained on {entry.data}: start the app with {data_option(entry.data)}")
    if split == "validation" and split not in entry.held_out:
        raise CifarlabError(f"{name} held out no validation images: it was trained on all of them")
    request.app.state.jobs.evaluate(entry.name, split, entry.data)
    return RedirectResponse(entry.address, status_code=303)


def live_values(request: Request, entry: RunSummary, split: str = "", *, whole: bool = False) -> dict[str, Any]:
    """What the changing part of a run's page shows, below its headline on `split` if it has one."""
    library: Library = request.app.state.library
    job = request.app.state.jobs.find(entry.name)
    evaluation = request.app.state.jobs.find_evaluation(entry.name)
    failed = evaluation is not None and evaluation.failed
    told = entry.scores[split].get("notices") or () if split else ()
    return {
        "evaluating": evaluation is not None and evaluation.is_alive,
        "unevaluated": request.app.state.jobs.log(entry.name, evaluation=True) if failed else "",
        "why": "" if any(entry.why in str(notice) for notice in told) else entry.why,
        "curves": show_sections(library, [entry], "", ["training_curves"], whole=whole) if entry.epochs else [],
        "stopping": job is not None and job.stopping and job.is_alive,
        "log": request.app.state.jobs.log(entry.name) if entry.state != "finished" else "",
    }


def _frame(request: Request, entry: RunSummary, tab: str) -> dict[str, Any]:
    """What every page about the run shows."""
    split = request.query_params.get("split") or (entry.evaluated[0] if entry.evaluated else "")
    if split and split not in entry.evaluated:
        raise CifarlabError(say_unevaluated([entry], split))
    return {
        "entry": entry,
        "split": split,
        "tabs": [
            (key, title, entry.address + (f"/{key}" if key else ""))
            for key, (title, _, _) in TABS.items()
            if _has_tab(entry, split, key)
        ],
        "tab": tab,
        "figures": [name for name in TABS[tab][2] if name in run_figures(entry, split)],
    }


def _has_tab(entry: RunSummary, split: str, tab: str) -> bool:
    """Whether there is something to show on it."""
    if tab == "robustness":
        return bool(split) and results_file(entry.run).is_file()
    if tab == "weights":
        return has_first_layer(entry.run.model_file)
    return bool(split) or tab in ("", "making")


def _why_no_first_layer(entry: RunSummary) -> str:
    """One sentence.

    Raises:
        CifarlabError: If the model's file is broken.
    """
    if not entry.run.model_file.is_file():
        return f"{entry.name} has no model yet: its first layer is shown once the training has kept one"
    read_first_layer(entry.run.model_file)
    return (
        f"the first layer of {entry.name} is no dense layer over the whole picture: it has no weights to show as such"
    )


def _matrix(library: Library, entry: RunSummary, split: str) -> dict[str, Any]:
    """The confusion matrix, each cell with the share of its row and how deep its colour is."""
    answers = library.answers(entry, split)
    size = len(answers.class_names)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (answers.labels, answers.predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    worst = max(float(np.where(np.eye(size, dtype=bool), 0, shares).max(initial=0)), 1e-9)
    own = np.eye(size, dtype=bool)
    # Of the colour, in tenths: the share itself on the diagonal, elsewhere beside the worst mistake's.
    depths = np.rint(10 * np.where(own, shares, shares / worst)).astype(int)
    rows = [
        [
            {"count": int(count), "share": float(share), "depth": int(depth)}
            for count, share, depth in zip(counts[true], shares[true], depths[true], strict=True)
        ]
        for true in range(size)
    ]
    return {"names": answers.class_names, "rows": rows, "size": size}
