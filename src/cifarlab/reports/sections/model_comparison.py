"""Several runs in one table, and whether their differences are more than chance."""

import itertools
from typing import Any

from markupsafe import Markup

from cifarlab.reports.page import Page
from cifarlab.reports.rendering import render
from cifarlab.utils.errors import CifarlabError

ORDER = 20
TITLE = "Model comparison"


def build(page: Page) -> Markup | None:
    """The table and the pairwise tests; None for a single run."""
    if not page.several:
        return None
    from cifarlab.evaluation.comparison.pairs import compare
    from cifarlab.metrics.statistics.significance import (
        show_p,  # brings scipy.stats, seconds that a single run need not wait
    )

    problem, comparison = "", None
    try:
        comparison = compare([record.run for record in page.runs], split=page.split)
    except CifarlabError as error:
        problem = str(error)
    pairs = _pairs(page, comparison)
    return render("model_comparison", page=page, pairs=pairs, comparison=comparison, problem=problem, show_p=show_p)


def _pairs(page: Page, comparison: dict[str, Any] | None) -> list[tuple[Any, Any, dict[str, Any]]]:
    """Every pair with the two runs as this page calls them."""
    if comparison is None:
        return []
    records = itertools.combinations(page.runs, 2)
    return [(first, second, pair) for (first, second), pair in zip(records, comparison["pairs"], strict=True)]
