"""This machine measured: what each way to compute reaches, each in a process of its own; seconds, and then kept.

    python -m cifarlab.training.machine_rates

A backend reads its environment once, so that each way needs a process that has not loaded it yet.
"""

import contextlib
import dataclasses
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifarlab.recipes import Recipe
from cifarlab.utils.environment import choose_backend, describe_environment, explain_precision, find_backend, versions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import from_json
from cifarlab.utils.machine import choices, kernels
from cifarlab.utils.machine.choices import ONEDNN, Choice
from cifarlab.utils.machine.processor import Processor, read_processor, usable_cores
from cifarlab.utils.machine.rates import Rates, measuring, read_rates, write_rates
from cifarlab.utils.progress import ProgressCallback, ignore

MATRIX = 2048
REPEATS = 3
PATIENCE_SECONDS = 120.0
WAIT_SECONDS = 2 * PATIENCE_SECONDS
"""How long to wait for another process that measures both ways."""
# The network of convnet94 on few images: a narrower one spends its time elsewhere, and bfloat16 would look worse.
RECIPE = Recipe(model="convnet", model_args={"whitening_pixels": 0}, batch_size=50, learning_rate=1e-3)
Ways = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Machine:
    """A machine, what is chosen for it and what was measured of it.

    Attributes:
        processor: Name, architecture, features.
        cores: How many this process may use.
        onednn_isa: What oneDNN computes with on TensorFlow; empty elsewhere.
        backend: The one in use.
        accelerators: Devices that it computes on instead of the processor.
        choices: Kernels, threads and precision, each with its reason.
        rates: What each way to compute reached.
    """

    processor: Processor
    cores: int
    onednn_isa: str
    backend: str
    accelerators: tuple[str, ...]
    choices: tuple[Choice, ...]
    rates: tuple[Rates, ...]


def describe_machine(*, again: bool = False, progress: ProgressCallback = ignore) -> Machine:
    """Measure this machine, where it was not, and say what is chosen for it.

    Args:
        again: Measure also what was measured before.
        progress: Told how far it is.

    Raises:
        CifarlabError: If no backend is installed, or its process ends with an error.
    """
    rates = measure(again=again, progress=progress)
    backend = choose_backend()
    about = describe_environment()
    made = (*kernels.chosen(backend), explain_precision())
    isa = about["kernels"].get("onednn_isa", "")
    return Machine(read_processor(), about["cores"], isa, backend, tuple(about["accelerators"]), made, rates)


def measure(ways: Ways = (), *, again: bool = False, progress: ProgressCallback = ignore) -> tuple[Rates, ...]:
    """What was measured of this machine for the backend in use; what was not is measured now.

    Of several processes that begin at once, as the workers of a search do, one measures and the others wait: measured
    side by side, each would be told half of what the machine can do.

    Args:
        ways: The environments to measure in; by default TensorFlow's with and without oneDNN.
        again: Measure also what was measured before.
        progress: Told how far it is.

    Raises:
        CifarlabError: If no backend is installed, its process ends with an error, or another process measures for too
            long.
    """
    backend = find_backend()
    ways = ways or ([{ONEDNN: "1"}, {ONEDNN: "0"}] if backend == "tensorflow" else [{}])
    found = _read(backend)
    if again or any(_words(variables) not in found for variables in ways):
        with measuring(versions(), backend, WAIT_SECONDS):
            found = _read(backend)  # by now another process may have measured it
            for number, variables in enumerate(ways):
                if again or _words(variables) not in found:
                    progress(_words(variables), number / len(ways))
                    found[_words(variables)] = _measure_apart(backend, variables)
                    write_rates(tuple(found.values()), versions(), backend)
    return tuple(found[_words(variables)] for variables in ways)


def _read(backend: str) -> dict[str, Rates]:
    return {_words(each.variables): each for each in read_rates(versions(), backend)}


def measure_what_is_open(precision: str, progress: ProgressCallback = ignore) -> None:
    """Before a training: measure what the processor's features leave open, once a machine; then load the backend.

    Where it cannot be measured, the backend's own defaults and float32 stay.

    Args:
        precision: The recipe's; `"auto"` may have to be measured too.
        progress: Told what is being measured, if anything is.
    """
    backend = find_backend()
    with contextlib.suppress(CifarlabError):
        if backend not in sys.modules:  # later it would change nothing
            given = kernels.asked(os.environ)
            if choices.is_open(choices.choose(backend, read_processor(), usable_cores(), given)):
                measure(progress=progress)
        choose_backend()
        if precision == "auto" and explain_precision().how == choices.OPEN:
            variables = kernels.in_force(backend)
            measure([{name: variables[name] for name in (ONEDNN,) if name in variables}], progress=progress)
    choose_backend()


def _words(variables: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in variables.items()) or "matrix products and convolutions"


def _measure_apart(backend: str, variables: Mapping[str, str]) -> Rates:
    environment = {**os.environ, **variables, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
        found = json.loads(done.stdout.splitlines()[-1])
        rates: Rates = from_json(Rates, {**found, "variables": dict(variables)})
    except subprocess.TimeoutExpired as error:
        raise CifarlabError(f"this machine cannot be measured: {backend} took over {PATIENCE_SECONDS:g} s") from error
    except (IndexError, TypeError, ValueError) as error:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CifarlabError(f"this machine cannot be measured with {backend}: {reason}") from error
    return rates


def main() -> None:
    """In a process of its own: measure what the environment says, and print it as JSON."""
    backend = choose_backend()
    # Without oneDNN TensorFlow's convolutions in bfloat16 take a minute, and XLA's on a processor in any precision.
    is_slow = backend == "jax" and not describe_environment()["accelerators"]
    precisions = ("float32",) if os.environ.get(ONEDNN) == "0" else ("float32", "bfloat16")
    matrix = {precision: _best(_product(precision), 2.0 * MATRIX**3) for precision in precisions}
    convolution = {} if is_slow else {precision: _convolution_rate(precision) for precision in precisions}
    sys.__stdout__.write(json.dumps({"matrix": matrix, "convolution": convolution}) + "\n")  # type: ignore[union-attr]


def _convolution_rate(precision: str) -> float:
    from cifarlab.training.step_rate import prepare_steps

    take = prepare_steps(dataclasses.replace(RECIPE, precision=precision))
    return max(take(2) for _ in range(REPEATS))


def _product(precision: str) -> Callable[[], Any]:
    """One number of a matrix times itself, so that the whole product is made and next to nothing copied back."""
    import keras

    matrix = keras.ops.cast(keras.random.normal((MATRIX, MATRIX), dtype="float32"), precision)
    return lambda: float(keras.ops.cast(keras.ops.matmul(matrix, matrix)[0, 0], "float32"))


def _best(action: Callable[[], Any], work: float) -> float:
    action()
    best = math.inf
    for _ in range(REPEATS):
        began = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - began)
    return work / best


if __name__ == "__main__":
    main()
