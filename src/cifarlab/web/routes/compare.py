"""Several runs side by side: how they were trained, whether they really differ, and on which images."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab.reports.page import say_apart
from cifarlab.runs.predictions import are_other_pictures
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.figures import COMPARISONS
from cifarlab.web.pages.label_doubts import rows_by_id
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import SPLITS, RunSummary, say_unevaluated
from cifarlab.web.pages.sections import UNMEASURED, Section, show_sections
from cifarlab.web.routes.runs import runs_page
from cifarlab.web.server.refusals import comes_back_as
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)

MOST = 12
SECTIONS = ("model_comparison", "results", "training_curves", "class_metrics", "calibration", "reproducibility")


@dataclass(frozen=True)
class Disagreement:
    """Two runs, and how many images only the first and only the second recognises."""

    first: RunSummary
    second: RunSummary
    gained: int
    lost: int


@router.get("/compare")
@comes_back_as(runs_page)
def compare_runs(request: Request, library: LibraryOf) -> Response:
    """The report on several runs, with links to the images on which each pair disagrees.

    Those that have not been evaluated on the split are shown without numbers.
    """
    names = list(dict.fromkeys(request.query_params.getlist("run")))
    if len(names) < 2:
        if len(names) == 1:
            return RedirectResponse(library.summary(names[0]).address, status_code=303)
        raise CifarlabError("choose two runs or more to compare: tick them in the table of runs")
    if len(names) > MOST:
        raise CifarlabError(f"at most {MOST} runs can be compared at once. Received: {len(names)}")
    summaries = [library.summary(name) for name in names]
    split = request.query_params.get("split") or _most_evaluated(summaries)
    if split not in SPLITS:
        raise CifarlabError(discovery.unknown("split", split, SPLITS))
    evaluated = [summary for summary in summaries if split in summary.evaluated]
    missing = [summary for summary in summaries if split not in summary.evaluated]
    if not any(summary.data for summary in summaries):
        raise CifarlabError(say_unevaluated(missing, split))
    whole = bool(request.query_params.get("whole"))
    return rendering.page(
        request,
        "compare.html",
        summaries=summaries,
        evaluated=evaluated,
        waiting=[summary for summary in missing if split in summary.held_out],
        never=[summary for summary in missing if split not in summary.held_out],
        split=split,
        apart=say_apart({summary.name: summary.data for summary in summaries}),
        splits=[each for each in SPLITS if each == split or any(each in summary.evaluated for summary in summaries)],
        downloads=_downloads(evaluated, missing, split),
        sections=_sections(library, evaluated, missing, split, whole=whole),
        pairs=library.keep(
            ("pairs", split, *((summary.name, summary.signature) for summary in evaluated)),
            lambda: _disagreements(library, evaluated, split),
        ),
    )


def _most_evaluated(summaries: Sequence[RunSummary]) -> str:
    """The split on which most runs have numbers; test where it makes no difference."""
    return max(SPLITS, key=lambda split: sum(split in summary.evaluated for summary in summaries))


def _sections(
    library: Library, evaluated: list[RunSummary], missing: list[RunSummary], split: str, *, whole: bool
) -> list[Section]:
    """What is about the training of all runs that have begun, and numbers of those that have any."""
    # Those with numbers first: a run then has one colour on the whole page.
    begun = evaluated + [summary for summary in missing if summary.data]
    shown: list[Section] = []
    for name in SECTIONS:
        about = begun if name in UNMEASURED else evaluated
        if len(about) > (name == "model_comparison"):
            shown += show_sections(library, about, split, [name], whole=whole)
    return shown


def _downloads(
    evaluated: list[RunSummary], missing: list[RunSummary], split: str
) -> list[tuple[Sequence[str], dict[str, Any]]]:
    """Figures that can be downloaded, with the query that says about which runs each is."""
    drawn = [summary for summary in evaluated + missing if summary.epochs]
    curves = (("training-curves",), drawn)
    numbers = tuple(name for name in COMPARISONS if name not in curves[0])
    parts = [(COMPARISONS, evaluated)] if drawn == evaluated else [curves, (numbers, evaluated)]
    return [(names, {"split": split, "run": [summary.name for summary in about]}) for names, about in parts if about]


def _disagreements(library: Library, summaries: list[RunSummary], split: str) -> list[Disagreement]:
    """For each pair about the same images, how many only the first and only the second classifies correctly."""
    pairs = []
    for first, second in itertools.combinations(summaries, 2):
        if first.data != second.data:
            continue
        one, other = library.predictions(first, split), library.predictions(second, split)
        places = rows_by_id(other)
        if places.keys() != rows_by_id(one).keys() or are_other_pictures(one, other):
            continue
        order = [places[image_id] for image_id in one.ids.tolist()]
        right, other_right = one.predicted == one.labels, (other.predicted == other.labels)[order]
        gained, lost = int((right & ~other_right).sum()), int((~right & other_right).sum())
        pairs.append(Disagreement(first, second, gained, lost))
    return pairs
