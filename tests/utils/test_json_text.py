import pytest

from cifarlab.utils.json_text import DEEPEST, parse_json
from cifarlab.utils.limits import TooLargeError


def test_json_is_read_as_json_reads_it():
    assert parse_json('{"a": [1, -2.5, true, null, "\\u00e9"]}', "it") == {"a": [1, -2.5, True, None, "\u00e9"]}
    assert parse_json(b"18446744073709551615", "it") == 2**64 - 1
    assert parse_json("[" * DEEPEST + "]" * DEEPEST, "it")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "nested"),
        ("[" * 100_000, "nested"),
        ("[" + "9" * 21 + "]", "21 digits"),
        ("9" * 5000, "5,000 digits"),
        ("-" + "9" * 5000, "digits"),
        ("1e400", "larger than any number"),
        ('{"a": -1e400}', "larger than any number"),
        ("NaN", "no number"),
        ("[-Infinity]", "no number"),
        (b"\xff", "no text in UTF-8"),
        ("[1", "it breaks off in line 1"),
        ("{\n x", "line 2 is no JSON from character 2 on"),
        ("", "it is empty"),
    ],
)
def test_what_no_file_of_ours_holds_is_refused(text, expected):
    with pytest.raises(ValueError, match=expected):
        parse_json(text, "it")


def test_the_length_is_bounded_before_anything_is_parsed(monkeypatch):
    monkeypatch.setenv("CIFARLAB_MAX_MB", "1")
    with pytest.raises(TooLargeError, match=r"theirs\.json is too large: its text is 39\.1 KiB long.*CIFARLAB_MAX_MB"):
        parse_json("[]" * 20_000, "theirs.json")
    monkeypatch.setenv("CIFARLAB_MAX_MB", "2")
    with pytest.raises(ValueError, match="line 1 is no JSON from character 3 on"):
        parse_json("[]" * 20_000, "theirs.json")
