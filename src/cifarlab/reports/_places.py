"""Where a page is written when nobody named its file, and what must not be lost there."""

import os
from pathlib import Path

from cifarlab.reports.rendering import GENERATOR
from cifarlab.utils.errors import CifarlabError


def page_place(output: str | os.PathLike[str] | None, default: Path) -> Path:
    """The file to write.

    Args:
        output: The file, or a folder for `report.html`; None: the default.
        default: Where the page goes by itself.

    Raises:
        CifarlabError: If the name is ours, by default or in that folder, and a file that is no page of ours has it.
    """
    path = default if output is None else Path(output)
    if path.is_dir():
        path = path / "report.html"
    elif output is not None:
        return path
    refuse_foreign(path)
    return path


def refuse_foreign(path: Path) -> None:
    """Raise if a file that is no page of ours has a name that we chose."""
    if path.is_file() and GENERATOR.encode() not in path.read_bytes()[:2000]:
        raise CifarlabError(f"{path} exists and is not a report of cifarlab: give another place with --output")
