"""NumPy's files from anybody: each array is measured by its header, and refused before memory is taken for it."""

import io
import math
import struct
import sys
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cifarlab.utils import limits
from cifarlab.utils.syntax import PARSER

Array = NDArray[Any]
BROKEN_ARCHIVE = (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error)
"""What reading an `.npz` raises where it is missing, damaged or holds something else."""
_WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as NumPy and Keras write; others unpack to any size
_ENCRYPTED = 0x1
_SURROGATES = (0xD800, 0xDFFF)
# What else NumPy, zipfile and Python's own parser raise on damaged headers.
_ALSO_BROKEN = (
    SyntaxError, tokenize.TokenError, RecursionError, MemoryError, OverflowError, struct.error, NotImplementedError,
    RuntimeError, IndexError,
)  # fmt: skip


class MissingArrayError(KeyError):
    """An archive has no array of that name."""

    def __str__(self) -> str:
        """The whole sentence; a KeyError would put it into quotes."""
        return f"it has no array {self.args[0]!r}"


@contextmanager
def open_arrays(path: Path) -> Iterator[Mapping[str, Any]]:
    """The arrays of an `.npz`, by name; Python objects in it, which could run code, are never loaded.

    Each array is read when it is asked for, and its header is Python text: so other threads wait until the block ends.

    Raises:
        TooLargeError: If its content is larger than `limits` allow.
        One of BROKEN_ARCHIVE: If it is missing, damaged or encrypted, also inside the block, when an array is read.
    """
    with PARSER, open_archive(path) as archive:
        yield _Arrays(archive)


def array_lengths(path: Path) -> dict[str, int]:
    """How many rows each array of an `.npz` announces, by its name; of a single number 1. None is unpacked.

    Raises:
        As `open_arrays`.
    """
    with PARSER, open_archive(path) as archive:
        return _Arrays(archive).lengths()


def read_array(path: Path) -> Array:
    """The array of an `.npy`; Python objects in it are never loaded.

    Raises:
        TooLargeError: If it is larger than `limits` allow.
        One of BROKEN_ARCHIVE: If it is missing, damaged, or holds something else.
    """
    with PARSER, path.open("rb") as file, _as_broken():
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        needed = _check_header(file, size)
        limits.check_bytes(path, needed, size)
        file.seek(0)
        return _check_text(npy.read_array(file, allow_pickle=False))


def map_array(path: Path) -> Array:
    """The array of an `.npy`, memory-mapped and read-only; Python objects in it are never loaded.

    Raises:
        One of BROKEN_ARCHIVE: If it is missing, damaged, or holds something else.
    """
    with PARSER, _as_broken():
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            _check_header(file, size)
        return npy.open_memmap(path, mode="r")


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose members are each there once, not encrypted, and not larger together than `limits` allow.

    A member gives no more bytes than the archive's directory announces, and its checksum is compared at its end.

    Raises:
        TooLargeError: If it announces more.
        One of BROKEN_ARCHIVE: If it is no such archive.
    """
    with path.open("rb") as file:
        with _as_broken():
            archive = zipfile.ZipFile(file)
            _check_members(path, archive)
        with archive:
            yield archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member of an archive that `open_archive` opened.

    Raises:
        One of BROKEN_ARCHIVE: If there is none of that name, or it is damaged.
    """
    with _as_broken():
        return archive.read(name)


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    twice = [name for name, times in Counter(each.filename for each in members).items() if times > 1]
    if twice:
        raise ValueError(f"it holds {twice[0][:100]!r} twice")
    for each in members:
        if each.flag_bits & _ENCRYPTED:
            raise ValueError(f"{each.filename[:100]!r} in it is encrypted")
        if each.compress_type not in _WRITTEN:
            raise ValueError(f"{each.filename[:100]!r} in it is compressed by an unknown method, {each.compress_type}")
    limits.check_bytes(path, sum(each.file_size for each in members), path.stat().st_size)
    for each in members:  # its name stands before it too, and is compared: else a changed one would only be missing
        archive.open(each).close()


class _Arrays(Mapping[str, Any]):
    """The members of an `.npz` that are arrays, by their names without `.npy`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {
            each.filename.removesuffix(".npy"): each for each in archive.infolist() if each.filename.endswith(".npy")
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:  # `Mapping` would read the array to see
        return name in self._members

    def lengths(self) -> dict[str, int]:
        """How many rows each array announces."""
        found = {}
        with _as_broken():
            for name, member in self._members.items():
                with self._archive.open(member) as stream:
                    found[name] = _measure(stream, member.file_size, exactly=True)[1]
        return found

    def __getitem__(self, name: str) -> Array:
        if name not in self._members:
            raise MissingArrayError(name)
        member = self._members[name]
        with _as_broken():
            with self._archive.open(member) as stream:
                _check_header(stream, member.file_size, exactly=True)
            # Opened again: what goes back in a member does not compare its checksum.
            with self._archive.open(member) as stream:
                found: Array = npy.read_array(stream, allow_pickle=False)
                stream.read(1)  # to its end, where the checksum is compared
                return _check_text(found)


def _check_header(stream: IO[bytes], size: int, *, exactly: bool = False) -> int:
    """Bytes of the array that a header announces, which must be there: NumPy takes the memory before it reads them."""
    return _measure(stream, size, exactly)[0]


def _measure(stream: IO[bytes], size: int, exactly: bool) -> tuple[int, int]:
    """Bytes and rows."""
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"its format is {version[0]}.{version[1]}, expected NumPy's 1.0 or 2.0")
    shape, _, dtype = read(stream)
    count = math.prod(int(length) for length in shape)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not loaded: allow_pickle=False")
    if any(length < 0 for length in shape) or (count and not dtype.itemsize):
        raise ValueError(f"it announces an array of shape {shape}, {dtype}")
    announced, there = count * int(dtype.itemsize), size - stream.tell()
    if announced > there or (exactly and announced != there):
        raise ValueError(f"it announces an array of {announced:,} bytes and holds {there:,}")
    return announced, int(shape[0]) if shape else 1


def _check_text(array: Array) -> Array:
    """An array; of text only if each of its numbers is a character: Python fails at others when they are looked at."""
    if array.dtype.kind == "U" and array.size:
        codes = np.frombuffer(array.tobytes(), array.dtype.byteorder.replace("|", "=") + "u4")
        if codes.max() > sys.maxunicode or ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1])).any():
            raise ValueError("it holds text of numbers that are no characters")
    return array


@contextmanager
def _as_broken() -> Iterator[None]:
    """Whatever a damaged file makes NumPy, zipfile and the parser raise, as one of `BROKEN_ARCHIVE`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError("it is damaged, or only part of it is there") from error
    except ValueError as error:
        if "magic string" in str(error):
            raise ValueError("it is no array in NumPy's format") from error
        raise
    except _ALSO_BROKEN as error:
        raise ValueError(f"it is damaged ({' '.join(str(error).split())[:200] or type(error).__name__})") from error
