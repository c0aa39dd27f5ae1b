"""What the benchmarks share: the machine's matrix rate, memory, turns, intervals, and one line for an error."""

import argparse
import contextlib
import math
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scipy import special

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine.processor import onednn_isa, read_processor, usable_cores
from cifarlab.utils.text import counted

PROCESSOR_MATRIX = 3072
ACCELERATOR_MATRIX = 16384
"""On an accelerator a product of 3072 x 3072 is over before the next is asked for, and shows the asking."""


def describe_machine() -> str:
    """The processor, its features for matrix arithmetic, cores and load."""
    processor, cores = read_processor(), usable_cores()
    features = " ".join(processor.features) or "features unknown"
    isa = onednn_isa(processor, os.environ)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{processor.name} ({features}{f'; oneDNN: {isa}' if isa else ''}), {counted(cores, 'core')}{load}"


def begin(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read a benchmark's words, and print the machine that it is about to measure: its first line."""
    arguments = parser.parse_args()
    print(describe_machine(), flush=True)
    return arguments


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float | None, float | None]:
    """The mean accuracy of independent runs, and the limits of Student's t interval around it, cut at 0 and 1.

    Args:
        values: One accuracy in `[0, 1]` a run, at least one.
        confidence: Share of such intervals that hold the true mean.

    Returns:
        Mean, lower and upper limit; the limits are None where there is one run only.
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    error = statistics.stdev(values) / math.sqrt(len(values))
    half = float(special.stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(ours: Sequence[float], peers: Sequence[float]) -> dict[str, float]:
    """Ratio of the medians, with the smallest and largest ratio of one round.

    Args:
        ours: One number a round.
        peers: The peer's number of the same round.
    """
    each = [own / peer for own, peer in zip(ours, peers, strict=True)]
    return {"ratio": statistics.median(ours) / statistics.median(peers), "min": min(each), "max": max(each)}


def compare_rates(name: str, rates: Mapping[str, Sequence[float]], ours: str, unit: str, more: str) -> str:
    """A contestant's line: the median of its rates and their range, more about it, and ours against a peer's.

    Args:
        name: Whose line it is.
        rates: Of each contestant, one number a round.
        ours: Which of them is cifarlab.
        unit: What is counted a second.
        more: What else was measured of it.
    """
    values = rates[name]
    line = f"  {name:32s}{statistics.median(values):10,.0f} {unit}/s ({min(values):,.0f} to {max(values):,.0f}), {more}"
    if name == ours:
        return line
    found = ratios(rates[ours], values)
    return f"{line}; cifarlab {found['ratio']:.2f} times as many ({found['min']:.2f} to {found['max']:.2f})"


def in_turn(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let each contestant measure itself once a round, A B A B, so that a slow minute hits all of them.

    Returns:
        What each returned, one number a round.
    """
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, contestant in contestants.items():
            tell(f"round {number + 1}/{rounds}: {name}")
            results[name].append(contestant())
    return results


def matrix_rate(dtype: str = "float32") -> float:
    """Best of ten products of two square matrices on the backend's device, in floating-point operations a second."""
    import keras

    size = ACCELERATOR_MATRIX if has_accelerator() else PROCESSOR_MATRIX
    matrix = keras.ops.cast(keras.random.normal((size, size), dtype="float32"), dtype)
    product = _compiled_corner(matrix)
    best = math.inf
    for _ in range(10):
        began = time.perf_counter()
        float(keras.ops.cast(product(), "float32"))
        best = min(best, time.perf_counter() - began)
    return 2.0 * size**3 / best


def _compiled_corner(matrix: Any) -> Callable[[], Any]:
    """One number of the matrix times itself, so that the whole product is made and next to nothing copied back."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled: Callable[[], Any] = tf.function(lambda: tf.matmul(matrix, matrix)[0, 0])
        return compiled
    return lambda: keras.ops.matmul(matrix, matrix)[0, 0]


def operations_per_image(model: Any, pixels: int) -> int:
    """Floating-point operations to learn once from an image of that height."""
    from _operations import count_operations

    height, width, channels = model.input_shape[1:]
    counted = count_operations(model, (pixels, round(pixels * width / height), channels))
    if counted.not_counted:
        tell(f"not in the operations: {', '.join(counted.not_counted)}")
    return counted.training_flops


def has_accelerator() -> bool:
    """Whether Keras's backend sees a device that is not the processor."""
    import keras

    return any(not name.lower().startswith("cpu") for name in keras.distribution.list_devices())


def peak_memory() -> tuple[float, str]:
    """The most bytes held so far, and of what memory: the device's where JAX tells it, else the process's."""
    import keras

    if keras.backend.backend() == "jax" and has_accelerator():
        import jax

        return float((jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", math.nan)), "device"
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most * (1 if sys.platform == "darwin" else 1024)), "process"


def tell(line: str) -> None:
    """Say on standard error how far the measurement is."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the program with the one line of a `CifarlabError`, without its traceback."""
    try:
        yield
    except CifarlabError as error:
        sys.exit(f"error: {error}")
