"""Keeping house among the runs: tags and notes, another name, the bin and the way back."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.runs.moving import BIN, bin_run, binned, rename_run, restore_run
from cifarlab.runs.notes import tidy_tags, write_notes
from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.web.pages import rendering
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.routes.run import run_page
from cifarlab.web.routes.runs import runs_page
from cifarlab.web.server.refusals import Refusal, comes_back_as
from cifarlab.web.server.state import LibraryOf, jobs_of, library_of

router = APIRouter(include_in_schema=False)

_Names = Annotated[Sequence[str], Form()]
_Change = Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]]


@router.post("/runs/{name}/notes")
@comes_back_as(run_page)
def keep_notes(
    request: Request,
    library: LibraryOf,
    name: str,
    tags: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    before: Annotated[str, Form()] = "",
) -> Response:
    """Replace a run's tags, which commas part, and its note; not where they have changed since the page was loaded."""
    summary = library.summary(name)
    write_notes(summary.run, tags.split(","), note, before)
    split = request.query_params.get("split")
    return _to(rendering.address(summary.address, {**({"split": split} if split else {}), "saved": 1}) + "#notes")


@router.post("/runs/{name}/rename")
@comes_back_as(run_page, field="new")
def rename(request: Request, library: LibraryOf, name: str, new: Annotated[str, Form()] = "") -> Response:
    """Give a run another name, and say what does not follow."""
    summary = _idle(request, library.summary(name))
    renamed = rename_run(summary.run, new.strip())
    jobs_of(request).forget(name)
    return _to(rendering.address(f"/runs/{renamed.path.name}", {"renamed": name}))


@router.post("/runs/{name}/delete")
@comes_back_as(run_page)
def delete_run(request: Request, library: LibraryOf, name: str) -> Response:
    """Put a run into the bin; the table offers to undo that."""
    summary = _idle(request, library.summary(name))
    entry = bin_run(summary.run)
    jobs_of(request).forget(name)
    return _to(rendering.last_runs(request, binned=entry))


@router.get("/selection/{verb}")
def show_selection_again(request: Request) -> Response:
    """A refused form has this address, and who asks for it again wants the table."""
    return _to(rendering.PageAddress(request).at("/runs"))


@router.post("/selection/tag")
@comes_back_as(runs_page)
def tag_runs(request: Request, library: LibraryOf, run: _Names = (), tags: Annotated[str, Form()] = "") -> Response:
    """Add tags to all runs that are ticked."""
    return _retag(request, library, run, tags, lambda old, new: (*old, *new))


@router.post("/selection/untag")
@comes_back_as(runs_page)
def untag_runs(request: Request, library: LibraryOf, run: _Names = (), tags: Annotated[str, Form()] = "") -> Response:
    """Take tags off all runs that are ticked."""
    return _retag(request, library, run, tags, lambda old, new: tuple(tag for tag in old if tag not in new))


@router.post("/selection/delete")
@comes_back_as(runs_page)
def delete_runs(request: Request, library: LibraryOf, run: _Names = ()) -> Response:
    """Put all runs that are ticked into the bin, or none: where one of them is at work."""
    summaries = [_idle(request, summary) for summary in _ticked(library, run)]
    entries = [bin_run(summary.run) for summary in summaries]
    for summary in summaries:
        jobs_of(request).forget(summary.name)
    return _to(rendering.PageAddress(request).at("/runs", page=None, binned=entries))


@router.get("/bin")
def show_bin(request: Request) -> Response:
    """What was deleted, and can be taken back."""
    return bin_page(request)


def bin_page(request: Request, refused: Refusal | None = None) -> Response:
    """The page of the bin, with what is to be said of a run that was not taken back."""
    library = library_of(request)
    entries: list[dict[str, Any]] = [
        {"entry": entry, "name": name, "when": when, "taken": library.has_folder(name)}
        for entry, (name, when) in binned(library.runs_dir).items()
    ]
    status = 200 if refused is None else 400
    folder = library.runs_dir / BIN
    return rendering.page(request, "bin.html", status=status, entries=entries, folder=folder, refused=refused)


@router.get("/bin/restore")
def show_bin_again() -> Response:
    """A refused form has this address, and who asks for it again wants the bin."""
    return _to("/bin")


@router.post("/bin/restore")
@comes_back_as(bin_page)
def restore(request: Request, library: LibraryOf, entry: _Names = ()) -> Response:
    """Take runs out of the bin again, under their own names."""
    if not entry:
        raise CifarlabError("choose a run to take back: it is called NAME~TIME in the bin")
    runs = [restore_run(library.runs_dir, each) for each in entry]
    return _to(f"/runs/{runs[0].path.name}" if len(runs) == 1 else "/runs")


def _ticked(library: Library, names: Sequence[str]) -> list[RunSummary]:
    if not names:
        raise CifarlabError("no run is selected: tick some in the table of runs")
    return [library.summary(name) for name in dict.fromkeys(names)]


def _retag(request: Request, library: Library, names: Sequence[str], typed: str, change: _Change) -> Response:
    """Change the tags of all runs or, where one of them cannot have them, of none."""
    tags, summaries = tidy_tags(typed.split(",")), _ticked(library, names)
    if not tags:
        raise WrongField("write a tag beside the button first; several with commas between them", "tags")
    for summary in summaries:
        if summary.run.notes_file.name in summary.damaged:
            raise CifarlabError(summary.damaged[summary.run.notes_file.name])
    changed = [tidy_tags(change(summary.notes.tags, tags)) for summary in summaries]
    for summary, found in zip(summaries, changed, strict=True):
        write_notes(summary.run, found, summary.notes.note)
    return _to(rendering.PageAddress(request).at("/runs", run=list(names)))


def _idle(request: Request, summary: RunSummary) -> RunSummary:
    """A run whose folder nobody works in.

    Raises:
        CifarlabError: If it is being trained, here or elsewhere, or evaluated.
    """
    if summary.state == "running" or jobs_of(request).is_busy(summary.name):
        raise CifarlabError(f"{summary.name} is being trained or evaluated: wait until that has ended, or stop it")
    return summary


def _to(address: str) -> Response:
    return RedirectResponse(address, status_code=303)
