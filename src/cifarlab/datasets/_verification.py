"""Files of a published data set, held against their published checksums."""

from collections.abc import Mapping
from pathlib import Path

from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback


def verify_files(
    folder: Path, checksums: Mapping[str, str], remedy: str, progress: ProgressCallback | None = None
) -> None:
    """Refuse a file that is not the published one.

    Args:
        folder: Where they lie.
        checksums: Path in the folder to `"md5:..."` or `"sha256:..."`.
        remedy: What mends it, for the message.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Raises:
        CifarlabError: If one is truncated or altered.
    """
    for done, (name, checksum) in enumerate(checksums.items()):
        if progress:
            progress(f"verifying {name}", done / len(checksums))
        algorithm, _, digest = checksum.partition(":")
        found = files.checksum(folder / name, algorithm)
        if found != digest:
            differ = f"expected {algorithm.upper()} {digest}, found {found}"
            raise CifarlabError(f"{folder / name} is truncated or altered: {differ}; {remedy}")
