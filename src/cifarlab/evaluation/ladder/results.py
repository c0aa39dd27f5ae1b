"""Results of the ladder's rungs, kept in the package: written by `benchmarks/ladder.py` from runs, never by hand."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cifarlab
from cifarlab.evaluation.ladder.measurements import Result
from cifarlab.evaluation.ladder.rungs import Rung, is_training_of
from cifarlab.recipes import from_dict
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError, say_error

FILE = Path(__file__).with_name("results.json")
FORMAT = 2


@dataclass(frozen=True)
class Results:
    """Everything that is kept: results by the recipe's name."""

    rungs: Mapping[str, Result] = field(default_factory=dict)

    def of(self, rung: Rung) -> Result | None:
        """What was measured of a rung as it is now; a result of other settings is none of its own."""
        found = self.rungs.get(rung.name)
        return found if found is not None and is_training_of(from_dict(found.recipe), rung.recipe) else None


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
        return Results({name: Result(**result) for name, result in values["rungs"].items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wanted = "write it anew with benchmarks/ladder.py"
        raise CifarlabError(f"{path} is damaged or of another version ({say_error(error)}): {wanted}") from error


def save_results(results: Results, path: Path = FILE) -> Path:
    """Write all of it, whole or not at all."""
    rungs = {name: dataclasses.asdict(results.rungs[name]) for name in sorted(results.rungs)}
    values = {"format": FORMAT, "cifarlab": cifarlab.__version__, "rungs": rungs}
    return files.write_json(path, values)
