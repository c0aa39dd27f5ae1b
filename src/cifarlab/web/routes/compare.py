"""Several runs side by side: whether they really differ, and on which images."""

import itertools
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.errors import CifarlabError
from cifarlab.web import rendering
from cifarlab.web.entries import Entry
from cifarlab.web.figures import COMPARISONS
from cifarlab.web.library import Library
from cifarlab.web.sections import show_sections

router = APIRouter(include_in_schema=False)

MOST = 12
SECTIONS = ("headline", "side_by_side", "curves", "per_class", "calibration", "making")


@router.get("/compare")
def compare_runs(request: Request) -> Response:
    """The report on several runs, with links to the images on which each pair disagrees."""
    library: Library = request.app.state.library
    names = list(dict.fromkeys(request.query_params.getlist("run")))
    if len(names) < 2:
        if len(names) == 1:
            return RedirectResponse(library.entry(names[0]).address, status_code=303)
        raise CifarlabError("choose two runs or more to compare: tick them in the table of runs")
    if len(names) > MOST:
        raise CifarlabError(f"at most {MOST} runs can be compared at once. Received: {len(names)}")
    entries = [library.entry(name) for name in names]
    split = request.query_params.get("split") or "test"
    missing = [entry for entry in entries if split not in entry.evaluated]
    if missing:
        raise CifarlabError(
            f"{', '.join(entry.name for entry in missing)} {'has' if len(missing) == 1 else 'have'} not been evaluated "
            f"on {split}: run cifarlab evaluate {' '.join(str(entry.run.path) for entry in missing)}"
        )
    return rendering.page(
        request,
        "compare.html",
        entries=entries,
        split=split,
        figures=COMPARISONS,
        query={"split": split, "run": names},
        sections=show_sections(library, entries, split, SECTIONS, whole=bool(request.query_params.get("whole"))),
        pairs=library.keep(
            ("pairs", split, *((entry.name, entry.signature) for entry in entries)),
            lambda: _disagreements(library, entries, split),
        ),
    )


def _disagreements(library: Library, entries: list[Entry], split: str) -> list[dict[str, Any]]:
    """For each pair about the same images, how many only the first and only the second recognises."""
    pairs = []
    for first, second in itertools.combinations(entries, 2):
        one, other = library.answers(first, split), library.answers(second, split)
        if one.rows.keys() != other.rows.keys():
            continue
        right = other.right[[other.rows[image_id] for image_id in one.rows]]
        gained, lost = int((one.right & ~right).sum()), int((~one.right & right).sum())
        pairs.append({"first": first, "second": second, "gained": gained, "lost": lost})
    return pairs
