"""Temperature scaling: one number, found on validation, that makes a run's confidence match its accuracy."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from cifarlab import metrics
from cifarlab.inference.temperature import FILE_NAME, FORMAT, HIGHEST, LOWEST, WIDEST, is_told, model_checksum
from cifarlab.runs import Run, open_run, pretrained_run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files, own_code
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.result_tables import ResultTable, Shown, as_limits, as_number
from cifarlab.utils.results import Interval

FOLDS = 10
# A temperature is the slope of a logistic regression with one variable, whose events are the rarer of wrong and right
# answers. Ten events for a variable is the least at which its estimate and its interval are near what they claim
# (Peduzzi et al. 1996, Journal of Clinical Epidemiology 49:1373).
LEAST_ANSWERS = 10


@dataclass(frozen=True)
class BeforeAfter:
    """A score without the temperature and with it, each answer's fitted on images of which it was none."""

    before: Interval
    after: Interval


@dataclass(frozen=True, kw_only=True)
class Calibration(Shown):
    """A run's temperature, as `calibration.json` holds it.

    Attributes:
        run: The run's name.
        split: Which images it was fitted on.
        count: How many.
        wrong: How many of the answers to them are wrong.
        fitted: Whether the images tell a temperature.
        temperature: 1 without limits where 1 was kept, and `method` says why.
        loss: Mean cross-entropy, before and after; after is cross-fitted, see `cross_fit`.
        expected_calibration_error: Likewise.
        sentence: What it means.
        model_checksum: Of the model that it is of.
    """

    format: int = FORMAT
    run: str
    split: str = "validation"
    count: int
    wrong: int
    fitted: bool
    temperature: Interval
    loss: BeforeAfter
    expected_calibration_error: BeforeAfter
    sentence: str = ""
    model_checksum: str

    def table(self) -> ResultTable:
        """The temperature, and loss and calibration error before and after it."""
        found = [("temperature", f"{self.temperature.value:.3f}", as_limits(self.temperature, "loss"))]
        for name, score in (("loss", self.loss), ("calibration error", self.expected_calibration_error)):
            for moment, each in (("before", score.before), ("after", score.after)):
                found.append((f"{name} {moment}", as_number("loss", each), as_limits(each, "loss")))
        return ResultTable(("", "value", "95 % interval"), found, self.run, (self.sentence,))


