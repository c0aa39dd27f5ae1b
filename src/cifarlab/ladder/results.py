"""Results of the ladder's rungs, kept in the package: written by `benchmarks/ladder.py` from runs, never by hand."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cifarlab
from cifarlab import files
from cifarlab.errors import CifarlabError
from cifarlab.ladder.measurements import Result
from cifarlab.ladder.rungs import Rung, is_training_of
from cifarlab.recipe import from_dict

FILE = Path(__file__).with_name("results.json")
FORMAT = 1


@dataclass(frozen=True)
class Limit:
    """The fastest matrix product that was seen on a machine.

    Attributes:
        machine: As in `Result`, without `devices`.
        precision: Of the product.
        flop_per_second: Floating-point operations a second.
    """

    machine: Mapping[str, Any]
    precision: str
    flop_per_second: float


@dataclass(frozen=True)
class Results:
    """Everything that is kept: results by the recipe's name, and the machines' limits."""

    rungs: Mapping[str, Result] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()

    def of(self, rung: Rung) -> Result | None:
        """What was measured of a rung as it is now; a result of other settings is none of its own."""
        found = self.rungs.get(rung.name)
        return found if found is not None and is_training_of(from_dict(found.recipe), rung.recipe) else None

    def limit(self, machine: Mapping[str, Any], precision: str) -> float | None:
        """Floating-point operations a second of the machine's fastest matrix product; None where nobody measured."""
        rates = [each.flop_per_second for each in self.limits if _is_of(each, machine, precision)]
        return max(rates, default=None)

    def with_limit(self, limit: Limit) -> "Results":
        """The same with one more limit; of a machine and precision only the highest is kept."""
        others = [each for each in self.limits if not _is_of(each, limit.machine, limit.precision)]
        known = self.limit(limit.machine, limit.precision) or 0.0
        best = dataclasses.replace(limit, flop_per_second=max(known, limit.flop_per_second))
        return dataclasses.replace(self, limits=(*others, best))


def load_results(path: Path = FILE) -> Results:
    """What is kept; nothing where there is no file.

    Raises:
        CifarlabError: If the file is damaged or of another format.
    """
    if not path.is_file():
        return Results()
    values = files.read_json(path)
    try:
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}")
        rungs = {name: Result(**result) for name, result in values["rungs"].items()}
        return Results(rungs, tuple(Limit(**limit) for limit in values["limits"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wanted = "write it anew with benchmarks/ladder.py"
        raise CifarlabError(f"{path} is damaged or of another version ({error}): {wanted}") from error


def save_results(results: Results, path: Path = FILE) -> Path:
    """Write all of it, whole or not at all."""
    rungs = {name: dataclasses.asdict(results.rungs[name]) for name in sorted(results.rungs)}
    limits = [dataclasses.asdict(limit) for limit in results.limits]
    values = {"format": FORMAT, "cifarlab": cifarlab.__version__, "limits": limits, "rungs": rungs}
    return files.write_json(path, values)


def _is_of(limit: Limit, machine: Mapping[str, Any], precision: str) -> bool:
    return limit.precision == precision and all(limit.machine[key] == machine.get(key) for key in limit.machine)
