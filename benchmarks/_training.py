"""One training, timed through the product's own path: `cifarlab.training.train` with the data already in memory."""

import contextlib
import dataclasses
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np

from cifarlab import datasets, training
from cifarlab.datasets import Splits
from cifarlab.displays.console import make_console
from cifarlab.displays.progress import TrainingDisplay
from cifarlab.recipes import Recipe
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

Key = tuple[int, ...]
Calls = dict[Key, tuple[Any, int]]


@dataclass
class Dispatch:
    """One call of the engine: some steps.

    Attributes:
        key: Steps, batch size and height of the images; a backend compiles once for each.
        steps: How many steps it took.
        images: How many images it learned from.
        pixels: Height of these images.
        seconds: How long it took.
    """

    key: Key
    steps: int
    images: int
    pixels: int
    seconds: float


@dataclass
class TimedTraining:
    """What one training took.

    Attributes:
        prepare_seconds: From raw arrays in memory to the first step: building the model, moving the images.
        train_seconds: From the first step to the end of the last epoch, what is compiled in between included.
        dispatches: Every call of the engine, in order.
        model: The trained model, with the weights that the run kept.
        adapt_seconds: Of `prepare_seconds`, what the model computed from the images, such as whitening.
    """

    prepare_seconds: float
    train_seconds: float
    dispatches: list[Dispatch]
    model: Any
    adapt_seconds: float = 0.0

    @property
    def images(self) -> int:
        """Images learned from, each as often as it was seen."""
        return sum(dispatch.images for dispatch in self.dispatches)

    @property
    def images_by_height(self) -> dict[int, int]:
        """The same, apart for each height in pixels."""
        found: dict[int, int] = {}
        for dispatch in self.dispatches:
            found[dispatch.pixels] = found.get(dispatch.pixels, 0) + dispatch.images
        return found

    @property
    def compile_seconds(self) -> float:
        """See `first_call_excess`."""
        return first_call_excess(self.dispatches)


@dataclass
class _Watch:
    """What happened between the start of a training and its end."""

    clock: Callable[[], float] = time.perf_counter
    model: Any = None
    trained: Mapping[int, Any] = field(default_factory=dict)
    first_step: float = 0.0
    last_epoch: float = 0.0
    paused: float = 0.0
    adapting: float = 0.0
    dispatches: list[Dispatch] = field(default_factory=list)
    calls: Calls = field(default_factory=dict)


def time_training(recipe: Recipe, splits: Splits, warm_calls: Calls | None = None) -> TimedTraining:
    """Train in a temporary run folder, and time it.

    In the time: everything that `cifarlab train` does after the data are read and until the last epoch has ended, the
    history and the checkpoints of the epochs among it. Not in it: reading the data, and the final weights and model
    written at the end.

    Args:
        recipe: What to train.
        splits: Its data, in memory.
        warm_calls: What `record_calls` returned: each of these is compiled before the clock of the training starts, on
            the training's own engine, whose state is then put back to the last bit.

    Raises:
        CifarlabError: As `cifarlab.training.train`.
    """
    timed, _ = _train(recipe, splits, warm_calls or {})
    return timed


def record_calls(recipe: Recipe, splits: Splits) -> Calls:
    """Train once untimed, on labels drawn at random, and return one call of each kind that the engine was given."""
    labels = np.random.default_rng(0).integers(len(splits.class_names), size=len(splits.train))
    fake = dataclasses.replace(splits, train=dataclasses.replace(splits.train, labels=labels.astype(np.int64)))
    _, calls = _train(recipe, fake, {})
    return calls


def first_call_excess(dispatches: list[Dispatch]) -> float:
    """Seconds that first calls of a kind took beyond what later calls took for the same steps: mostly compilation.

    Where a kind was called once only, the median of all later calls, a step, is what it is held against.
    """
    firsts: dict[Key, Dispatch] = {}
    later: dict[Key, list[float]] = {}
    for dispatch in dispatches:
        if dispatch.key in firsts:
            later.setdefault(dispatch.key, []).append(dispatch.seconds / dispatch.steps)
        else:
            firsts[dispatch.key] = dispatch
    every = [seconds for times in later.values() for seconds in times]
    if not every:
        return 0.0
    typical = statistics.median(every)
    expected = {key: statistics.median(later[key]) if key in later else typical for key in firsts}
    return sum(max(0.0, first.seconds - first.steps * expected[key]) for key, first in firsts.items())


