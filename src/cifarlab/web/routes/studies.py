"""Studies: the table of all, and each one's verdict, trials and figures, live while it runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.plots.training_curves import plot_training_curves
from cifarlab.reports.rendering import draw
from cifarlab.search.reading import StudyRecord
from cifarlab.web.pages import rendering
from cifarlab.web.pages.figures import DRAWING, KINDS
from cifarlab.web.pages.run_summaries import sign
from cifarlab.web.pages.studies import StudyShelf, address_of, find_trial, histories_of, trial_rows
from cifarlab.web.search_options import read_command
from cifarlab.web.server.refusals import Refusal, comes_back_as
from cifarlab.web.server.state import LibraryOf, jobs_of, studies_of

router = APIRouter(include_in_schema=False)
Shelf = Annotated[StudyShelf, Depends(studies_of)]


@router.get("/studies")
def show_studies(request: Request, shelf: Shelf) -> Response:
    """All studies."""
    return rendering.page(request, "studies.html", **_listing(request, shelf))


@router.get("/studies-table")
def show_table(request: Request, shelf: Shelf) -> Response:
    """The table alone, for the script that keeps it up to date."""
    return rendering.fragment(request, "studies_live.html", **_listing(request, shelf))


@router.get("/studies/{name}")
def show_study(request: Request, name: str) -> Response:
    """The verdict, all trials, and the figures."""
    return study_page(request, None, name)


def study_page(request: Request, refused: Refusal | None, name: str) -> Response:
    """A study's page, with what is to be said of a form that was refused."""
    shelf, status = studies_of(request), 200 if refused is None else 400
    job = jobs_of(request).find_search(name)
    if job is not None and not shelf.has(name):
        log = jobs_of(request).log(name, search=True)
        return rendering.page(request, "study_starting.html", status=status, job=job, log=log, refused=refused)
    record = shelf.record(name)
    sections = shelf.sections(record, whole=bool(request.query_params.get("whole")))
    figures = [each.name.removeprefix("figure-") for each in sections if each.name.startswith("figure-")]
    values = _live(request, record)
    values |= {"sections": sections, "figures": figures, "refused": refused}
    return rendering.page(request, "study_page.html", status=status, **values)


@router.get("/studies/{name}/stop")
@router.get("/studies/{name}/join")
def show_again(name: str) -> Response:
    """A refused form has this address, and who asks for it again wants the page."""
    return RedirectResponse(address_of(name), status_code=307)


@router.get("/studies/{name}/live")
def show_live(request: Request, shelf: Shelf, name: str) -> Response:
    """The part of the page that changes while the study runs; 304 where nothing has."""
    record = shelf.record(name)
    values = _live(request, record)
    # Whether our process lives is in no file: it ends after it has freed the study.
    tag = f'"{abs(hash((shelf.signature(record), values["is_ours"], values["stopping"])))}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    shown = rendering.fragment(request, "study_live.html", **values)
    shown.headers["ETag"] = tag
    return shown


@router.get("/studies/{name}/sections/{part}")
def serve_section(request: Request, shelf: Shelf, name: str, part: str) -> Response:
    """One section alone, for the script that puts it into the page once it is drawn."""
    record = shelf.record(name)
    return rendering.fragment(request, "section.html", html=shelf.build(record, shelf.part(record, part)))


@router.get("/studies/{name}/figures/{figure}.{kind}")
def serve_figure(shelf: Shelf, name: str, figure: str, kind: str) -> Response:
    """A figure as SVG or PNG, or its numbers as CSV."""
    if kind not in KINDS:
        raise HTTPException(404, f"a figure is one of: {', '.join(KINDS)}")
    content = shelf.figure(shelf.record(name), figure, kind)
    # Both names are those of the listing by now; a folder's may hold what a header may not.
    plain = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "-" for each in name)
    headers = {"Content-Disposition": f'attachment; filename="{plain}-{figure}.{kind}"', "Cache-Control": "no-cache"}
    return Response(content, media_type=KINDS[kind], headers=headers)


@router.get("/studies/{name}/trials/{number}")
def show_trial(request: Request, shelf: Shelf, library: LibraryOf, name: str, number: int) -> Response:
    """One trial: its settings and its curves."""
    record = shelf.record(name)
    trial = find_trial(record, number)
    histories = {label: rows for label, rows in histories_of(record, number).items() if rows}

    def make() -> Any:
        with DRAWING:
            return draw(plot_training_curves(histories), "curves", f"Training curves of trial {number}")

    files = [record.study.path / "trials" / label / "history.csv" for label in histories]
    key = ("trial", name, number, tuple(map(sign, files)))
    curves = library.keep(key, make) if histories else None
    runs = [record.study.path / "trials" / label for label in histories]
    kept = [run for run in runs if (run / "model.keras").is_file()]
    return rendering.page(request, "study_trial.html", record=record, trial=trial, curves=curves, kept=kept)


@router.post("/studies/{name}/stop")
@comes_back_as(study_page)
def stop_study(request: Request, name: str) -> Response:
    """Stop a search as an interrupt would: what is trained is kept."""
    jobs_of(request).stop_search(name)
    return RedirectResponse(address_of(name), status_code=303)


@router.post("/studies/{name}/join")
@comes_back_as(study_page)
def join_study(request: Request, shelf: Shelf, library: LibraryOf, name: str) -> Response:
    """Go on with a search, by the options it was begun with."""
    record = shelf.record(name)
    options = read_command(str(record.about.get("command", "")), library.data_names())
    jobs_of(request).search(name, options.words(), options.data, joins=True)
    return RedirectResponse(address_of(name), status_code=303)


def _listing(request: Request, shelf: StudyShelf) -> dict[str, Any]:
    summaries, jobs = shelf.summaries(), jobs_of(request)
    waiting = [job for job in jobs.searches() if not shelf.has(job.name)]
    return {
        "summaries": summaries,
        "waiting": [(job, jobs.log(job.name, search=True)) for job in waiting],
        "live": any(each.state == "running" for each in summaries) or any(job.is_alive for job in waiting),
        "studies_dir": request.app.state.settings.studies_dir,
    }


def _live(request: Request, record: StudyRecord) -> dict[str, Any]:
    """What the changing part of a study's page shows."""
    name, jobs = record.study.name, jobs_of(request)
    job = jobs.find_search(name)
    is_ours = job is not None and job.is_alive
    judged = len(record.trials) - record.count("running")
    is_running = record.is_running or is_ours
    return {
        "record": record,
        "rows": trial_rows(record),
        "state": "running" if is_running else "finished" if record.is_done else "stopped",
        "is_ours": is_ours,
        "stopping": is_ours and job is not None and job.stopping,
        "judged": judged,
        "confirming": is_running and judged >= record.rules.trials,
        "log": jobs.log(name, search=True) if job is not None and (is_ours or job.failed) else "",
    }
