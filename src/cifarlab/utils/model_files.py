"""Keras models as bytes: made in memory, so that the disk is met by `utils.files` alone, which loses nothing.

Keras's HDF5 library, writing to a disk that fills up, ends the process.
"""

import io
import zipfile
from typing import Any

from cifarlab.utils.temporary import cannot_write

_WEIGHTS = "model.weights.h5"


class _Archive(io.BytesIO):
    """A file in memory with the name that Keras insists on."""

    def __str__(self) -> str:
        return "model.keras"


def to_archive(model: Any) -> bytes:
    """What `model.save("model.keras")` writes.

    Raises:
        CifarlabError: If there is no place for temporary files.
    """
    archive = _Archive()
    try:
        model.save(archive)
    except OSError as error:  # into memory; but Keras makes a folder for what a layer may put beside its weights
        raise cannot_write(error) from error
    return archive.getvalue()


def weights_of(archive: bytes) -> bytes:
    """What `model.save_weights("model.weights.h5")` writes, from a whole model: a `.keras` file has it in it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        return members.read(_WEIGHTS)
