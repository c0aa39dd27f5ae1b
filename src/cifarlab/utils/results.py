"""What metrics give: a number with its interval, the scores of a class, the bins and curves of confidence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A number and the interval around it.

    Attributes:
        value: The number itself; None where it is undefined, and `method` then says why.
        low: Lower limit; None where there is none.
        high: Upper limit; None where there is none.
        method: How the limits were found, for people.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str = ""


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 of one class.

    Attributes:
        class_name: Its name.
        support: Images of the class.
        predicted: Images predicted as it.
        precision: Undefined where nothing was predicted as the class.
        recall: Undefined where the class has no images.
        f1: Undefined where both are.
    """

    class_name: str
    support: int
    predicted: int
    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram.

    Attributes:
        low: Its lower edge, a confidence.
        high: Its upper edge, which belongs to it.
        count: Images in it, at least one.
        confidence: Mean probability of the answers in it.
        accuracy: Of these answers, with Wilson's interval.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Interval


@dataclass(frozen=True)
class RiskPoint:
    """What answering so many images means.

    Attributes:
        coverage: Share of images answered.
        threshold: The least confidence answered.
        count: Images answered.
        risk: Share of wrong answers among them, with Wilson's interval.
    """

    coverage: float
    threshold: float
    count: int
    risk: Interval


@dataclass(frozen=True)
class RiskCoverage:
    """The risk-coverage curve: how often the surest answers are wrong.

    Attributes:
        coverage: Shares of images answered, at most 200, ascending.
        risk: For each, the share of wrong answers among the surest so many.
        area: The area under the curve, its mean over all coverages; lower is better.
        best_area: That of a model with as many mistakes which is least sure of exactly those.
        points: At coverages of 50, 80, 90 and 95 %.
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: Interval
    best_area: float
    points: tuple[RiskPoint, ...]


@dataclass(frozen=True)
class ParameterValues:
    """What the trials of a search had for one setting, for figures.

    Attributes:
        name: The setting's.
        values: A trial's each: a number, or one of `choices`; None where it lies outside of what was searched.
        choices: In their order; empty for numbers.
        is_log: Whether the numbers were drawn on a logarithmic scale.
        limits: Of the numbers; `(0, 0)` for choices.
    """

    name: str
    values: tuple[float | str | None, ...]
    choices: tuple[str, ...] = ()
    is_log: bool = False
    limits: tuple[float, float] = (0.0, 0.0)
