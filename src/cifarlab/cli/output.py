"""What every command can answer with: JSON, for programs."""

import json
from typing import Any


def print_json(value: Any) -> None:
    """Print JSON, indented; NaN is refused."""
    print(json.dumps(value, indent=2, allow_nan=False))
