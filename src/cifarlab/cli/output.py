"""What every command can answer with: JSON, for programs."""

import json
from typing import Any

from cifarlab.utils.json_data import json_data


def print_json(value: Any) -> None:
    """Print plain data or results as JSON, indented; NaN is refused."""
    print(json.dumps(json_data(value), indent=2, allow_nan=False))
