"""JSON from anybody: one parser, bounded in size, depth and the length of numbers, whose every refusal is one kind."""

import json
from pathlib import Path
from typing import Any, NoReturn

from cifarlab.utils import limits

DEEPEST = 64
"""How deep lists and objects may stand in each other; the deepest of our own files has 6 levels."""
_LONGEST_INTEGER = 20  # characters: all of 64 bits


def parse_json(text: str | bytes, name: Path | str) -> Any:
    """What a JSON text says.

    Args:
        text: UTF-8 where it is bytes.
        name: What messages call it.

    Raises:
        ValueError: If it is no JSON, is nested too deep, or holds NaN, infinity or a number that no computer number
            is: files of ours hold none, and others would compute with it without a word.
        TooLargeError: If it is too long.
    """
    limits.check_text(name, len(text))
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")  # `json` would guess other encodings
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise ValueError("it is no text in UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(_say(error)) from error
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep") from error
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(value):
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return value


def _say(error: json.JSONDecodeError) -> str:
    """What is wrong, for people who have never heard of delimiters."""
    if not error.doc.strip():
        return "it is empty"
    if error.pos >= len(error.doc.rstrip()):
        return f"it breaks off in line {error.lineno}"
    return f"line {error.lineno} is no JSON from character {error.colno} on"


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"it holds a whole number of {len(text):,} digits")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is larger than any number")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}, which is no number")


def _is_deep(value: Any) -> bool:
    """Level by level and not by recursion, which would end in the error that this is to prevent."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for each in level
            if isinstance(each, list | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
