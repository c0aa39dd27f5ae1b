"""What `cifarlab data folder:PATH` says of the pictures themselves."""

from collections.abc import Mapping
from typing import Any

from cifarlab.displays.console import make_console, say
from cifarlab.utils.text import counted

_FITTED = {
    "cropped": "cut to the centre square",
    "shrunk": "made smaller",
    "enlarged": "enlarged",
    "unchanged": "kept as they are",
}


def print_pictures(description: Mapping[str, Any]) -> None:
    """Print sizes, formats, modes, how the pictures were fitted, and what a reader must know; nothing where unknown."""
    about = description.get("pictures")
    lines = _lines(about, description["image_shape"][0]) if about else []
    say(make_console(), *lines, *description.get("notices", []))


def _lines(about: Mapping[str, Any], side: int) -> list[str]:
    sizes = [f"{_side(name, about[name])}" for name in ("widths", "heights")]
    fitted = [f"{about['fitted'][key]:,} {words}" for key, words in _FITTED.items() if about["fitted"][key]]
    animated = about["animated"]
    return [
        f"{counted(about['count'], 'picture')}: {'; '.join(sizes)}",
        f"formats: {_shares(about['formats'])}",
        f"modes: {_shares(about['modes'])}",
        f"fitted to {side} x {side}: {', '.join(fitted)}",
        *([f"{animated:,} animated: of each the first frame is taken"] if animated else []),
    ]


def _side(name: str, spread: list[float]) -> str:
    smallest, median, largest = spread
    if smallest == largest:
        return f"{name} {smallest:,} pixels"
    return f"{name} {smallest:,} to {largest:,} pixels, median {median:,g}"


def _shares(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
