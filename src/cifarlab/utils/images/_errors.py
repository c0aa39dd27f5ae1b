"""What is said about pictures that cannot be read: of one its reason, of many all of them at once."""

import re
from collections.abc import Sequence
from typing import Literal

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

Fault = Literal["access", "size", "kind", "damage"]

_MOST_NAMES = 10


class PictureError(CifarlabError):
    """A picture that cannot be read.

    Attributes:
        fault: `"access"` (missing or unreadable), `"size"` (too large, or too slow to decode), `"kind"` (no picture, or
            of a format that is not read) or `"damage"`.
        reason: What is wrong with it, without its name.
        advice: What would be right.
    """

    def __init__(self, name: str, reason: str, advice: str, fault: Fault) -> None:
        super().__init__(f"cannot read {name}: {reason}; {advice}")
        self.fault: Fault = fault
        self.name = name
        self.reason = reason
        self.advice = advice

    def __reduce__(self) -> tuple[type["PictureError"], tuple[str, str, str, Fault]]:
        # So that it travels between processes: by itself an exception is made anew from its message alone.
        return PictureError, (self.name, self.reason, self.advice, self.fault)


def say_unreadable(errors: Sequence[PictureError], total: int, named: int = 0) -> str:
    """One sentence about all pictures that cannot be read: grouped by what is wrong, the first ones by name.

    Args:
        errors: At least one.
        total: How many pictures were tried.
        named: How many of them the user named one by one: so many are shown, and ten at least.
    """
    if len(errors) == 1:
        return str(errors[0])
    groups: dict[str, list[str]] = {}
    for error in errors:
        # What stands in brackets, such as a number of bytes, differs from file to file.
        groups.setdefault(re.sub(r" \(.*\)", "", error.reason), []).append(error.name)
    left, parts = max(_MOST_NAMES, named), []
    for reason, names in groups.items():
        shown, left = names[:left], max(0, left - len(names))
        more = f" and {len(names) - len(shown)} more" if shown and len(names) > len(shown) else ""
        parts.append(f"{reason} ({len(names):,}){': ' if shown else ''}{', '.join(shown)}{more}")
    return (
        f"cannot read {len(errors):,} of {counted(total, 'picture')}: {'; '.join(parts)}; "
        "export them again, or take them out"
    )
