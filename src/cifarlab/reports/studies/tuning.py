"""`cifarlab.tune` from Python: the search, and the page about it, as the command writes it."""

import functools
from collections.abc import Callable
from typing import ParamSpec

from cifarlab import search
from cifarlab.reports.studies.writing import report_study
from cifarlab.search import Tuned

__all__ = ["tune"]

Options = ParamSpec("Options")


def _reported(find: Callable[Options, Tuned]) -> Callable[Options, Tuned]:
    """The same function, with the study's page written at its end."""

    @functools.wraps(find)
    def tune(*given: Options.args, **named: Options.kwargs) -> Tuned:
        tuned = find(*given, **named)
        report_study(tuned.study.path)
        return tuned

    return tune


tune = _reported(search.tune)
