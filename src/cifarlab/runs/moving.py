"""Moving a run's folder: to another name, into the bin of its folder of runs, and back."""

import datetime
import re
from pathlib import Path

from cifarlab.runs.layout import RUN_NAME
from cifarlab.runs.run import Run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

BIN = ".bin"
"""Inside the folder of runs. A name that begins with a point is listed nowhere as a run."""
_TIME = "%Y%m%dT%H%M%SZ"
_MARK = "~"  # in no run's name


def rename_run(run: Run, name: str) -> Run:
    """Give a run's folder another name. What was written in it before keeps the old one.

    Raises:
        CifarlabError: If the name is none or taken, or the run is being trained or changed.
    """
    if not re.fullmatch(RUN_NAME, name):
        raise CifarlabError(f"a run's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}")
    return _move(run, run.path.with_name(name))


def bin_run(run: Run, now: datetime.datetime | None = None) -> str:
    """Put a run into the bin, from where `restore_run` takes it back.

    Returns:
        What it is called there: its name, and when that was.

    Raises:
        CifarlabError: If the run is being trained or changed, or the disk refuses.
    """
    if (run.path.parent / BIN).is_symlink():
        raise CifarlabError(f"{run.path.parent / BIN} is a link, which is not followed: put a real folder in its place")
    when = (now or datetime.datetime.now(datetime.UTC)).strftime(_TIME)
    return _move(run, run.path.parent / BIN / f"{run.path.name}{_MARK}{when}").path.name


def binned(runs_dir: Path) -> dict[str, tuple[str, str]]:
    """What is in the bin: its name there to the run's own name and when it was put there (ISO 8601), the last first."""
    folder = runs_dir / BIN
    is_there = folder.is_dir() and not folder.is_symlink()
    names = [each.name for each in folder.iterdir() if each.is_dir() and not each.is_symlink()] if is_there else []
    found: dict[str, tuple[str, str]] = {}
    for entry in sorted(names, key=lambda name: name.rpartition(_MARK)[2], reverse=True):
        name, _, when = entry.rpartition(_MARK)
        if name and re.fullmatch(r"\d{8}T\d{6}Z", when):
            moment = datetime.datetime.strptime(when, _TIME).replace(tzinfo=datetime.UTC)
            found[entry] = (name, moment.isoformat())
    return found


def restore_run(runs_dir: Path, entry: str) -> Run:
    """Take a run back out of the bin, under its own name.

    Raises:
        CifarlabError: If there is none of that name in the bin, or the name has been taken since.
    """
    known = binned(runs_dir)
    if entry not in known:
        raise CifarlabError(f"there is no {entry!r} in {runs_dir / BIN}")
    return _move(Run(runs_dir / BIN / entry), runs_dir / known[entry][0])


def _move(run: Run, to: Path) -> Run:
    """Rename the folder while nobody trains or changes the run."""
    try:
        files.make_folder(to.parent)
        # Without case, since some file systems have none; the same name in other letters is the run itself.
        taken = {each.name.casefold() for each in to.parent.iterdir()}
        if to.name.casefold() in taken and to.name.casefold() != run.path.name.casefold():
            raise CifarlabError(f"{to} is there already: choose another name")
        with run.owned(), run.changing():
            files.move_folder(run.path, to)
        for left in to.glob(".*lock.owner"):  # who held the locks looked for them under the old name
            left.unlink(missing_ok=True)
    except OSError as error:
        raise CifarlabError(f"cannot move {run.path} to {to}: {error.strerror or error}") from error
    return Run(to)
