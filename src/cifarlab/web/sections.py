"""The report's sections inside the app: the same numbers, figures and words, made once for each state of a run."""

import threading
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from cifarlab import discover
from cifarlab.records import Predictions
from cifarlab.reports._page import Page, RunView
from cifarlab.reports._pictures import Pictures
from cifarlab.web.entries import Entry
from cifarlab.web.library import Library

# matplotlib's settings are global: one thread draws at a time.
DRAWING = threading.RLock()


def build_sections(
    library: Library, entries: Sequence[Entry], split: str, names: Sequence[str]
) -> list[tuple[str, str, Markup]]:
    """Sections of the report about some runs.

    Args:
        library: Where to keep them.
        entries: The runs; for a section with numbers all evaluated on `split`.
        split: What the numbers are about.
        names: Files in `reports/sections`, in the order wanted.

    Returns:
        Id, title and markup of each that has something to say.

    Raises:
        CifarlabError: If a run's files are damaged.
    """
    state = tuple((entry.name, entry.signature) for entry in entries)
    found = []
    for name in names:
        module = discover.load("reports.sections", name)
        html = library.keep(("section", name, split, state), lambda name=name: _build(library, entries, split, name))  # type: ignore[misc]
        if html is not None:
            found.append((name.replace("_", "-"), str(module.TITLE), html))
    return found


def view_run(library: Library, entry: Entry, split: str, index: int = 0) -> RunView:
    """A run as the report's sections want it; without numbers where it has not been evaluated on `split`."""
    run = entry.run
    evaluated = split in entry.evaluated
    scores = run.scores(split) if evaluated else {}
    predictions = library.predictions(entry, split) if evaluated else _nothing_said(entry)
    return RunView(run, entry.name, index, scores, predictions, run.history(), run.environment, run.data, entry.recipe)


def _nothing_said(entry: Entry) -> Predictions:
    """For sections that are about the training alone."""
    names = tuple(str(name) for name in entry.run.data.get("class_names", ()))
    return Predictions(np.zeros(0, "U1"), np.zeros(0, np.int64), np.zeros((0, len(names)), np.float32), names)


def _build(library: Library, entries: Sequence[Entry], split: str, name: str) -> Markup | None:
    # No section that shows pictures is asked for: galleries of the app have links.
    views = tuple(view_run(library, entry, split, index) for index, entry in enumerate(entries))
    page = Page(views, split, "", Pictures(split))
    with DRAWING:
        html: Markup | None = discover.load("reports.sections", name).build(page)
    return html
