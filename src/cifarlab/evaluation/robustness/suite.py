"""A run and a test set in, what is left of its accuracy out: corruptions, small shifts, attacks, other photographs."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifarlab import datasets
from cifarlab.datasets import ImageSet
from cifarlab.datasets.cifar10 import CLASS_NAMES
from cifarlab.displays.progress import progress_of
from cifarlab.evaluation.overlap import describe, summarise
from cifarlab.evaluation.robustness import consistency
from cifarlab.evaluation.robustness.attacks import ATTACKS, Attack, attack
from cifarlab.evaluation.robustness.corruptions import SEVERITIES, benchmark_names, corrupt, names
from cifarlab.evaluation.robustness.published import Cifar10C, choose_corruptions, load_cifar101, open_cifar10c
from cifarlab.evaluation.robustness.results import (
    OURS,
    AttackResult,
    CorruptionResult,
    NewerImages,
    Robustness,
    store_results,
)
from cifarlab.inference import forward as inference_forward
from cifarlab.inference import prediction
from cifarlab.inference.forward import Forward, apply_in_batches
from cifarlab.metrics.statistics.intervals import Interval, mean, share, undefined
from cifarlab.runs import Run, derived
from cifarlab.runs.pretrained_run import AnyRun, open_run
from cifarlab.runs.trained_images import Overlap, find_overlap, load_training_images
from cifarlab.utils import discovery, own_code
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback

BATCH_SIZE = 500


@dataclass(frozen=True)
class RobustnessSettings:
    """What to measure.

    Attributes:
        severities: Of 1 to 5.
        corruptions: Their names; None means all there are.
        limit: How many of the test images, chosen at random; None means all.
        attacks: Keys of `ATTACKS`.
        attack_limit: How many images are attacked, at most.
        cifar10c: Folder of CIFAR-10-C's published files, instead of our reproduction.
        cifar101: Folder of CIFAR-10.1's files.
        seed: Of the choice of images and of all random numbers.
    """

    severities: Sequence[int] = SEVERITIES
    corruptions: Sequence[str] | None = None
    limit: int | None = None
    attacks: Sequence[str] = tuple(ATTACKS)
    attack_limit: int = 1000
    cifar10c: str | None = None
    cifar101: str | None = None
    seed: int = 0


def measure_robustness(
    run: AnyRun,
    wanted: RobustnessSettings | None = None,
    *,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback | None = None,
    show: bool | None = None,
) -> Robustness:
    """Measure a run on test images that were made worse; writes `robustness.json` and records the look.

    A smaller measurement than the one that is there goes into a file of its own: see `results.store_results`.

    Args:
        run: The run, with its model, or its folder, or `"builtin"`.
        wanted: What to measure.
        data_dir: Where the data are, if not where the run found them.
        code: The user's own Python files that the run may need; no other is executed.
        progress: Called with a phrase and the share done.
        show: Whether to show the progress; None: in a notebook and at a prompt, where there is no `progress`.

    Returns:
        The results as written, and `file`, the name of the file they are in.

    Raises:
        CifarlabError: If something wanted is unknown, or run, data or files are missing or do not fit.
    """
    own_code.allow_files(code)
    with progress_of("measuring robustness", show if progress is None else False) as shown:
        return _measure(run, wanted or RobustnessSettings(), data_dir, progress or shown)


def _measure(run: AnyRun, wanted: RobustnessSettings, data_dir: str | None, progress: ProgressCallback) -> Robustness:
    published = open_cifar10c(wanted.cifar10c) if wanted.cifar10c else None
    chosen = _check(wanted, published)
    newer = load_cifar101(wanted.cifar101) if wanted.cifar101 else None
    run = open_run(run, needs_model=True)
    images, rows = _test_images(run, wanted, data_dir, published, newer)
    known = find_overlap(run, images, run.data_name, lambda: load_training_images(run, data_dir))
    checksum = derived.model_checksum(run)  # before the model is read: what is measured is that one
    model = prediction.load_model(run)
    prediction.check_fits(model, images.image_shape, len(images.class_names))
    attacks = [each for name in wanted.attacks for each in ATTACKS[name]]
    steps = _Steps(progress, _work(len(images), len(chosen) * len(wanted.severities), attacks, wanted, newer))
    forward = inference_forward.compile_forward(model)
    subject = _Subject(run, checksum, model, forward, images, rows, published, newer, wanted, steps)
    results = _ask(subject, chosen, attacks, known)
    return dataclasses.replace(results, file=store_results(run, results).name)


def _ask(subject: "_Subject", chosen: list[str], attacks: list[Attack], known: Overlap | None) -> Robustness:
    """Everything that the model is asked, and the look at the test images that this is."""
    run, images, published = subject.run, subject.images, subject.published
    predicted = subject.classify(images.images, "clean images")
    correct = predicted == images.labels
    severities = sorted(set(subject.wanted.severities))
    hits = _classify_corrupted(subject, chosen, severities)
    benchmark = [name for name in chosen if name in benchmark_names()]
    overlap = None if known is None else summarise(known, images.ids, correct)
    return Robustness(
        run=run.name,
        data=run.data_name,
        count=len(images),
        seed=subject.wanted.seed,
        source=f"CIFAR-10-C's published files in {published.folder}" if published else OURS,
        model_checksum=subject.checksum,
        images=images.fingerprint,
        notices=() if overlap is None else tuple(describe(overlap, len(images), "test")),
        overlap=overlap,
        clean=share(correct),
        severities=tuple(severities),
        corruptions={name: _corruption(name in benchmark, severities, each) for name, each in hits.items()},
        averaged=tuple(benchmark),
        mean_corruption_error=_mean_error([hit for name in benchmark for hit in hits[name]]),
        mean_error_over_all=_mean_error([hit for each in hits.values() for hit in each]),
        consistency=_measure_consistency(subject, predicted),
        attacks=tuple(_measure_attack(subject, correct, each) for each in attacks),
        cifar101=_measure_newer(subject),
        looks=run.record_look("test", "robustness"),  # last: who stops before has seen no numbers
        looks_in_making=run.looks_in_making("test"),
    )


class _Steps:
    """How much is done, counted in images that went through the model."""

    def __init__(self, progress: ProgressCallback, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def done(self, phrase: str, images: int) -> None:
        self._done += images
        self._progress(phrase, min(1.0, self._done / self._total))


@dataclass(frozen=True, eq=False)
class _Subject:
    """The model that is measured, its clean images and each one's number in the test set, and what is asked of it."""

    run: Run
    checksum: str
    model: Any
    forward: Forward
    images: ImageSet
    rows: Array
    published: Cifar10C | None
    newer: ImageSet | None
    wanted: RobustnessSettings
    steps: _Steps

    def classify(self, pictures: Array, phrase: str, cost: int = 1) -> Array:
        """`(N,)` int64: the predicted class of each picture, in batches of one shape; counted as `cost` passes."""
        logits = apply_in_batches(self.forward, pictures, BATCH_SIZE)
        self.steps.done(phrase, cost * len(pictures))
        return np.asarray(logits.argmax(axis=1), np.int64)


