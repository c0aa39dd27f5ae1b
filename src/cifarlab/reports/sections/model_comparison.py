"""Several runs in one table, and whether their differences are more than chance."""

import itertools

from markupsafe import Markup

from cifarlab.evaluation.comparison.pairs import compare
from cifarlab.metrics.statistics.significance import show_p
from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render
from cifarlab.utils.errors import CifarlabError

ORDER = 20
TITLE = "Model comparison"


def build(page: Page) -> Markup | None:
    """The table and the pairwise tests; None for a single run."""
    if not page.several:
        return None
    problem, comparison = "", None
    try:
        comparison = compare([record.run for record in page.runs], split=page.split)
    except CifarlabError as error:
        problem = str(error)
    pairs = [] if comparison is None else zip(itertools.combinations(page.runs, 2), comparison.pairs, strict=True)
    shown = [(first, second, pair) for (first, second), pair in pairs]
    return render("model_comparison", page=page, pairs=shown, comparison=comparison, problem=problem, show_p=show_p)
