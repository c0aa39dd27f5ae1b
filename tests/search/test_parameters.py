import pytest

from cifarlab.search.parameters import Choice, Range, parse
from cifarlab.utils.errors import CifarlabError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-4..1e-2:log", Range(1e-4, 1e-2, log=True)),
        ("0.0..0.5", Range(0.0, 0.5)),
        ("1..8", Range(1, 8, whole=True)),
        ("-3..3", Range(-3, 3, whole=True)),
        ("adam, sgd", Choice(("adam", "sgd"))),
        ("(512, 256);(1024,)", Choice(("(512, 256)", "(1024,)"))),
        ("(512, 256);", Choice(("(512, 256)",))),
    ],
)
def test_ranges_and_choices_are_read_and_written_alike(text, expected):
    assert parse("key", text) == expected
    assert parse("key", str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1..1", "is empty"),
        ("2..1", "is empty"),
        ("0..1:log", "begins above 0"),
        ("a..b", "needs a range of numbers"),
        ("nan..1", "needs a range of numbers"),
        ("1..inf", "needs a range of numbers"),
        ("", "nothing to choose from"),
        (";;", "nothing to choose from"),
        ("0.1,1e-1", "a value twice"),
    ],
)
def test_what_is_no_range_is_said(text, words):
    with pytest.raises(CifarlabError, match=words):
        parse("key", text)
