"""Results as JSON: the one place where dataclasses, arrays, tuples and paths become plain data."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OPTIONAL = {"optional": True}
"""Metadata of a dataclass's field that is no key of its JSON where it is None."""


def json_data(value: Any) -> Any:
    """Dataclasses, mappings, sequences, NumPy arrays and scalars, paths as plain JSON-ready data.

    NaN and infinity stay as they are; what writes the JSON decides on them.

    Example:
        >>> json_data({"shape": (2, 3), "path": Path("runs")})
        {'shape': [2, 3], 'path': 'runs'}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {field: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {
            field.name: json_data(item)
            for field, item in found.items()
            if item is not None or "optional" not in field.metadata
        }
    if isinstance(value, Mapping):
        return {key: json_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_data(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value  # NumPy's arrays and numbers
