"""Answers in finished parts beside the file that they will be: what is written once is never asked again.

FILE.parts/about.json     what is asked of which pictures: another question does not go on here
FILE.parts/0000000.csv    the lines of the first part
FILE.parts/0000000.json   how many pictures it is about, and those that cannot be read; written last
FILE.parts/.lock          held by the process that writes
"""

import contextlib
import hashlib
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from cifarlab.inference.bulk.classifier import Piece
from cifarlab.utils import files, locks
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_object
from cifarlab.utils.images import PictureError

PICTURES = 4096
"""Of a part, at least: what a kill costs."""


class Parts:
    """The parts of one file.

    Args:
        output: The file.
        about: What is asked, as plain values.

    Attributes:
        pictures: How many are answered.
        unreadable: Why some of them cannot be read.
    """

    def __init__(self, output: Path, about: Mapping[str, Any]) -> None:
        self._output, self._about = output, dict(about)
        self._folder = output.with_name(f"{output.name}.parts")
        self._count = self.pictures = 0
        self.unreadable: list[PictureError] = []

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes the file inside; the parts that are there are counted.

        Raises:
            CifarlabError: If another process writes it, its parts are about something else or damaged, or the folder
                cannot be written.
        """
        if self._output.is_dir():
            raise CifarlabError(f"{self._output} is a folder: expected a file's name as --output")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with locks.hold(self._folder / ".lock", f"{self._output} is being written", "wait for it, or stop it"):
                self._count_there()
                yield
        except OSError as error:
            raise CifarlabError(f"cannot write {self._folder}: {error.strerror or error}") from error

    def add(self, pieces: Sequence[Piece]) -> None:
        """Write a part.

        Raises:
            CifarlabError: If there is no room for it.
        """
        unreadable = [error for piece in pieces for error in piece.unreadable]
        pictures = sum(piece.pictures for piece in pieces)
        files.write_text(self._part("csv"), "".join(piece.lines for piece in pieces))
        told = [[error.name, error.reason, error.advice, error.fault] for error in unreadable]
        files.write_json(self._part("json"), {"pictures": pictures, "unreadable": told})
        self._count += 1
        self.pictures += pictures
        self.unreadable += unreadable

    def join(self, header: str) -> None:
        """Write the file, whole, and take the parts away.

        Args:
            header: Its first line.

        Raises:
            CifarlabError: If there is no room for it.
        """

        def write(file: BinaryIO) -> None:
            file.write(header.encode())
            for number in range(self._count):
                with self._part("csv", number).open("rb") as part:
                    shutil.copyfileobj(part, file)

        files.write_atomically(self._output, write)
        self.discard()

    def discard(self) -> None:
        """Take the parts away."""
        shutil.rmtree(self._folder)

    def _count_there(self) -> None:
        try:
            is_other = (file := self._folder / "about.json").is_file() and read_object(file) != self._about
            found = list(
                itertools.takewhile(Path.is_file, (self._part("json", number) for number in itertools.count()))
            )
            stored = [read_object(each, "pictures", "unreadable") for each in found]
            self.unreadable = [PictureError(*told) for part in stored for told in part["unreadable"]]
            self.pictures = sum(part["pictures"] for part in stored)
        except (CifarlabError, TypeError) as error:
            raise CifarlabError(f"{self._folder} is damaged: take it away, and begin anew") from error
        if is_other:
            raise CifarlabError(
                f"{self._folder} holds parts of other predictions (of other pictures, or another model or --top): "
                "give another --output, or take that folder away"
            )
        self._count = len(found)
        files.write_json(file, self._about)

    def _part(self, kind: str, number: int | None = None) -> Path:
        return self._folder / f"{self._count if number is None else number:07d}.{kind}"


def checksum(names: Sequence[str]) -> str:
    """Of a listing, in its order."""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        digest.update(name.encode(errors="surrogateescape") + b"\0")
    return digest.hexdigest()
