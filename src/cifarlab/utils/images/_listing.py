"""Pictures in folders, as people have them: what systems leave beside them is passed over, all else is counted."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import _formats
from cifarlab.utils.text import counted

# In small letters. What begins with a dot is passed over as well: .DS_Store, .ipynb_checkpoints, and ._x.png, the
# second half of x.png that macOS writes on other systems' disks.
_LITTER = {
    "$recycle.bin", "#recycle", "__macosx", "__pycache__", "@eadir", "desktop.ini", "ehthumbs.db", "icon\r",
    "lost+found", "system volume information", "thumbs.db",
}  # fmt: skip
NO_ENDING = "without an ending"
NO_FILE = "broken link"
LINK_ASTRAY = "link to a folder above or of another class"


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden, or one that an operating system leaves beside the user's own."""
    return name.startswith(".") or name.lower() in _LITTER


def list_pictures(folder: Path) -> list[Path]:
    """The files directly in `folder` that are pictures by their ending, sorted by name; hidden files are left out.

    Raises:
        CifarlabError: If `folder` is missing, not a folder, or not readable.
    """
    return _sort_out(path for path in _entries(folder) if not path.is_dir())[0]


def find_pictures(folder: Path, others: Sequence[Path] = ()) -> tuple[list[Path], Counter[str]]:
    """The pictures in and below `folder`, and what else is there.

    Links are followed, each real folder once; but not to a folder above, nor into `others`.

    Args:
        folder: Where to look.
        others: Folders that are read for themselves, perhaps `folder` and what is above it among them.

    Returns:
        The pictures, those of a folder before those of its sub-folders, sorted by name; and how many files are left
        out, by their ending as it is spelt.

    Raises:
        CifarlabError: If a folder is missing or not readable.
    """
    pictures: list[Path] = []
    left_out: Counter[str] = Counter()
    own, foreign = _real(folder), [_real(other) for other in others]
    waiting, seen = [folder], {own}
    while waiting:
        inside = _entries(waiting.pop())
        folders = [path for path in inside if path.is_dir()]
        known = set(folders)
        here, left_here = _sort_out(path for path in inside if path not in known)
        pictures += here
        left_out += left_here
        astray = [path for path in folders if _leads_astray(_real(path), own, foreign)]
        if astray:
            left_out[LINK_ASTRAY] += len(astray)
        fresh = []
        for path in folders:
            if path not in astray and (real := _real(path)) not in seen:
                seen.add(real)  # at once: two links beside each other may lead to one folder
                fresh.append(path)
        waiting += reversed(fresh)  # `pop` takes from the end: so the first by name is next
    return pictures, left_out


def is_within(folder: Path, other: Path) -> bool:
    """Whether a folder, its links followed, is another one or below it."""
    return _within(_real(folder), _real(other))


def _leads_astray(real: str, own: str, foreign: Sequence[str]) -> bool:
    """Whether a folder is above the one that is read, or among the others that are not."""
    if _within(real, own):
        return real == own
    return _within(own, real) or any(_within(real, other) or _within(other, real) for other in foreign)


def _within(real: str, other: str) -> bool:
    return os.path.commonpath([real, other]) == other


def subfolders(folder: Path) -> list[Path]:
    """The folders in `folder`, links to folders among them, sorted by name; litter is left out."""
    return [path for path in _entries(folder) if path.is_dir()]


def say_left_out(left_out: Mapping[str, int]) -> str:
    """How many files are left out, by ending, and what would let the photos among them be read.

    Example:
        >>> say_left_out({".txt": 1, ".gz": 2})
        '3 files left out: 2 .gz, 1 .txt'
    """
    order = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0]))
    counts = ", ".join(f"{count:,} {ending}" for ending, count in order)
    photos = any(ending.lower() in (".heic", ".heif") for ending in left_out)
    advice = f"; to read HEIC photos, {_formats.HEIC_ADVICE} or export them as JPEG" if photos else ""
    return f"{counted(sum(left_out.values()), 'file')} left out: {counts}{advice}"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not is_litter(path.name))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CifarlabError(f"cannot list {folder}: {reason}; expected a folder of pictures") from error


def _sort_out(paths: Iterator[Path]) -> tuple[list[Path], Counter[str]]:
    pictures: list[Path] = []
    left_out: Counter[str] = Counter()
    for path in paths:
        if not path.is_file():
            left_out[NO_FILE if path.is_symlink() else "neither file nor folder"] += 1
        elif path.suffix.lower() in _formats.endings():
            pictures.append(path)
        else:
            left_out[path.suffix or NO_ENDING] += 1
    return pictures, left_out


def _real(folder: Path) -> str:
    return os.path.realpath(folder)