def calibrate(
    run: Run | str | os.PathLike[str],
    *,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
) -> Calibration:
    """Find the temperature at which a run's probabilities fit its validation images best, and keep it in the run.

    Writes `calibration.json`. From then on `predict` reports probabilities at that temperature, and `evaluate` adds
    the calibrated loss and calibration error; predictions files keep the logits as the model gave them. Where the run
    has no predictions on validation, it is evaluated there first. The answers themselves do not change.

    Where the images cannot tell a temperature (see `fit_temperature`), or one fitted on some of them does not lower the
    loss of the others, 1 is kept, and the sentence says why.

    Args:
        run: A trained run that held out validation images.
        data_dir: Where the data are, if not where the run found them; needed only to evaluate.
        code: The user's own Python files that the run may need; no other is executed.

    Raises:
        CifarlabError: If the run is none or incomplete, held out no validation images, or cannot be evaluated on them.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    own_code.allow_files(code)
    run = open_calibratable(run)
    predictions, left_out = _validation_predictions(run, data_dir)
    # Of the model that gave the answers: a training may have written another since.
    checksum = model_checksum(run) if predictions.origin is None else predictions.origin.model_checksum
    temperature, calibrated = _fit(predictions)
    found = Calibration(
        run=run.name,
        count=len(predictions),
        wrong=int((~predictions.correct).sum()),
        fitted=temperature.low is not None,
        temperature=temperature,
        loss=_before_after("negative_log_likelihood", predictions, calibrated),
        expected_calibration_error=_before_after("expected_calibration_error", predictions, calibrated),
        model_checksum=checksum,
    )
    found = replace(found, sentence=_sentence(found) + left_out)
    files.write_sealed(run.path / FILE_NAME, found)
    return found


def _fit(predictions: Predictions) -> tuple[Interval, Predictions]:
    """The temperature, and the predictions at it, cross-fitted; 1 and as they were where it does not lower the loss."""
    temperature = fit_temperature(predictions)
    if temperature.low is None:
        return temperature, predictions
    calibrated = cross_fit(predictions)
    before, after = (float(each.losses.mean()) for each in (predictions, calibrated))
    if after < before:
        return temperature, calibrated
    reason = "one fitted on nine tenths of its validation images does not lower the loss of the last tenth"
    return _kept(f"{reason} ({before:.4f} before, {after:.4f} after)"), predictions


def _before_after(name: str, predictions: Predictions, calibrated: Predictions) -> BeforeAfter:
    return BeforeAfter(metrics.measure(name, predictions), metrics.measure(name, calibrated))


def open_calibratable(run: Run | str | os.PathLike[str]) -> Run:
    """An existing run that held out images to fit a temperature on.

    Raises:
        CifarlabError: If the run is none or incomplete, or held out no validation images, as the built-in model's did.
    """
    if pretrained_run.is_builtin(run):
        raise CifarlabError(
            "the built-in model learned from all training images, so none is left to fit a temperature on: train one "
            "that holds some out, such as cifarlab train convnet94 --set validation_fraction=0.1, and calibrate that"
        )
    run = open_run(run.path if isinstance(run, Run) else run, needs_model=True)
    if run.recipe.validation_fraction == 0:
        raise CifarlabError(
            f"{run.path} held out no validation images (validation_fraction=0), and a temperature must not be fitted "
            "on test: train again with --set validation_fraction=0.1"
        )
    return run


def fit_temperature(predictions: Predictions) -> Interval:
    """The temperature with the smallest mean cross-entropy, with its 95 % interval; 1 where the images cannot tell it.

    In the inverse temperature the cross-entropy is convex, so that its derivative has at most one root: it is found on
    the scale of the logarithm, exactly, without a learning rate. The images cannot tell a temperature where fewer than
    ten answers are wrong, or fewer than ten right; where the loss falls without end the more (or less) certain they are
    made; or where the interval reaches the limits of the search, or its ends are more than a factor of 4 apart.

    Args:
        predictions: N images, at least two.

    Returns:
        A temperature in `(0.01, 100)`. Its interval is normal on the logarithm, from the spread of the images' own
        derivatives. Where it cannot be told: 1 without limits, and `method` says why.

    Raises:
        CifarlabError: If there are fewer than two images.
    """
    count = len(predictions)
    if count < 2:
        raise CifarlabError(f"a temperature needs at least two images. Received: {count}")
    wrong = int((~predictions.correct).sum())
    if min(wrong, count - wrong) < LEAST_ANSWERS:
        there = f"of its {count:,} validation answers {_are(wrong)} wrong and {_are(count - wrong)} correct"
        return _kept(f"{there}, and it takes at least {LEAST_ANSWERS} of each to tell a temperature")
    logits, true = _logits(predictions)
    found = _optimum(logits, true)
    if found is None:
        return _kept(f"with {wrong:,} of {count:,} validation answers wrong, the loss only falls as confidence falls")
    reach = _reach(logits, true, found)
    limits = math.exp(found - reach), math.exp(found + reach)
    if is_told(math.exp(found), *limits):
        return Interval(math.exp(found), *limits, "normal 95 % on the logarithm")
    needed = max(wrong + 1, math.ceil(wrong * (2 * reach / math.log(WIDEST)) ** 2))
    there = f"{wrong:,} wrong of {count:,} validation answers leave it anywhere from {limits[0]:.2g} to {limits[1]:.2g}"
    return _kept(f"{there}; it would take about {needed:,} wrong ones to tell it")


def _reach(logits: Array, true: Array, found: float) -> float:
    """How far the 95 % interval of the temperature's logarithm reaches to either side."""
    # The estimate is where the mean slope is 0. By the delta method its standard error is that of the mean slope over
    # the mean curvature (the sandwich, which does not suppose that the model is right); divided by the estimate it is
    # that of the logarithm, on which the interval cannot reach 0.
    slopes, curvatures = _slopes(logits, true, math.exp(-found))
    error = float(slopes.std(ddof=1)) / math.sqrt(len(true)) / float(curvatures.mean()) / math.exp(-found)
    return min(float(special.ndtri(0.975)) * error, math.log(HIGHEST / LOWEST))


