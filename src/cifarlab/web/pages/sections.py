"""The report's sections inside the app: the same numbers, figures and words, made once for each state of a run.

Drawing takes longer than a page may: what is not drawn yet is left to the script, which asks for it section by section.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.pictures import Pictures
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.scores import Scores
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.figures import DRAWING
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.rendering import address
from cifarlab.web.pages.run_summaries import RunSummary, sign

# No section that shows pictures of the data is among them: galleries of the app have links.
NAMES = (
    "results", "model_comparison", "training_curves", "class_metrics", "calibration", "robustness",
    "first_layer_weights", "locality", "dead_units", "reproducibility",
)  # fmt: skip
# These draw nothing.
QUICK = ("model_comparison", "reproducibility", "dead_units")
# These are about the training or the weights: a run that was never evaluated has them too.
UNMEASURED = ("training_curves", "reproducibility", "first_layer_weights", "locality", "dead_units")
# These are read from the model, whose file is none of those that make a run's signature.
OF_WEIGHTS = ("first_layer_weights", "locality")


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        name: Unique on the page.
        address: Where its content is served alone.
        html: Its content; None where it is not made yet.
    """

    name: str
    title: str
    address: str
    html: Markup | None


def show_sections(
    library: Library, summaries: Sequence[RunSummary], split: str, names: Sequence[str], *, whole: bool = False
) -> list[Section]:
    """Sections of the report about some runs, without those that have nothing to say.

    One that a damaged file keeps from being made says so in its place: it hides none of the others.

    Args:
        library: Where they are kept.
        summaries: The runs, all evaluated on `split` but for the sections of `UNMEASURED`.
        split: What the numbers are about.
        names: Some of `NAMES`, in the order wanted.
        whole: Make all of them now, however long it takes.
    """
    shown = []
    for name in names:
        # The results of one run is a number without a figure.
        now = whole or name in QUICK or (name == "results" and len(summaries) == 1)
        known, html = library.kept(_key(summaries, split, name))
        if not known and now:
            known, html = True, _build_or_say(library, summaries, split, name)
        if known and html is None:
            continue
        title = str(discovery.load("reports.sections", name).TITLE)
        query = [("split", split), *(("run", summary.name) for summary in summaries)]
        shown.append(Section(name.replace("_", "-"), title, address(f"/sections/{name}", query), html))
    return shown


def build_section(library: Library, summaries: Sequence[RunSummary], split: str, name: str) -> Markup | None:
    """One section's content; None where it has nothing to say.

    Args:
        library: Where it is kept.
        summaries: The runs.
        split: What the numbers are about.
        name: One of `NAMES`.

    Raises:
        CifarlabError: If a run's files are damaged.
    """

    def build() -> Markup | None:
        records = tuple(read_run(library, summary, split, index) for index, summary in enumerate(summaries))
        with DRAWING:
            html: Markup | None = discovery.load("reports.sections", name).build(
                Page(records, split, "", Pictures(split))
            )
        return html

    return library.keep(_key(summaries, split, name), build)


def _build_or_say(library: Library, summaries: Sequence[RunSummary], split: str, name: str) -> Markup | None:
    try:
        return build_section(library, summaries, split, name)
    except CifarlabError as error:
        return Markup('<p class="notice" role="note">{}</p>').format(str(error))


def read_run(library: Library, summary: RunSummary, split: str, index: int = 0) -> RunRecord:
    """A run as the report's sections want it; without numbers where it has not been evaluated on `split`."""
    run, damaged = summary.run, summary.damaged
    evaluated = split in summary.evaluated
    scores = run.scores(split) if evaluated else Scores(accuracy=None, scores={})
    predictions = library.predictions(summary, split) if evaluated else _nothing_said(summary)
    # What cannot be read is named on the run's page: the sections say what the other files hold.
    history = [] if run.history_file.name in damaged else run.history()
    environment = {} if run.environment_file.name in damaged else run.environment
    data = {"name": summary.data} if run.data_file.name in damaged else run.data
    return RunRecord(run, summary.name, index, scores, predictions, history, environment, data, summary.recipe)


def _key(summaries: Sequence[RunSummary], split: str, name: str) -> tuple[object, ...]:
    models = tuple(sign(summary.run.model_file) for summary in summaries) if name in OF_WEIGHTS else ()
    return ("section", name, split, tuple((summary.name, summary.signature) for summary in summaries), models)


def _nothing_said(summary: RunSummary) -> Predictions:
    """For sections that are about the training alone."""
    data = {} if summary.run.data_file.name in summary.damaged else summary.run.data
    names = tuple(str(name) for name in data.get("class_names", ()))
    return Predictions(np.zeros(0, "U1"), np.zeros(0, np.int64), np.zeros((0, len(names)), np.float32), names)
