"""What the parts of `faults.py` share: a training small enough to be done hundreds of times, and what it leaves."""

import contextlib
import ctypes
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab import Recipe, training
from cifarlab.datasets import Splits, load_data
from cifarlab.runs import Run, open_run, training_dynamics
from cifarlab.training import checkpoint_manager
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.utils import files, model_files
from cifarlab.utils.errors import CifarlabError

NAME = "run"
# What a clock measured is another number each time.
MEASURED = ("epoch_seconds", "images_per_second")


TELL_SECONDS = 60.0


@dataclass
class Count:
    """How often something was tried, and what went wrong; `notes` say what happened to the tries that went well."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def add(self, problem: str, note: str) -> None:
        """Take one try."""
        self.tried += 1
        if problem:
            self.wrong.append(problem)
            print(f"  {problem}", flush=True)
        self.notes[note] = self.notes.get(note, 0) + 1

    def __str__(self) -> str:
        notes = ", ".join(f"{number} {note}" for note, number in sorted(self.notes.items()))
        return f"{self.tried} tried, {self.tried - len(self.wrong)} survived ({notes})"


def counted_tries(name: str, tries: Iterable[Callable[[], tuple[str, str]]]) -> Count:
    """Try one after another, and tell how it went: once a minute, and at the end, also where that is an interrupt.

    Args:
        name: What is tried.
        tries: Each answers what went wrong, and a note.
    """
    count, began, told = Count(), time.monotonic(), time.monotonic()
    try:
        for attempt in tries:
            count.add(*attempt())
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                print(f"{name}, so far: {count}", flush=True)
    finally:
        print(f"{name}: {count}, {time.monotonic() - began:.0f} s", flush=True)
    return count


@dataclass(frozen=True)
class Subject:
    """A recipe with its data."""

    recipe: Recipe
    splits: Splits

    def train(self, runs_dir: Path) -> Run:
        """A whole training, in a new run."""
        return training.train(self.recipe, runs_dir=runs_dir, name=NAME, **self._how)

    def go_on(self, run: Path) -> Run:
        """The rest of a training."""
        return training.resume(run, **self._how)

    @property
    def _how(self) -> dict[str, Any]:
        # Up to its last epoch: a training that is told so draws no pictures for TensorBoard, which would take longest.
        return {"splits": self.splits, "show": False, "until": self.recipe.epochs}


def small_subject() -> Subject:
    """A dense network on the digits: a second for a whole training."""
    recipe = Recipe(
        model="mlp", model_args={"widths": (8,), "dropout": 0.1}, data="digits", epochs=3, batch_size=400, seed=1
    )
    return Subject(recipe, load_data("digits", **recipe.held_out))


def cifar_subject(name: str, epochs: int, images: int, **changes: Any) -> Subject:
    """A recipe of the package on the first images of the real CIFAR-10."""
    from dataclasses import replace

    from cifarlab import load_recipe

    recipe = replace(load_recipe(name), epochs=epochs, batch_size=images // 5, warmup_epochs=1, **changes)
    splits = load_data("cifar10", **recipe.held_out)
    few = replace(
        splits, train=splits.train.take(np.arange(images)), validation=splits.validation.take(np.arange(images // 5))
    )
    return Subject(recipe, few)


def convnet_subject() -> Subject:
    """A convolutional network, small, with everything that one is trained with here."""
    small = {"model_args": {"widths": (8, 16, 16)}, "image_pixels": (24, 28), "validation_fraction": 0.1}
    return cifar_subject("convnet94", 4, 1000, precision="float32", **small)


def write_every_epoch() -> None:
    """From now on a checkpoint is written after each epoch, and not every ten seconds: more moments to be hit at."""
    checkpoint_manager.CHECKPOINT_SECONDS, checkpoint_manager.FREE_SECONDS = 0.0, 1e9


def content(run: Run) -> str:
    """A checksum of all that a finished training leaves, but for times."""
    state, dynamics = load_checkpoint(run), training_dynamics.load(run)
    assert dynamics is not None
    history = [{key: value for key, value in row.items() if key not in MEASURED} for row in run.history()]
    arrays = [*state.values, *state.best]
    for curves in (dynamics.train, dynamics.validation):
        arrays += [curves.ids, curves.losses, curves.correct]
    arrays += _stored(model_files.weights_of(run.model_file.read_bytes())) + _stored(run.last_weights_file.read_bytes())
    said = [run.state["state"], state.best_epoch, history]
    everything = [*said, *((array.shape, array.tobytes()) for array in arrays)]
    return hashlib.sha256(repr(everything).encode()).hexdigest()


def _stored(weights: bytes) -> list[Any]:
    """All arrays of a file of weights, by their path in it; layers have other names in every model of a process."""
    import h5py

    arrays: list[Any] = []
    with h5py.File(io.BytesIO(weights), "r") as file:
        file.visititems(lambda _, each: arrays.append(np.array(each)) if isinstance(each, h5py.Dataset) else None)
    return arrays


def check_whole(run: Run) -> str:
    """What is wrong with a run's folder: a file that is there must be whole, whatever happened; nothing if all is."""
    import h5py
    import keras

    try:
        if run.state_file.is_file():
            _ = run.state
        if run.recipe_file.is_file():
            _ = run.recipe, run.history(), run.looks()
        for file in (run.data_file, run.environment_file):
            if file.is_file():
                files.read_json(file)
        for file in (run.checkpoint_file, run.earlier_checkpoint_file):
            if file.is_file():
                told: list[str] = []
                load_checkpoint(run, told.append)
                if told:
                    return told[0]
        if run.model_file.is_file():
            keras.saving.load_model(run.model_file)
        if run.last_weights_file.is_file():
            h5py.File(run.last_weights_file, "r").close()
        training_dynamics.load(run)
    except (CifarlabError, OSError, ValueError) as error:
        return f"torn: {error}"
    left = [path.name for path in run.path.rglob("*partial*")] if run.path.is_dir() else []
    return f"left behind: {', '.join(left)}" if left else ""


