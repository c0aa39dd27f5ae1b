"""How much of the accuracy a setting explains, beside a regression by statsmodels' formula done by hand."""

import numpy as np
import pytest

from cifarlab.runs import Run
from cifarlab.runs.scores import Scores
from cifarlab.web.pages.run_settings import explained, settings_of_runs
from cifarlab.web.pages.run_summaries import RunSummary


def run(accuracy, state="finished", **recipe):
    scores = {} if accuracy is None else {"test": Scores(accuracy=accuracy, loss=1.0, scores={})}
    return RunSummary(Run("run"), (), state, recipe=recipe, scores=scores)


def test_the_share_is_that_of_an_analysis_of_variance_adjusted_for_the_number_of_values():
    groups = {"a": [0.1, 0.2, 0.3], "b": [0.5, 0.6], "c": [0.7, 0.9]}
    runs = [run(value, kind=kind) for kind, values in groups.items() for value in values]
    values = np.concatenate(list(groups.values()))
    within = sum(np.var(each) * len(each) for each in groups.values()) / (7 - 3)
    assert explained(runs, "kind") == pytest.approx(1 - within / np.var(values, ddof=1))


def test_what_explains_most_comes_first_and_what_is_constant_nowhere():
    runs = [
        run(0.5 + 0.3 * large + 0.01 * other, aaa=other, zzz=large, same=1, unique=f"{large}{other}")
        for large in range(2)
        for other in range(2)
    ]
    differing, others = settings_of_runs([*runs, run(0.99, "stopped", aaa=0, zzz=0, same=1, unique="x")])
    assert list(differing) == ["zzz", "aaa", "unique"]
    assert differing["zzz"] > 0.9
    assert differing["aaa"] == 0
    assert differing["unique"] is None  # of as many values as runs, nothing can be said
    assert others == ["same"]


def test_a_number_that_is_never_the_same_is_judged_by_its_quarters():
    runs = [run(0.5 + rate / 100, rate=float(rate), noise=float(rate * 7 % 20)) for rate in range(20)]
    assert explained(runs, "rate") > 0.9
    assert explained(runs, "noise") < 0.2


def test_without_numbers_there_is_no_share():
    assert explained([], "kind") is None
    assert explained([run(None, kind=1), run(0.5, kind=2)], "kind") is None
    assert explained([run(0.5, kind=1), run(0.5, kind=1), run(0.5, kind=2)], "kind") is None