def _check(wanted: RobustnessSettings, published: Cifar10C | None) -> list[str]:
    """The corruptions to measure, if all that is wanted makes sense."""
    if not wanted.severities or not set(wanted.severities) <= set(SEVERITIES):
        raise CifarlabError(f"severities are some of 1, 2, 3, 4, 5. Received: {list(wanted.severities)}")
    if wanted.limit is not None and wanted.limit < 1:
        raise CifarlabError(f"at least one image is needed. Received: a limit of {wanted.limit}")
    unknown = [name for name in wanted.attacks if name not in ATTACKS]
    if unknown:
        raise CifarlabError(discovery.unknown("attack", unknown[0], [*ATTACKS, "none"]))
    if published:
        return choose_corruptions(published, list(wanted.corruptions) if wanted.corruptions else None)
    for name in wanted.corruptions or ():
        if name not in names():
            raise CifarlabError(discovery.unknown("corruption", name, names()))
    return list(wanted.corruptions or names())


def _test_images(
    run: Run, wanted: RobustnessSettings, data_dir: str | None, published: Cifar10C | None, newer: ImageSet | None
) -> tuple[ImageSet, Array]:
    """The test images to use, and each one's number in the test set."""
    splits = datasets.load_data(run.data_name, data_dir=data_dir or run.data_dir, validation_fraction=0.0)
    test = splits.test
    if not len(test):
        raise CifarlabError(f"{run.data_name} has no test images to make worse")
    before = (run.data.get("fingerprints") or {}).get("test")
    if before and before != test.fingerprint:
        raise CifarlabError(f"the test images of {run.data_name} are not those that {run.name} knew: restore the data")
    if (published or newer) and test.class_names != CLASS_NAMES:
        raise CifarlabError(f"{run.path} tells the classes of {run.data_name} apart, these files have CIFAR-10's")
    if published and not np.array_equal(published.labels, test.labels):
        raise CifarlabError(f"{published.folder} has other labels than the test images of {run.data_name}")
    rows = np.arange(len(test))
    if wanted.limit is not None and wanted.limit < len(test):
        rows = np.sort(np.random.default_rng(wanted.seed).permutation(len(test))[: wanted.limit])
    return test.take(rows), rows


