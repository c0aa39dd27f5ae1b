"""How often the 95 % intervals of `cifarlab evaluate` and `compare` hold the truth, where the truth is known.

    python benchmarks/coverage.py --output docs/images/coverage.png

Test sets are drawn again and again from a made-up world: its confusion, or its confidences and how often they are
right. Each is measured by the product's own functions, and the truth is either in the interval or not. Beside it, the
same for other methods; for Wilson's interval also the exact rate, summed over all counts that can occur, as 2,000 draws
know a rate of 95 % only to +-1.0 points. Seeded; prints a table in Markdown and writes a figure.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _measure import begin
from numpy.typing import NDArray
from scipy import special

from cifarlab.metrics import _selective, macro_f1
from cifarlab.metrics._per_class import Counts, f1_draws
from cifarlab.metrics._reliability import (
    Judged,
    assign,
    calibration_error,
    equal_mass_edges,
    equal_width_edges,
    gap_noise,
)  # fmt: skip
from cifarlab.metrics.statistics import intervals, significance
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.plots import to_png
from cifarlab.plots._style import INK, MUTED, new_axes, style

Array = NDArray[np.float64]
Limits = Callable[[int, int], tuple[float, float]]
"""Of a share, from how many of how many."""
NUM_CLASSES = 10
SIZES = (200, 10_000)


@dataclass
class Row:
    """One line of the table: how often the truth was below, in and above the intervals."""

    what: str
    method: str
    n: int
    truth: float
    below: int = 0
    inside: int = 0
    above: int = 0
    width: float = 0.0
    exact: float | None = None

    def add(self, low: float, high: float) -> None:
        """Count one interval."""
        self.below += self.truth < low
        self.inside += low <= self.truth <= high
        self.above += self.truth > high
        self.width += high - low

    @property
    def draws(self) -> int:
        """How many intervals there were."""
        return self.below + self.inside + self.above

    @property
    def coverage(self) -> float:
        """The share of them that held the truth."""
        return self.inside / self.draws

    def show(self) -> str:
        """The row in Markdown."""
        exact = "" if self.exact is None else f"{100 * self.exact:.2f} %"
        misses = f"{100 * self.below / self.draws:.1f} + {100 * self.above / self.draws:.1f} %"
        truth, width = f"{self.truth:.4f}", f"{self.width / self.draws:.4f}"
        cells = [self.what, self.method, f"{self.n:,}", truth, f"{100 * self.coverage:.2f} %", exact, misses, width]
        return "| " + " | ".join([*cells, f"{self.draws:,}"]) + " |"


HEADER = """| Score | Interval | n | Truth | Held | Exact rate | Truth below + above | Mean width | Draws |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--calibration-draws", type=int, help="fewer for the slowest; by default as many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="images in a test set")
    parser.add_argument("--only", default="", help="only parts whose name begins so")
    parser.add_argument("--output", type=Path, default=Path("coverage.png"))
    arguments = begin(parser)
    parts: dict[str, Callable[[int, np.random.Generator, Sequence[int]], Iterator[Row]]] = {
        "accuracy": accuracy_rows, "difference": difference_rows, "seeds": seed_rows, "f1": f1_rows,
        "calibration": calibration_rows, "trainings": training_rows,
    }  # fmt: skip
    rows = []
    print(HEADER, flush=True)
    began = time.perf_counter()
    for number, (name, make) in enumerate(parts.items()):
        if name.startswith(arguments.only):
            draws = (arguments.calibration_draws if name == "calibration" else None) or arguments.draws
            for row in make(draws, np.random.default_rng([arguments.seed, number]), arguments.sizes):
                rows.append(row)
                print(row.show(), flush=True)
    arguments.output.write_bytes(draw(rows))
    print(f"\n{time.perf_counter() - began:.0f} s; figure in {arguments.output}")


def accuracy_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """Accuracy and top-3 accuracy and recall: a proportion of independent images."""
    for n in sizes:
        for truth in (0.5, 0.94, 0.999):
            counts = random.binomial(n, truth, draws)
            for method, limits in PROPORTIONS.items():
                row = Row("accuracy", method, n, truth, exact=exact_coverage(limits, n, truth))
                found = {int(k): limits(int(k), n) for k in np.unique(counts)}
                for k in counts:
                    row.add(*found[int(k)])
                yield row


