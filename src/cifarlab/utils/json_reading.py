"""JSON as dataclasses: the one place that reads what `json_data` wrote, also of earlier versions and damaged files."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.files import read_json
from cifarlab.utils.formats import FORMAT, check_format
from cifarlab.utils.seals import check_seal

Result = TypeVar("Result")


def read_result(kind: type[Result], path: Path, command: str) -> Result:
    """A dataclass from the JSON in a file. Keys that it does not know are left out, missing ones are at their default.

    Args:
        kind: The dataclass, of numbers, text, tuples, mappings and other dataclasses.
        path: The file.
        command: What makes the file anew.

    Raises:
        CifarlabError: If the file is missing or no JSON, lacks what has no default, or has something else in its place.
    """
    found: Result = _read(kind, path, f"run {command}")[0]
    return found


def read_fields(kind: type[Any], path: Path, remedy: str, alone: str = "") -> dict[str, Any]:
    """An object from the JSON in a file, as plain data, with every key that a dataclass names of the right kind.

    Args:
        kind: The schema; keys that it does not know stay as they are.
        path: The file.
        remedy: What mends it, for the message.
        alone: The key whose list was the whole file in earlier versions.

    Raises:
        CifarlabError: If the file is missing or no JSON, of a later version's format, lacks what has no default, or has
            something else in its place.
    """
    fields: dict[str, Any] = _read(kind, path, remedy, alone)[1]
    return fields


def _read(kind: type[Any], path: Path, remedy: str, alone: str = "") -> tuple[Any, Any]:
    value = read_json(path, remedy)
    if alone and isinstance(value, list):
        value = {alone: value}
    check_format(path, value, getattr(kind, "format", FORMAT))  # a field's default, the newest that there is
    try:
        check_seal(value)
        return from_json(kind, value), value
    except ValueError as error:
        raise CifarlabError(f"{path} is damaged ({say_error(error)}): {remedy}") from error


def from_json(kind: Any, value: Any, name: str = "it") -> Any:
    """A value of the annotated kind from plain JSON.

    Raises:
        ValueError: If it is none; the message begins with the value's name.

    Example:
        >>> from_json(tuple[float, ...], [1, 0.5])
        (1.0, 0.5)
    """
    outer, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if outer is types.UnionType:  # `X | None`, the only one there is
        return None if value is None else from_json(inner[0], value, name)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _dataclass(kind, value, name)
    if outer is tuple and isinstance(value, list):
        return tuple(from_json(inner[0], item, f"{name}[{place}]") for place, item in enumerate(value))
    if outer in (Mapping, dict) and isinstance(value, dict):
        return {key: from_json(inner[1], item, f"{name}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # exactly: JSON's true is no number
        expected = getattr(outer or kind, "__name__", str(kind))
        raise ValueError(f"{name} is {_short(value)}, expected {expected}")
    return value


@cache
def _annotations(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _dataclass(kind: Any, value: dict[str, Any], name: str) -> Any:
    kinds = _annotations(kind)
    missing = [
        each.name
        for each in dataclasses.fields(kind)
        if each.name not in value
        and each.default is dataclasses.MISSING
        and each.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}")
    return kind(**{key: from_json(kinds[key], value[key], key) for key in kinds if key in value})


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