def _work(count: int, pictures: int, attacks: list[Attack], wanted: RobustnessSettings, newer: ImageSet | None) -> int:
    """Images that will go through the model; one that is attacked counts as three for each gradient."""
    attacked = min(count, wanted.attack_limit)
    gradients = sum(3 * (each.steps if each.kind == "pgd" else 1) * attacked for each in attacks)
    return count * (1 + pictures + consistency.VARIANTS) + gradients + len(newer or ())


def _classify_corrupted(subject: _Subject, chosen: list[str], severities: list[int]) -> dict[str, list[Array]]:
    """Corruption to `(N,)` bool at each severity: which images are classified correctly."""
    published = subject.published

    def make(job: tuple[str, int]) -> Array:
        if published:
            return published.images(*job, subject.rows)
        return corrupt(subject.images.images, *job, seed=subject.wanted.seed, numbers=subject.rows)

    correct: dict[str, list[Array]] = {name: [] for name in chosen}
    for (name, severity), pictures in _one_ahead(
        make, [(name, severity) for name in chosen for severity in severities]
    ):
        phrase = f"{name.replace('_', ' ')}, severity {severity}"
        correct[name].append(subject.classify(pictures, phrase) == subject.images.labels)
    return correct


def _corruption(benchmark: bool, severities: list[int], hits: list[Array]) -> CorruptionResult:
    by_severity = {str(severity): share(hit) for severity, hit in zip(severities, hits, strict=True)}
    return CorruptionResult(benchmark, float(1 - np.mean(hits)), by_severity)


def _one_ahead(make: Callable[[tuple[str, int]], Array], jobs: list[tuple[str, int]]) -> Iterator[tuple[Any, Array]]:
    """Every job with its pictures; the next are made while the model looks at these."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(make, jobs[0])
        for number, job in enumerate(jobs):
            ready = following.result()
            if number + 1 < len(jobs):
                following = maker.submit(make, jobs[number + 1])
            yield job, ready


def _mean_error(hits: list[Array]) -> Interval:
    """The mean of the errors, with an interval over images, as each image's errors belong together."""
    if not hits:
        return undefined("none of these corruptions was measured")
    return mean(1 - np.mean(hits, axis=0), highest=1.0)


def _measure_consistency(subject: _Subject, predicted: Array) -> dict[str, Interval]:
    found = {}
    for name, variants in consistency.variants(subject.images.images).items():
        same = np.ones(len(predicted), bool)
        for variant in variants:
            same &= subject.classify(variant, name.replace("_", " ")) == predicted
        found[name] = share(same)
    return found


def _measure_attack(subject: _Subject, correct: Array, how: Attack) -> AttackResult:
    images, wanted = subject.images, subject.wanted
    order = np.random.default_rng(wanted.seed).permutation(len(images))  # not the first ones: a folder's are one class
    part = np.sort(order[: wanted.attack_limit])
    labels = images.labels[part]
    made = attack(subject.model, images.images[part], labels, how, seed=wanted.seed)
    gradients = how.steps if how.kind == "pgd" else 1
    still = subject.classify(made, how.label, cost=3 * gradients) == labels
    intervals = share(correct[part]), share(still)
    return AttackResult(how.label, how.kind, how.norm, how.epsilon, gradients, len(part), *intervals)


def _measure_newer(subject: _Subject) -> NewerImages | None:
    newer = subject.newer
    if newer is None:
        return None
    correct = subject.classify(newer.images, "CIFAR-10.1") == newer.labels
    return NewerImages(str(newer.ids[0]).split("-")[1], len(newer), share(correct))
