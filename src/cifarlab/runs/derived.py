"""Derived files and what they were derived from: nothing measured on one model is shown as another's.

Scores, predictions, robustness, calibration and features carry the checksum of the model that they are of. A training
that goes on, or another model put into the folder, changes the checksum: what does not belong any more is then refused
in one sentence with the command that mends it. Files of earlier versions carry none; they count as the model's own,
with a notice where they are older than it.
"""

import contextlib
import os
import zipfile
from functools import lru_cache
from pathlib import Path

from cifarlab.runs.layout import RunFiles
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

KEY = "model_checksum"
"""Under which a derived file carries the checksum."""
# Weights and layers; the archive's other member says when it was saved.
_MEMBERS = ("config.json", "model.weights.h5")
_OF_AN_ARCHIVE = "crc32:"


def damage(model_file: Path) -> str:
    """What every command and page says of a model's file that is cut off, or is none; nothing of one that is whole."""
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile), zipfile.ZipFile(model_file) as archive:
        if {*_MEMBERS} <= {*archive.namelist()}:
            return ""
    why = "the file is damaged, or only part of it is there"
    return f"cannot load the model {model_file}: {why}; train it again or restore the file"


class StaleError(CifarlabError):
    """A derived file that is of another model than the run's is now."""


def model_checksum(run: RunFiles) -> str:
    """What tells whether a run's model is still the same: layers and weights, not when the file was written.

    A Keras file is a zip archive, whose directory has a CRC-32 of each member: nothing large is read, so that a listing
    of a hundred runs stays quick. Of any other file it is the SHA-256.

    Raises:
        CifarlabError: If the run has no model.
    """
    path = run.model_file
    try:
        stat = path.stat()
        return _checksum(os.fspath(path.resolve()), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise CifarlabError(f"cannot read {path}: {error.strerror or error}; train the run again") from error


def is_of_model(run: RunFiles, recorded: str) -> bool:
    """Whether a recorded checksum is that of the run's model; earlier versions recorded the SHA-256 of its file."""
    if recorded == model_checksum(run):
        return True
    return recorded.startswith("sha256:") and recorded == _sha256(run.model_file)


def check(run: RunFiles, file: Path, recorded: object, command: str) -> str:
    """Whether a derived file belongs to the model that the run has now.

    Args:
        run: Whose file it is.
        file: The derived file.
        recorded: The checksum that it carries; None where it carries none.
        command: What makes the file anew.

    Returns:
        A notice, where that is uncertain: a file of an earlier version, older than the model. Else nothing, also where
        the run has no model, which nothing can contradict.

    Raises:
        StaleError: If it is of another model, or the model is damaged.
    """
    if not run.model_file.is_file():
        return ""
    if recorded is not None:
        if is_of_model(run, str(recorded)):
            return ""
        if str(recorded).startswith(_OF_AN_ARCHIVE) and (line := damage(run.model_file)):
            raise StaleError(line)
        raise StaleError(
            f"{file} is of an earlier model than {run.model_file.name} is now, which was trained further or replaced: "
            f"run {command}"
        )
    # A file of an earlier version. The same time is no reason for doubt: the clock of a disk is coarse.
    if file.stat().st_mtime_ns >= run.model_file.stat().st_mtime_ns:
        return ""
    return (
        f"{file.name} of {run.name} is older than its model and does not say of which model it is: if the training has "
        f"gone on since, run {command}."
    )


@lru_cache(maxsize=1024)
def _checksum(path: str, size: int, changed: int) -> str:
    """Of the file as it is now: another size or time is another key."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
        parts = [f"{members[name].CRC:08x}-{members[name].file_size}" for name in _MEMBERS]
    except (zipfile.BadZipFile, KeyError):
        return _sha256(Path(path))
    return _OF_AN_ARCHIVE + ":".join(parts)


def _sha256(path: Path) -> str:
    return f"sha256:{files.checksum(path, 'sha256')}"
