"""A model's answers beside people's, in numbers: as scores keep them, and in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import from_json
from cifarlab.utils.result_tables import as_limits, as_percent
from cifarlab.utils.results import Interval
from cifarlab.utils.text import signed


@dataclass(frozen=True, kw_only=True)
class HumanComparison:
    """How the model's answers lie beside people's, over N images; entropies are in nats.

    Attributes:
        count: N.
        tied: Images on which people have no single first answer; the majority leaves them out.
        mistakes: How many of the model's answers are not the label.
        shared_mistakes: The share of them that at least a fifth of people (`LEAST_SHARE`) made too.
        accuracy_against_majority: How often the model gives the answer of most people.
        human_accuracy: How often most people give the label.
        agreement: Mean share of people who gave the label.
        cross_entropy: Of the model's probabilities under people's answers.
        human_entropy: The least possible value of it.
        divergence: Their difference (Kullback-Leibler).
        model_entropy: Mean entropy of the model's probabilities. Scores of earlier versions lack it, and the next two.
        entropy_pearson: Correlation of the model's entropy with that of people's answers over the images, from -1 to 1:
            whether it doubts where they do.
        entropy_spearman: Likewise of the ranks.
    """

    count: int
    tied: int
    mistakes: int
    shared_mistakes: Interval
    accuracy_against_majority: Interval
    human_accuracy: Interval
    agreement: Interval
    cross_entropy: Interval
    human_entropy: Interval
    divergence: Interval
    model_entropy: Interval | None = None
    entropy_pearson: Interval | None = None
    entropy_spearman: Interval | None = None


def read_comparison(stored: Mapping[str, Any]) -> HumanComparison:
    """What scores hold under `human`.

    Raises:
        CifarlabError: If something is missing or of another kind.
    """
    try:
        found: HumanComparison = from_json(HumanComparison, dict(stored))
    except (TypeError, ValueError) as error:
        raise CifarlabError(
            "the scores' comparison with people is damaged: run cifarlab evaluate --human-labels again"
        ) from error
    return found


def describe(found: HumanComparison) -> str:
    """The rest of a sentence that begins with the model's name."""
    alike = found.entropy_spearman
    divergence = f"{found.divergence.value:.4f}{_in_brackets(as_limits(found.divergence, 'loss'))}"
    parts = [
        f"predicts the majority label of {_percent(found.accuracy_against_majority)} of the images",
        f"diverges from their answers by {divergence}",
    ]
    if alike is not None and alike.value is not None:
        limits = "" if alike.low is None or alike.high is None else f"{signed(alike.low)} to {signed(alike.high)}"
        correlation = f"{signed(alike.value)}{_in_brackets(limits)}"
        parts.append(f"has a rank correlation of {correlation} between its entropy and theirs")
    if found.mistakes:
        parts.append(f"shares {_percent(found.shared_mistakes)} of its mistakes with at least a fifth of people")
    return ", ".join(parts)


def _percent(score: Interval) -> str:
    return "none" if score.value is None else f"{as_percent(score.value)}{_in_brackets(as_limits(score))}"


def _in_brackets(limits: str) -> str:
    return limits and f" ({limits})"
