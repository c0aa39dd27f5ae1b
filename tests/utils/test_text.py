"""Numbers in sentences: counted, rounded in one place, with their sign."""

import re
from pathlib import Path

import numpy as np
import pytest

from cifarlab.utils import text
from cifarlab.utils.text import counted, in_percent, percent, signed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, "run"), "0 runs"),
        ((1, "run"), "1 run"),
        ((2, "run"), "2 runs"),
        ((10_000, "test image"), "10,000 test images"),
        ((1, "class", "classes"), "1 class"),
        ((3, "class", "classes"), "3 classes"),
    ],
)
def test_one_is_singular(arguments, text):
    assert counted(*arguments) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1.5, 2, "+1.50"), (-0.25, 2, "\N{MINUS SIGN}0.25"), (0, 2, "+0.00"), (3.16, 1, "+3.2")],
)
def test_a_difference_has_its_sign(value, decimals, text):
    assert signed(value, decimals) == text


@pytest.mark.parametrize("hundredth", range(4_800, 4_830))
@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_a_percentage_is_rounded_as_people_do_it_wherever_it_came_from(hundredth, kind):
    by_hand = f"{(hundredth + 5) // 10 / 10:.1f}"  # a half goes up
    assert in_percent(kind(hundredth / 10_000), 1) == by_hand
    assert in_percent(-kind(hundredth / 10_000), 1) == f"-{by_hand}"
    assert percent(kind(hundredth / 10_000), 2) == f"{hundredth // 100}.{hundredth % 100:02d} %"


def test_what_is_no_number_is_said_as_it_is():
    assert (percent(float("nan")), percent(float("inf"))) == ("nan %", "inf %")
    assert (in_percent(-0.0), signed(-0.0001), signed(0.125)) == ("0.00", "+0.00", "+0.13")


# Numbers that nobody reads as a percentage: a name, the width of a bar, the level of an interval.
NO_PERCENTAGES = (
    '"q{round(100 * each):02d}"',
    'width="{{ "%.2f" % (100 * probability) }}"',
    "t {100 * confidence:.4g} %",
    "Math.abs(nearly)",
    "background-position:{100 * left:.4g}%",
    "tenths.format(100 * share)",
    '`f"{48.15:.1f}"`',
)
HUNDREDFOLD = re.compile(
    r":\+?,?\.(\d|\{\w+\})%|-?100(\.0)? ?\*[^{}\n]*:[+,]?\.|format\([^\n]*100 \*|%\.\d?f\" ?% ?\(?-?100|round\(100 \*"
    r"|100 \*[^\n]*toFixed\([^5]|:\.\d?f\}? ?%"
)


def test_every_percentage_is_rounded_here():
    root = Path(text.__file__).parents[1]
    files = [path for path in root.rglob("*") if path.suffix in (".py", ".html", ".js") and "uPlot" not in path.name]
    assert len(files) > 400
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if HUNDREDFOLD.search(line) and not any(known in line for known in NO_PERCENTAGES)
    ]
    assert found == [], "use percent or in_percent of utils.text"


@pytest.mark.parametrize(
    "line",
    [
        'f"{accuracy:.1%}"',
        'f"{100 * accuracy:.2f} %"',
        '{{ "%.2f" | format(100 * accuracy) }}',
        '"%.1f" % (100 * accuracy)',
        "(100 * value).toFixed(2)",
        'f"{value:.1f} %"',
    ],
)
def test_other_ways_to_round_would_be_found(line):
    assert HUNDREDFOLD.search(line)


@pytest.mark.parametrize(("name", "shown"), [("a/\udcff.png", "a/\\xff.png"), ("a\ud800b", "a\\ud800b"), ("é", "é")])
def test_what_is_no_text_is_escaped(name, shown):
    assert text.readable(name) == shown