def mid_p_limits(k: int, n: int) -> tuple[float, float]:
    """Limits between which the exact test, counting half of what was found, gives p of 5 % or more."""

    def solve(too_low: Callable[[float], bool]) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if too_low(middle) else (low, middle)
        return (low + high) / 2

    def below(count: int, p: float) -> float:  # chance of fewer than count, and half of that of exactly count
        return float(special.bdtr(count - 1, n, p) + special.bdtr(count, n, p)) / 2 if count else (1 - p) ** n / 2

    lower = solve(lambda p: 1 - below(k, p) < 0.025) if k else 0.0
    upper = solve(lambda p: below(k, p) > 0.025) if k < n else 1.0
    return lower, upper


def clopper_pearson_limits(k: int, n: int) -> tuple[float, float]:
    low = special.betaincinv(k, n - k + 1, 0.025) if k else 0.0
    high = special.betaincinv(k + 1, n - k, 0.975) if k < n else 1.0
    return float(low), float(high)


PROPORTIONS: dict[str, Limits] = {
    "Wilson": intervals.wilson_limits,
    "mid-P": mid_p_limits,
    "Clopper-Pearson": clopper_pearson_limits,
}


def exact_coverage(limits: Limits, n: int, truth: float) -> float:
    """Chance of a count whose interval holds the truth; the interval grows with the count, so its ends are enough."""

    def first(right: Callable[[tuple[float, float]], bool]) -> int:
        low, high = 0, n + 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if right(limits(middle, n)) else (middle + 1, high)
        return low

    least, beyond = first(lambda pair: pair[1] >= truth), first(lambda pair: pair[0] > truth)
    return float(special.bdtr(beyond - 1, n, truth) - (special.bdtr(least - 1, n, truth) if least else 0.0))


def difference_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """The difference of two runs on the same images."""
    for n in sizes:
        for both, first, second in ((0.40, 0.10, 0.09), (0.92, 0.025, 0.015)):
            row = Row(f"paired difference, accuracy {100 * (both + first):.3g} %", "Newcombe", n, first - second)
            for table in random.multinomial(n, [both, first, second, 1 - both - first - second], draws).tolist():
                found = significance.paired_difference(*table)
                row.add(found.low or 0.0, found.high or 0.0)
            yield row


def seed_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """The mean of several seeds, each measured on 10,000 images whatever the sizes."""
    for seeds in (3, 5):
        row = Row("mean of seeds", "Student's t", seeds, 0.94)
        for _ in range(draws):
            found = intervals.mean(random.binomial(10_000, random.normal(0.94, 0.003, seeds)) / 10_000, highest=1.0)
            row.add(found.low or 0.0, found.high or 1.0)
        yield row


def training_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """The verdict of `cifarlab tune`: a difference of trainings on the same images, both drawn anew each time."""
    for n in sizes:
        for of_trainings in (0.0, 0.003, 0.01, 0.03):  # standard deviation of what a training adds for all images
            row = Row(f"difference of 3 trainings, spread {of_trainings}", "crossed t", n, 0.01)
            for _ in range(draws):
                images, trainings = random.normal(0, 0.3, n), random.normal(0, of_trainings, (3, 1))
                rest = random.normal(0, 0.4, (3, n))
                add(row, significance.crossed_difference(0.01 + images + trainings + rest)[0])
            yield row


def make_confusion(accuracy: float) -> Array:
    """`(K, K)` rows of chances: classes of different difficulty, and mistakes that favour some classes."""
    random = np.random.default_rng(5)
    rows = random.dirichlet(np.full(NUM_CLASSES, 0.6), NUM_CLASSES)
    np.fill_diagonal(rows, 0)
    recall = accuracy + random.normal(0, min(0.1, (1 - accuracy) / 2), NUM_CLASSES)
    recall = np.clip(recall + accuracy - recall.mean(), 0.01, 0.9999)
    rows *= ((1 - recall) / rows.sum(axis=1))[:, None]
    np.fill_diagonal(rows, recall)
    return np.asarray(rows)


