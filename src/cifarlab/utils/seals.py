"""A checksum inside a JSON object, of all else in it: a number that changed on the disk is seen, and not believed.

A disk, a cable or an editor may change one character, and what it makes is often JSON still. Arrays and models have
checksums of their own, in the zip archives that they are.
"""

import hashlib
import json
from typing import Any

KEY = "checksum"
_KIND = "sha256:"


def seal(value: dict[str, Any]) -> dict[str, Any]:
    """Plain data with the checksum of it as one more key, the last.

    Example:
        >>> check_seal(seal({"temperature": 1.5}))
    """
    content = {key: item for key, item in value.items() if key != KEY}
    return {**content, KEY: _checksum(content)}


def check_seal(value: Any) -> None:
    """Compare the checksum of an object with its content; what has none, as earlier versions wrote, passes.

    Raises:
        ValueError: If it is of another content.
    """
    if isinstance(value, dict) and isinstance(recorded := value.get(KEY), str) and recorded.startswith(_KIND):
        content = {key: item for key, item in value.items() if key != KEY}
        if recorded != _checksum(content):
            raise ValueError("its checksum is of another content: it was changed since it was written")


def _checksum(content: dict[str, Any]) -> str:
    # The order of keys and the space between them say nothing.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _KIND + hashlib.sha256(text.encode()).hexdigest()
