"""A result's own table, as text and as HTML."""

from cifarlab.utils.result_tables import ResultTable, as_limits, as_number, with_limits
from cifarlab.utils.results import Interval

TABLE = ResultTable(("score", "value"), [("accuracy", "50.00 %"), ("a<b", "1")], "run & data", ["Said."])


def test_columns_of_text_are_aligned_numbers_to_the_right():
    assert TABLE.as_text().split("\n") == [
        "run & data",
        "score       value",
        "accuracy  50.00 %",
        "a<b             1",
        "Said.",
    ]


def test_html_is_escaped():
    assert TABLE.as_html() == (
        "<table><caption>run &amp; data</caption><thead><tr><th>score</th><th>value</th></tr></thead><tbody>"
        "<tr><td>accuracy</td><td>50.00 %</td></tr><tr><td>a&lt;b</td><td>1</td></tr></tbody></table><p>Said.</p>"
    )


def test_shares_are_in_per_cent_and_losses_as_they_are():
    score = Interval(0.5, 0.25, 0.75, "made up")
    assert with_limits(score) == ("50.00 %", "25.00 to 75.00")
    assert (as_number("brier_loss", score), as_limits(score, "brier_loss")) == ("0.5000", "0.2500 to 0.7500")
    assert as_number("accuracy", Interval(None, None, None, "undefined: needs probabilities")) == "needs probabilities"
    assert as_limits(Interval(0.5, None, None)) == ""
