"""A range or a choice of values for one setting, as text and as a sampler's parameter.

1e-4..1e-2:log      numbers, drawn evenly on a logarithmic scale
0.0..0.5            numbers, drawn evenly
1..8                whole numbers, as both ends are
adam,muon,sgd       one of these
(512, 256);(1024,)  one of these, where a value has commas of its own
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifarlab.recipes import Recipe, override
from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    import optuna

LOG = ":log"


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones where both ends are written so."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: "optuna.Trial", name: str) -> str:
        """Ask the sampler for a value; as text, of four digits: more would say nothing and be hard to read."""
        if self.whole:
            return str(trial.suggest_int(name, int(self.low), int(self.high), log=self.log))
        drawn = float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.4g}")
        return self.text(min(max(drawn, self.low), self.high))

    def parameter(self, text: str) -> float | None:
        """What the sampler calls a value; None if the range does not hold it."""
        try:
            value = float(text)
        except ValueError:
            return None
        is_inside = self.low <= value <= self.high and (not self.whole or value.is_integer())
        return (int(value) if self.whole else value) if is_inside else None

    def ends(self) -> list[str]:
        """The values that a recipe must take, so that it takes all."""
        return [self.text(self.low), self.text(self.high)]

    def text(self, value: float) -> str:
        """A value as in `--set`."""
        return str(int(value)) if self.whole else repr(value)

    def __str__(self) -> str:
        return f"{self.text(self.low)}..{self.text(self.high)}{LOG if self.log else ''}"


@dataclass(frozen=True)
class Choice:
    """One of several values, each as text."""

    values: tuple[str, ...]

    def suggest(self, trial: "optuna.Trial", name: str) -> str:
        """Ask the sampler for a value."""
        return str(trial.suggest_categorical(name, self.values))

    def parameter(self, text: str) -> str | None:
        """What the sampler calls a value; None if it is not among these."""
        wanted = literal(text)
        return next((each for each in self.values if literal(each) == wanted), None)

    def ends(self) -> list[str]:
        """All values."""
        return list(self.values)

    def __str__(self) -> str:
        separator = ";" if any("," in each for each in self.values) else ","
        return separator.join(self.values) + (separator if len(self.values) == 1 else "")


def parse(key: str, text: str) -> Range | Choice:
    """A range or a choice from text, see the top of this file.

    Example:
        >>> parse("learning_rate", "1e-4..1e-2:log")
        Range(low=0.0001, high=0.01, log=True, whole=False)
        >>> parse("optimizer", "adam,sgd")
        Choice(values=('adam', 'sgd'))

    Raises:
        CifarlabError: If it is empty, inverted or no number.
    """
    if ".." in text:
        return _range(key, text)
    values = tuple(value.strip() for value in text.split(";" if ";" in text else ",") if value.strip())
    if not values:
        raise CifarlabError(f"{key} has nothing to choose from: expected values such as A,B or (1, 2);(3,)")
    if len({repr(literal(value)) for value in values}) < len(values):
        raise CifarlabError(f"{key} has a value twice. Received: {text!r}")
    return Choice(values)


def _range(key: str, text: str) -> Range:
    is_log, body = text.endswith(LOG), text.removesuffix(LOG)
    low, _, high = (part.strip() for part in body.partition(".."))
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = math.nan, math.nan
    if not all(map(math.isfinite, ends)):
        raise CifarlabError(f"{key} needs a range of numbers, such as 1e-4..1e-2:log. Received: {text!r}")
    if ends[0] >= ends[1]:
        raise CifarlabError(f"the range of {key} is empty: its low end must be below its high end. Received: {text!r}")
    if is_log and ends[0] <= 0:
        raise CifarlabError(f"a logarithmic range begins above 0. Received: {key}={text}")
    return Range(*ends, log=is_log, whole=all(part.lstrip("+-").isdigit() for part in (low, high)))


def literal(text: str) -> Any:
    """A value as Python reads it, else the text."""
    return override(_ANY, [f"model.any={text}"]).model_args["any"]


_ANY = Recipe(model="any")
