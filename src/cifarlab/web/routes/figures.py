"""Every figure as SVG and PNG, and its numbers as CSV."""

import re
from collections.abc import Callable, Hashable

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from cifarlab.evaluation.robustness.results import results_file
from cifarlab.web.pages.figures import (
    COMPARISONS,
    DATA_FIGURES,
    FIRST_LAYER,
    KINDS,
    Drawing,
    draw_comparison,
    draw_data_figure,
    draw_run_figure,
    run_figures,
)
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import sign
from cifarlab.web.routes.compare import MOST
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)


@router.get("/figures/runs/{run}/{name}.{kind}")
def serve_run_figure(library: LibraryOf, run: str, name: str, kind: str, split: str = "") -> Response:
    """A figure about a run."""
    summary = library.summary(run)
    chosen = split or (summary.evaluated[0] if summary.evaluated else "")
    missing = chosen not in ("", *summary.evaluated) or (
        name == "robustness" and not results_file(summary.run).is_file()
    )
    if kind not in KINDS or missing or name not in run_figures(summary, chosen):
        raise HTTPException(404, f"{run} has no figure {name}.{kind} on {chosen or 'any split'}")
    about = "" if name in ("training-curves", *FIRST_LAYER) else chosen
    model = sign(summary.run.model_file) if name in FIRST_LAYER else ()
    key = ("figure", run, summary.signature, model, about, name, kind)

    title = "-".join(each for each in (run, about, name) if each)
    return _file(library, key, lambda: draw_run_figure(library, summary, chosen, name), kind, title)


@router.get("/figures/compare/{name}.{kind}")
def serve_comparison(request: Request, library: LibraryOf, name: str, kind: str, split: str = "test") -> Response:
    """A figure about several runs."""
    summaries = [library.summary(run) for run in dict.fromkeys(request.query_params.getlist("run"))][:MOST]
    curves = name == "training-curves"
    missing = not summaries or any(
        not summary.epochs if curves else split not in summary.evaluated for summary in summaries
    )
    if kind not in KINDS or missing or name not in COMPARISONS:
        raise HTTPException(404, f"there is no figure {name}.{kind} about these runs on {split}")
    key = ("figure", tuple((summary.name, summary.signature) for summary in summaries), split, name, kind)

    title = f"compare-{len(summaries)}-runs-{split}-{name}"
    return _file(library, key, lambda: draw_comparison(library, summaries, split, name), kind, title)


@router.get("/figures/data/{slug}/{name}.{kind}")
def serve_data_figure(library: LibraryOf, slug: str, name: str, kind: str) -> Response:
    """A figure about a data set."""
    collection = library.collection(slug)
    if kind not in KINDS or name not in DATA_FIGURES:
        raise HTTPException(404, f"{slug} has no figure {name}.{kind}")

    key = ("figure", slug, collection.version, name, kind)
    return _file(library, key, lambda: draw_data_figure(collection, name), kind, f"{slug}-{name}")


def _file(library: Library, key: Hashable, draw: Callable[[], Drawing], kind: str, name: str) -> Response:
    content = library.keep(key, lambda: draw().render(kind))
    # A folder's name may hold what a header may not.
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    headers = {"Content-Disposition": f'attachment; filename="{plain}.{kind}"', "Cache-Control": "no-cache"}
    return Response(content, media_type=KINDS[kind], headers=headers)