def cross_fit(predictions: Predictions) -> Predictions:
    """The predictions, each at a temperature that it had no say in: fitted on the other nine tenths of the images.

    Every tenth holds its share of the wrong answers. Where nine tenths have no best temperature, theirs is 1.

    Args:
        predictions: N images, at least two.
    """
    # A temperature fitted on the images that it is then measured on flatters itself. Sorted by correctness, every tenth
    # image goes into one fold: each has its share of the wrong answers, which are what a temperature is told by.
    count = len(predictions)
    logits, true = _logits(predictions)
    order = np.random.default_rng(0).permutation(count)
    order = order[np.argsort(predictions.correct[order], kind="stable")]
    scaled = predictions.logits.copy()
    for fold in range(FOLDS):
        own = order[fold::FOLDS]
        rest = np.setdiff1d(order, own)
        found = _optimum(logits[rest], true[rest])
        scaled[own] /= np.float32(math.exp(found or 0.0))
    return replace(predictions, logits=scaled)


def _logits(predictions: Predictions) -> tuple[Array, Array]:
    """All logits `(N, K)` and those of the labels `(N,)`, float64."""
    logits = predictions.logits.astype(np.float64)
    return logits, logits[np.arange(len(logits)), predictions.labels]


def _optimum(logits: Array, true: Array) -> float | None:
    """The logarithm of the best temperature within the limits of the search; None where the loss has no such minimum.

    Of `(N, K)` logits, and of the `(N,)` of the labels among them.
    """

    def slope(log_temperature: float) -> float:
        return float(_slopes(logits, true, math.exp(-log_temperature))[0].mean())

    lowest, highest = math.log(LOWEST), math.log(HIGHEST)
    if slope(lowest) <= 0 or slope(highest) >= 0:
        return None
    return float(optimize.brentq(slope, lowest, highest, xtol=1e-13))


def _kept(reason: str) -> Interval:
    """Temperature 1, without limits, and why."""
    return Interval(1.0, None, None, reason)


def _are(number: int) -> str:
    return "none is" if number == 0 else f"{number:,} {'is' if number == 1 else 'are'}"


def _slopes(logits: Array, true: Array, inverse: float) -> tuple[Array, Array]:
    """First and second derivative of each image's cross-entropy by the inverse temperature, `(N,)` each."""
    scaled = inverse * logits
    weights = special.softmax(scaled, axis=1)
    mean = (weights * logits).sum(axis=1)
    return mean - true, (weights * logits**2).sum(axis=1) - mean**2


def _validation_predictions(run: Run, data_dir: str | None) -> tuple[Predictions, str]:
    """Those of images that the network has not learned from, and a sentence where it had of some."""
    if not run.has_current_predictions("validation"):  # a resumed run has a new model
        from cifarlab.evaluation import scoring

        scoring.evaluate(run, split="validation", data_dir=data_dir)
    predictions = run.predictions("validation")
    if predictions.origin is None or not predictions.origin.trained_on.any():
        return predictions, ""
    rest, count = np.flatnonzero(~predictions.origin.trained_on), len(predictions)
    if len(rest) < 2:
        raise CifarlabError(
            f"{run.path} has learned from its validation images before, with the weights that it began with "
            f"({count - len(rest):,} of {count:,}): none are left to fit a temperature on"
        )
    return predictions.take(rest), f" {count - len(rest):,} validation images that it had learned from are left out."


def _sentence(found: Calibration) -> str:
    run, temperature = found.run, found.temperature
    value, low, high = temperature.value, temperature.low, temperature.high
    if value is None or low is None or high is None:
        return f"{run} keeps temperature 1: {temperature.method}."
    if low <= 1 <= high:
        sentence = f"{run} is well calibrated: 1 lies in the interval of its temperature, {value:.3f}."
    else:
        direction = "overconfident" if value > 1 else "underconfident"
        sentence = f"{run} is {direction}: its logits are divided by {value:.3f}."
    error = found.expected_calibration_error
    before, after = error.before.value or 0.0, error.after.value or 0.0
    if after > before:
        rise = f"by {after - before:.4f}, from {before:.4f} to {after:.4f}"
        sentence += f" Its calibration error rose {rise}: what a temperature makes smallest is the loss."
    return sentence
