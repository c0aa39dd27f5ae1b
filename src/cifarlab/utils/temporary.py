"""Folders for files that others can only write and read by name, and that nobody needs afterwards."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cifarlab.utils.errors import CifarlabError

_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder, removed at the end; what is written outside of it is better written after the block.

    Raises:
        CifarlabError: If it cannot be made, or the disk refuses what is written inside.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cifarlab-")))
        except OSError as error:
            raise cannot_write(error) from error
        try:
            yield folder
        except OSError as error:
            if not is_refused(error):
                raise
            raise cannot_write(error) from error


def is_refused(error: BaseException) -> bool:
    """Whether the disk refused to take what was written: full, over quota, read-only or broken."""
    return isinstance(error, OSError) and error.errno in _REFUSED


def cannot_write(error: OSError) -> CifarlabError:
    """What is said where the disk refused a temporary file."""
    where = ""
    with contextlib.suppress(OSError):  # of all the folders that there may be, none can be written
        where = f" in {tempfile.gettempdir()}"
    advice = "free some space, or name another folder with TMPDIR"
    return CifarlabError(f"cannot write temporary files{where}: {error.strerror or error}; {advice}")