def f1_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """Macro F1, from as many images of every class."""
    for n in sizes:
        for accuracy in (0.5, 0.94, 0.999):
            world = make_confusion(accuracy)
            truth = float((2 * world.diagonal() / (1 + world.sum(axis=0))).mean())
            ours, other = Row("macro F1", "ours", n, truth), Row("macro F1", "percentile bootstrap", n, truth)
            for _ in range(draws):
                counts = Counts(np.stack([random.multinomial(n // NUM_CLASSES, chances) for chances in world]))
                values = 2 * counts.hits / np.maximum(counts.support + counts.predicted, 1)
                add(ours, macro_f1.interval(counts, float(values[counts.occurring].mean())))
                other.add(*np.quantile(f1_draws(counts)[:, counts.occurring].mean(axis=1), (0.025, 0.975)))
            yield from (ours, other)


def draw_world(name: str, n: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Confidences, and how often an answer of such a confidence is right, `(n,)` each."""
    if name == "overconfident, accuracy 58 %":
        confidence = random.beta(3, 2, n) * 0.85 + 0.15
        return confidence, 0.1 + 0.8 * confidence - 0.1 * confidence**2
    confidence = 1 - random.beta(0.4, 6, n) * 0.9
    return confidence, confidence if name.startswith("calibrated") else confidence - 0.06 * (confidence - 0.2)


WORLDS = ("overconfident, accuracy 58 %", "overconfident, accuracy 90 %", "calibrated, accuracy 94 %")


def calibration_rows(draws: int, random: np.random.Generator, sizes: Sequence[int]) -> Iterator[Row]:
    """Both calibration errors, and the area under the risk; their truth is measured on four million images."""
    edges_of: dict[str, Callable[[Array], Array]] = {
        "expected calibration error": lambda _: equal_width_edges(),
        "equal-mass calibration error": equal_mass_edges,
    }
    for n in sizes:
        for world in WORLDS:
            confidence, chance = draw_world(world, 4_000_000, np.random.default_rng(9))
            rows: list[tuple[Callable[[Array], Array], Row, Row]] = []
            for name, edges in edges_of.items():
                bins = assign(confidence, edges(confidence))
                truth = float(np.abs(np.bincount(bins, confidence - chance)).sum() / len(bins))
                ours, other = (Row(f"{name}, {world}", how, n, truth) for how in ("ours", "percentile bootstrap"))
                rows.append((edges, ours, other))
            risks = _selective._risks((1 - chance)[np.argsort(-confidence)])
            area = Row(f"area under risk coverage, {world}", "ours", n, float(risks.mean()))
            for _ in range(draws):
                judged = sample(world, n, random)
                for edges, ours, other in rows:
                    cuts = edges(judged.confidence)
                    add(ours, calibration_error(judged, cuts))
                    other.add(*percentile_limits(judged, cuts))
                order = np.argsort(-judged.confidence)
                add(area, _selective._area(judged.confidence[order], (~judged.correct[order]).astype(np.float64)))
            yield from (row for _, *pair in rows for row in pair)
            yield area


def sample(world: str, n: int, random: np.random.Generator) -> Judged:
    confidence, chance = draw_world(world, n, random)
    return Judged(confidence, random.random(n) < chance, np.arange(n) % NUM_CLASSES)


def percentile_limits(judged: Judged, cuts: Array) -> tuple[float, float]:
    """What percentiles of the resampled error would say."""
    bins = assign(judged.confidence, cuts)
    gaps = np.bincount(bins, judged.confidence - judged.correct, len(cuts) - 1) / len(bins)
    draws = np.abs(gaps + gap_noise(judged, bins, len(gaps))).sum(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def add(row: Row, found: Interval) -> None:
    assert found.low is not None
    assert found.high is not None
    row.add(found.low, found.high)


def draw(rows: list[Row]) -> bytes:
    """A dot a row, our methods filled, others hollow; the band is 94 to 96 %."""
    with style():
        figure, (axes,) = new_axes(9, 0.9 + 0.24 * len(rows))
        axes.axvspan(94, 96, color=MUTED, alpha=0.15, linewidth=0)
        axes.axvline(95, color=MUTED, linewidth=1)
        for place, row in enumerate(rows):
            own = row.method not in ("mid-P", "Clopper-Pearson", "percentile bootstrap")
            value = 100 * (row.exact if row.exact is not None else row.coverage)
            axes.plot(
                [max(value, 80)], [place], "o" if value >= 80 else "<", color=INK, fillstyle="full" if own else "none"
            )
        labels = [f"{row.what}, {row.method}, n = {row.n:,}, truth {row.truth:.3f}" for row in rows]
        axes.set_yticks(range(len(rows)), labels, fontsize=7)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(79.5, 100.5)
        axes.set_xlabel("share of 95 % intervals that hold the truth, % (at the left edge: 80 or less)")
        axes.grid(True, axis="x")
    return to_png(figure)


if __name__ == "__main__":
    main()