def in_one_line(work: Callable[[], object]) -> tuple[str, str]:
    """Do something: what went wrong beside a `CifarlabError`, and that one's line."""
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            work()
    except CifarlabError as error:
        return "", str(error)
    except BaseException:  # noqa: BLE001 - whatever else it is must be told
        return traceback.format_exc(limit=-3), ""
    return ("a traceback on standard error", "") if "Traceback" in said.getvalue() else ("", "")


def run_apart(work: Callable[[], object], log: Path, kill_after: float | None = None) -> int | None:
    """Do something in a process of its own, made by `fork`, and wait; its exit code, None where it was killed.

    Args:
        work: What; the exit code is 0, or what it returns.
        log: Where its output goes.
        kill_after: Seconds until SIGKILL, if it has not ended before.
    """
    process = begin_apart(work, log)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(process, signal.SIGKILL)
    return end_apart(process)


def answer_apart(work: Callable[[], Any], log: Path) -> Any:
    """Do something in a process of its own, so that what it takes of memory is given back.

    Args:
        work: What; its answer is a JSON value.
        log: Where its output goes.

    Returns:
        The answer; None if it gave none.
    """
    answer = log.with_suffix(".answer")
    answer.unlink(missing_ok=True)
    run_apart(lambda: answer.write_text(json.dumps(work())) and 0, log)
    return json.loads(answer.read_text()) if answer.is_file() else None


def begin_apart(work: Callable[[], object], log: Path) -> int:
    """The number of a new process that does something."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        with log.open("ab", buffering=0) as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        code = int(work() or 0)  # type: ignore[call-overload]
    except BaseException:  # noqa: BLE001 - it must not go on in the copy of what called
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end_apart(process: int) -> int | None:
    """Wait for it; its exit code, None where it was killed."""
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    except BaseException:  # an interrupt: it must not go on alone
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise
    return None if code < 0 else code


@contextlib.contextmanager
def fresh(scratch: Path) -> Iterator[Path]:
    """An empty folder, removed afterwards."""
    folder = scratch / f"try{time.monotonic_ns()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


class Shim:
    """The library of `faults_shim.c`, which this process was started with."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)

    def watch(self, folder: Path) -> None:
        """Count what is done under a folder from now on; nothing fails yet."""
        self._library.faults_under(os.fsencode(folder.resolve()))

    def stop(self) -> None:
        """Let all be as it is."""
        self._library.faults_under(b"")
        self._library.faults_record(None)

    def fail(self, nth: int, error: int, is_short: bool = False) -> None:
        """Let the nth operation from now on fail, or be cut short and the next one fail."""
        self._library.faults_arm(ctypes.c_long(nth), error, int(is_short))

    def record(self, file: Path) -> None:
        """Write down all that is done under the folder."""
        self._library.faults_record(os.fsencode(file))

    @property
    def count(self) -> int:
        """How much has been done."""
        return int(self._library.faults_count())


def open_there(folder: Path) -> Run | None:
    """The run in a folder, if there is one that can be opened."""
    try:
        return open_run(folder / NAME)
    except CifarlabError:
        return None
