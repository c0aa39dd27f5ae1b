"""What every command can answer with: JSON, for programs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cifarlab.utils.json_data import json_data


def print_json(value: Any) -> None:
    """Print plain data or results as JSON, indented; NaN is refused."""
    print(json.dumps(json_data(value), indent=2, allow_nan=False))


def print_json_of_runs(paths: Iterable[Path], results: Iterable[object], *further: object) -> None:
    """Print a list with each run's result under its path, and what else there is after them."""
    found = [{"path": str(path), **json_data(each)} for path, each in zip(paths, results, strict=True)]
    print_json([*found, *map(json_data, further)])
