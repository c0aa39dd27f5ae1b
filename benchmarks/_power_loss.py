"""What a power cut may leave of a folder, by the record of all that was done in it.

The rules are those of POSIX, which promise less than any file system in use: what was written into a file is there for
certain after `fsync` of the file; a name (made, renamed, linked, removed) after `fsync` of its folder. What was done
since may be there or not, each by itself and in any order: data whole, half or not at all.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Operation:
    """One line of the record.

    Attributes:
        kind: `C` a file was made, `T` emptied, `W` written, `S` synced (file or folder), `R` renamed, `L` linked,
            `U` removed, `M` a folder was made.
        inode: Of the file.
        paths: One, or from and to.
        offset: Where in the file.
        data: What was written.
    """

    kind: str
    inode: int
    paths: tuple[str, ...] = ()
    offset: int = 0
    data: bytes = b""


def read_record(file: Path) -> list[Operation]:
    """What `faults_shim.c` wrote down."""
    record, found, place = file.read_bytes(), [], 0
    while place < len(record):
        end = record.index(b"\n", place)
        line = record[place:end].decode()
        place = end + 1
        kind, inode, rest = line.split(" ", 2)
        if kind == "W":
            offset, size = map(int, rest.split())
            found.append(Operation(kind, int(inode), (), offset, record[place : place + size]))
            place += size
        else:
            found.append(Operation(kind, int(inode), tuple(rest.split("\t"))))
    return found


@dataclass
class _Disk:
    """What is on the disk for certain, and what has been done since."""

    names: dict[str, int] = field(default_factory=dict)  # path to file
    folders: set[str] = field(default_factory=set)
    data: dict[int, bytes] = field(default_factory=dict)  # file to content
    pending_names: list[Operation] = field(default_factory=list)
    pending_data: dict[int, list[Operation]] = field(default_factory=dict)
    live: dict[str, int] = field(default_factory=dict)  # path to file, for who looks while there is power
    files: dict[int, int] = field(default_factory=dict)  # inode to file: a removed file's inode is used again

    def do(self, operation: Operation) -> None:
        """Take the next line of the record."""
        path = operation.paths[-1] if operation.paths else ""
        if operation.kind in "CT" and path in self.live:
            if operation.kind == "T":
                self.pending_data.setdefault(self.live[path], []).append(operation)
        elif operation.kind == "W":
            self.pending_data.setdefault(self.files[operation.inode], []).append(operation)
        elif operation.kind == "S" and path in self.live:
            file = self.live[path]
            self.data[file] = _write(self.data[file], self.pending_data.pop(file, []))
        elif operation.kind == "S":
            self._sync_names(path)
        else:
            if operation.kind in "CT":
                self.files[operation.inode] = len(self.data)
                self.data[len(self.data)] = b""
            self.pending_names.append(self._with_file(operation))
            _apply(self.pending_names[-1], self.live, set())

    def _with_file(self, operation: Operation) -> Operation:
        return Operation(operation.kind, self.files.get(operation.inode, 0), operation.paths)

    def _sync_names(self, folder: str) -> None:
        kept = []
        for operation in self.pending_names:
            if _folder(operation.paths[-1]) == folder:
                _apply(operation, self.names, self.folders)
            else:
                kept.append(operation)
        self.pending_names = kept

    def states(self, chance: random.Random, some: int) -> Iterator[dict[str, bytes]]:
        """What may be there if the power goes now: the extremes, and some at random. Path to content."""
        everything = [True] * len(self.pending_names)
        for names, keep in ((everything, "all"), (everything, "none"), (everything, "half")):
            yield self._state(names, _always(keep))
        yield self._state([False] * len(self.pending_names), _always("all"))
        for _ in range(some):
            chosen = [chance.random() < 0.5 for _ in self.pending_names]
            yield self._state(chosen, lambda file: chance.choice(("all", "none", "half")))

    def _state(self, chosen: Sequence[bool], keep: Callable[[int], str]) -> dict[str, bytes]:
        names, folders = dict(self.names), set(self.folders)
        for operation, is_chosen in zip(self.pending_names, chosen, strict=True):
            if is_chosen:
                _apply(operation, names, folders)
        found = {path + "/": b"" for path in folders}
        for path, file in names.items():
            writes, kept = self.pending_data.get(file, []), keep(file)
            count = {"all": len(writes), "none": 0, "half": len(writes) // 2}[kept]
            found[path] = _write(self.data.get(file, b""), writes[:count])
        return found


def cuts(operations: Sequence[Operation], seed: int, some: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Every state that a power cut may leave, by the number of operations that had been done; each but once in turn."""
    chance, disk = random.Random(seed), _Disk()
    before: list[dict[str, bytes]] = []
    for number, operation in enumerate(operations, start=1):
        disk.do(operation)
        now: list[dict[str, bytes]] = []
        for state in disk.states(chance, some):
            if state not in now and state not in before:
                yield number, state
            now.append(state)
        before = now


def lay_out(state: dict[str, bytes], recorded: Path, folder: Path) -> None:
    """Make a state's files, which were recorded in one folder, in another."""
    for path, data in sorted(state.items()):
        place = folder / Path(path).relative_to(recorded)
        if path.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
        elif place.parent.is_dir():  # a name in a folder that is not there is not there either
            place.write_bytes(data)


def _always(answer: str) -> Callable[[int], str]:
    return lambda file: answer


def _write(content: bytes, writes: Sequence[Operation]) -> bytes:
    changed = bytearray(content)
    for each in writes:
        if each.kind == "T":
            changed.clear()
            continue
        if len(changed) < each.offset:
            changed.extend(b"\0" * (each.offset - len(changed)))
        changed[each.offset : each.offset + len(each.data)] = each.data
    return bytes(changed)


def _apply(operation: Operation, names: dict[str, int], folders: set[str]) -> None:
    path = operation.paths[-1]
    if operation.kind == "M":
        folders.add(path)
    elif operation.kind == "U":
        names.pop(path, None)
    elif operation.kind == "R":
        # The old name is gone with it: a rename is one step, in every file system.
        names.pop(operation.paths[0], None)
        names[path] = operation.inode
    else:
        names[path] = operation.inode


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