def _train(recipe: Recipe, splits: Splits, warm_calls: Calls) -> tuple[TimedTraining, Calls]:
    from cifarlab.training import fit, tensorboard  # noqa: F401 - imported here, so that no import is timed

    watch = _Watch()
    gc.collect()  # what an earlier training left on the device
    with (
        tempfile.TemporaryDirectory(prefix="cifarlab-benchmark-") as folder,
        _data_in_memory(splits),
        _watched_engine(watch, warm_calls),
        _watched_adapt(watch, recipe),
        TrainingDisplay(make_console(stderr=True)) as display,
    ):
        began = watch.clock()
        training.train(recipe, runs_dir=folder, name="timed", show=_Clock(watch, display))
    prepare = watch.first_step - began - watch.paused
    timed = TimedTraining(prepare, watch.last_epoch - watch.first_step, watch.dispatches, watch.model, watch.adapting)
    return timed, watch.calls


@contextlib.contextmanager
def _data_in_memory(splits: Splits) -> Iterator[None]:
    """While open, loading data hands out these, at no cost."""
    with mock.patch.object(datasets, "load_data", return_value=splits):
        yield


@contextlib.contextmanager
def _watched_adapt(watch: _Watch, recipe: Recipe) -> Iterator[None]:
    """While open, what a model computes from the images before its first step is timed."""
    module = discovery.load("models", recipe.model)
    if not hasattr(module, "adapt"):
        yield
        return
    adapt = module.adapt

    def timed(*args: Any) -> None:
        began = watch.clock()
        adapt(*args)
        watch.adapting += watch.clock() - began

    with mock.patch.object(module, "adapt", timed):
        yield


@contextlib.contextmanager
def _watched_engine(watch: _Watch, warm_calls: Calls) -> Iterator[None]:
    """While open, a training's engine is built as always, warmed if asked to, and its calls are noted."""
    from cifarlab.training import fit as loop

    build = loop._engine

    def build_watched(*args: Any) -> Any:
        engine: Any = build(*args)
        watch.model, watch.trained = engine.model, engine.trained
        if warm_calls:
            began = watch.clock()
            _warm(engine, [watch.trained[max(watch.trained)], engine.optimizer], warm_calls)
            watch.paused += watch.clock() - began
        return _WatchedEngine(engine, watch)

    with mock.patch.object(loop, "_engine", build_watched):
        yield


def _warm(engine: Any, owners: list[Any], calls: Calls) -> None:
    """Make the engine compile what the calls need, and put every variable back to where it was."""
    from cifarlab.training.checkpoint import read_variables, write_variables

    variables = [*(variable for owner in owners for variable in owner.variables), *engine.random_states()]
    before = read_variables(variables)
    for indices, pixels in calls.values():
        engine.run(indices, pixels)
    engine.logits()
    engine.synchronise()
    write_variables(variables, before)


class _WatchedEngine:
    """An engine that notes what it is asked to do; all else goes to the real one."""

    def __init__(self, engine: Any, watch: _Watch) -> None:
        self._engine = engine
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, indices: Any, pixels: int) -> Any:
        """Steps of the real engine, timed; its answer is NumPy, so the device has finished them."""
        began = self._watch.clock()
        result = self._engine.run(indices, pixels)
        seconds = self._watch.clock() - began
        key = (*indices.shape, pixels)
        self._watch.dispatches.append(Dispatch(key, len(indices), int(indices.size), pixels, seconds))
        self._watch.calls.setdefault(key, (indices, pixels))
        return result


class _Clock:
    """Reads the clock at the first step and at the end of each epoch, and lets the display show the training."""

    def __init__(self, watch: _Watch, display: TrainingDisplay) -> None:
        self._watch = watch
        self._display = display

    def start(self, *args: Any) -> None:
        self._display.start(*args)
        self._watch.first_step = self._watch.clock()

    def step(self, *args: Any) -> None:
        self._display.step(*args)

    def epoch(self, *args: Any) -> None:
        self._watch.last_epoch = self._watch.clock()
        self._display.epoch(*args)

    def finish(self, *args: Any) -> None:
        self._display.finish(*args)


def check_trains_on_all(recipe: Recipe) -> None:
    """Make sure that no part of the time goes to validation.

    Raises:
        CifarlabError: If the recipe holds images out.
    """
    if recipe.validation_fraction:
        raise CifarlabError(
            f"the recipe holds out {recipe.validation_fraction:g} of the training images: a time to accuracy trains on "
            "all of them and chooses nothing; add --set validation_fraction=0"
        )
