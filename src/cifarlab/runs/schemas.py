"""The schema of each JSON file in a run's folder that has no dataclass elsewhere: which keys, and of which kinds.

A key that is not named here is left alone; one that may be absent, or null, has a default, as earlier versions wrote
fewer. `recipe.json` is checked by `Recipe`, scores by `Scores`, and so on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cifarlab.utils.formats import FORMAT

_MOST_PROCESSES = 2**31


@dataclass(frozen=True)
class StateFile:
    """`run.json`."""

    state: str
    started: str
    format: int = FORMAT
    cifarlab: str | None = None
    why: str | None = None
    changed: str | None = None
    process: int | None = None
    host: str | None = None

    def __post_init__(self) -> None:
        """A process is asked whether it lives by its number: 0 and less would ask many at once."""
        if self.process is not None and not 0 < self.process < _MOST_PROCESSES:
            raise ValueError(f"process is {self.process}, expected the number of a process")


@dataclass(frozen=True)
class DataFile:
    """`data.json`."""

    name: str
    format: int = FORMAT
    cifarlab: str | None = None
    location: str | None = None
    how: str | None = None
    checksums: Mapping[str, str] | None = None
    data_dir: str | None = None
    class_names: tuple[str, ...] | None = None
    fingerprints: Mapping[str, str] | None = None
    notices: tuple[str, ...] | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        """Labels are numbers of names: the same twice would be one class under two numbers."""
        if self.class_names is not None and len(set(self.class_names)) != len(self.class_names):
            raise ValueError("class_names names a class twice")


@dataclass(frozen=True)
class KeptFile:
    """What `environment.json` says of a file of own code."""

    name: str | None = None
    sha256: str | None = None
    kept: str | None = None


@dataclass(frozen=True)
class EnvironmentFile:
    """`environment.json`, as far as anything depends on it."""

    format: int = FORMAT
    cifarlab: str | None = None
    python: str | None = None
    platform: str | None = None
    processor: str | None = None
    backend: str | None = None
    versions: Mapping[str, str | None] | None = None
    parameters: int | None = None
    training_seconds: float | None = None
    code: Mapping[str, KeptFile] | None = None
    # These were never written as null: whoever reads them need not ask for it.
    devices: int = 1
    notices: tuple[str, ...] = ()
    resumed: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        """A training computes on one device at least."""
        if self.devices < 1:
            raise ValueError(f"devices is {self.devices}, expected at least 1")


@dataclass(frozen=True)
class Look:
    """One look at a split's images."""

    split: str
    data: str | None = None
    tta: str | None = None
    phase: str | None = None
    when: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class NotesFile:
    """`notes.json`."""

    tags: tuple[str, ...] = ()
    note: str = ""
    changed: str | None = None
    format: int = FORMAT
    cifarlab: str | None = None


@dataclass(frozen=True)
class LooksFile:
    """`looks.json`; in earlier versions it was the list alone."""

    looks: tuple[Look, ...]
    format: int = FORMAT
    cifarlab: str | None = None
