"""From a table's rows to the pictures of each class and part, checked before any is read."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cifarlab.datasets._layout import SPELLINGS, Layout, Pictures
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_MOST_NAMED = 10


def make_layout(table: Path, root: Path, cells: Mapping[str, Sequence[str]], numbers: Sequence[int]) -> Layout:
    """Find the pictures of train and test.

    Args:
        table: For messages.
        root: What paths are relative to.
        cells: `path`, `label` and, if there is such a column, `split`: N texts each.
        numbers: N row numbers, for messages.

    Raises:
        CifarlabError: As `cifarlab.datasets.table.load`.
    """
    found = Layout(root)
    names = _clean_paths(table, root, cells["path"], numbers)
    labels = [unicodedata.normalize("NFC", label) for label in cells["label"]]
    _refuse(table, labels, numbers, lambda label: not label, "without a label", "fill it in, or take the row out")
    roles = [_role(cell) for cell in cells["split"]] if "split" in cells else ["train"] * len(names)
    if "split" in cells:
        wanted = "expected train, validation or test"
        split = [cell or "nothing" for cell in cells["split"]]
        unknown = {cell for cell, role in zip(split, roles, strict=True) if not role}
        _refuse(table, split, numbers, unknown.__contains__, "of an unknown part", wanted)
    rows = _without_repeats(table, list(zip(names, labels, roles, strict=True)), numbers, found)
    order = _sorted_labels(table, {label for _, label, _ in rows}, found)
    parts = {role: _pictures(root, rows, role, order) for role in SPELLINGS}
    _assign(table, parts, "split" in cells, found)
    return found


def _clean_paths(table: Path, root: Path, cells: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """Paths relative to `root`, with `/`, without detours; all lead to a file below it."""
    below = f"expected paths below {root}; download the pictures there"
    _refuse(table, cells, numbers, lambda cell: not cell, "without a path", "fill it in, or take the row out")
    _refuse(table, cells, numbers, lambda cell: bool(_ADDRESS.match(cell)), "with an address", below)
    base = Path(os.path.normpath(root.absolute()))
    names = [os.path.relpath(base / _with_slashes(base, cell), base).replace(os.sep, "/") for cell in cells]
    outside = {cell for cell, name in zip(cells, names, strict=True) if name in (".", "..") or name.startswith("../")}
    advice = f"expected paths below {root}; name another folder by root=, as in table:{table.name}?root=DIR"
    _refuse(table, cells, numbers, outside.__contains__, "that lead out of the folder", advice)
    missing = {cell for cell, name in zip(cells, names, strict=True) if not _is_file(base / name)}
    advice = f"paths are relative to {root}; name another folder by root=, or take the rows out"
    _refuse(table, cells, numbers, missing.__contains__, "whose picture is not there", advice)
    return names


def _with_slashes(base: Path, cell: str) -> str:
    r"""A path written on Windows, as `cats\1.png`, unless a file has this very name."""
    return cell if os.sep == "\\" or "\\" not in cell or _is_file(base / cell) else cell.replace("\\", "/")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name of 5,000 letters, or a folder that may not be entered
        return False


def _refuse(
    table: Path, cells: Sequence[str], numbers: Sequence[int], wrong: Callable[[str], bool], what: str, advice: str
) -> None:
    """Name all rows at once whose cell is wrong, the first ten with what stands there."""
    rows = [(number, cell) for number, cell in zip(numbers, cells, strict=True) if wrong(cell)]
    if rows:
        shown = ", ".join(f"row {number}" + (f" ({cell[:80]})" if cell else "") for number, cell in rows[:_MOST_NAMED])
        more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
        raise CifarlabError(f"{table} has {counted(len(rows), 'row')} {what}: {shown}{more}; {advice}")


def _role(cell: str) -> str:
    return next((role for role, spellings in SPELLINGS.items() if cell.casefold() in spellings), "")


def _without_repeats(
    table: Path, rows: Sequence[tuple[str, str, str]], numbers: Sequence[int], found: Layout
) -> list[tuple[str, str, str]]:
    """Each picture once; one with two labels, or in two parts, is refused."""
    first: dict[str, tuple[tuple[str, str, str], int]] = {}
    for row, number in zip(rows, numbers, strict=True):
        other, earlier = first.setdefault(row[0], (row, number))
        if other != row:
            one, two = (f"{each[1]} ({each[2]})" for each in (other, row))
            raise CifarlabError(
                f"{table}: {row[0]} is {one} in row {earlier} and {two} in row {number}; keep one of them"
            )
    if len(first) < len(rows):
        found.notices.append(f"{counted(len(rows) - len(first), 'row')} left out: they repeat another one.")
    return [row for row, _ in first.values()]


def _sorted_labels(table: Path, labels: set[str], found: Layout) -> list[str]:
    """By name; where all are numbers, by value, and one number is not written in two ways."""
    if len(labels) < 2:
        only = next(iter(labels))
        raise CifarlabError(f"{table} has one class ({only}): expected two labels or more")
    if all(_NUMBER.fullmatch(label) for label in labels):
        values = Counter(map(float, labels))
        twice = sorted(label for label in labels if values[float(label)] > 1)
        if twice:
            raise CifarlabError(f"{table}: the labels {', '.join(twice[:4])} are one number: write it in one way")
        return sorted(labels, key=float)
    spellings = Counter(label.casefold() for label in labels)
    alike = sorted(label for label in labels if spellings[label.casefold()] > 1)
    if alike:
        found.notices.append(
            f"The labels {', '.join(alike[:6])} differ in capitals alone: they are classes of their own."
        )
    return sorted(labels)


def _pictures(root: Path, rows: Sequence[tuple[str, str, str]], role: str, order: Sequence[str]) -> Pictures:
    """The pictures of one part by class, sorted by name, so that the order of the rows decides nothing."""
    classes: Pictures = {label: [] for label in order}
    for name, label, own in sorted(rows):
        if own == role:
            classes[label].append(root / name)
    return classes


def _assign(table: Path, parts: Mapping[str, Pictures], is_given: bool, found: Layout) -> None:
    """Parts as a folder's: see the table in docs/commands/data.md."""
    there = {role for role, part in parts.items() if any(part.values())}
    train, test = parts["train"], parts["test"] if "test" in there else None
    if "validation" in there and test is None:
        test = parts["validation"]
        found.notices.append("The validation rows are the test part, because there are no test rows.")
    elif "validation" in there and "train" in there:
        train = {label: paths + parts["validation"][label] for label, paths in train.items()}
        found.notices.append(
            "The validation rows are training pictures too, and the validation part is held out of both, by the "
            "pictures' content."
        )
    elif "validation" in there:
        found.notices.append("The validation rows are not read, because there are no training rows.")
    if "train" not in there:
        found.notices.append("There are no training rows: these pictures can be evaluated, not trained on.")
    elif is_given and test is None:
        found.notices.append("There are no test rows: about a fifth of each class is held out for test.")
    found.train, found.test = (train if "train" in there else {}), test
    for role, part in (("training", found.train), ("test", found.test or {})):
        empty = [label for label, paths in part.items() if not paths]
        if empty:
            raise CifarlabError(f"{table} has no {role} rows of {', '.join(empty[:10])}: every part needs every class")
