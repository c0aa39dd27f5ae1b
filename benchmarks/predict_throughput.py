"""How many images a second a trained model classifies: cifarlab's forward, Keras's `predict`, onnxruntime.

    python benchmarks/predict_throughput.py --model runs/mlp2-seed0 --rounds 5

Ours is what `cifarlab predict` uses. All three get raw pixels as NumPy arrays and give logits as NumPy arrays, for
batches of 1, 64 and 1000, in turn, on the same cores. onnxruntime runs the ONNX file that Keras's own
`model.export` writes, in float32, whatever the run's precision; where its packages are missing, the others are
measured. Prints medians and ratios. "processor" is the processor time for an image, which what else the machine does
changes less than the rate; where onnxruntime's threads wait for each other, it counts too.
"""

import argparse
import importlib.util
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin, compare_rates, errors_in_one_line, in_turn, tell

from cifarlab.runs import Run, open_run
from cifarlab.utils import discovery
from cifarlab.utils.arrays import Array
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

BATCH_SIZES = (1, 64, 1000)
OURS, KERAS, ONNX = "cifarlab", "Keras's predict", "onnxruntime"
Classify = Callable[[Array], Array]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="RUN", help="folder of a finished run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="at least so long a measurement")
    arguments = begin(parser)
    with errors_in_one_line(), tempfile.TemporaryDirectory(prefix="cifarlab-benchmark-") as folder:
        run = open_run(arguments.model, needs_model=True)
        backend = choose_backend()
        from cifarlab.inference.prediction import input_shape, load_model

        model = load_model(run)
        shape = input_shape(model)
        images = np.random.default_rng(0).integers(0, 256, (max(BATCH_SIZES), *shape), dtype=np.uint8)
        contestants: dict[str, Classify] = {OURS: as_predict(run, model, images), KERAS: keras_predict(model)}
        if missing := missing_packages(backend):
            tell(f"onnxruntime is not measured: it needs pip install {' '.join(missing)}")
        else:
            contestants[ONNX] = onnx_session(run, model, Path(folder) / "model.onnx")
        print(f"{backend}, {arguments.model}, {run.recipe.precision}")
        check_agreement(contestants, images)
        for batch_size in BATCH_SIZES:
            report(batch_size, *measure(contestants, images[:batch_size], arguments.rounds, arguments.seconds))


def measure(
    contestants: dict[str, Classify], batch: Array, rounds: int, seconds: float
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Images a second, and processor seconds an image, of each, one number a round."""
    busy: dict[str, list[float]] = {name: [] for name in contestants}

    def rate_of(name: str, classify: Classify) -> Callable[[], float]:
        classify(batch)  # compiles
        return lambda: throughput(classify, batch, seconds, busy[name])

    return in_turn({name: rate_of(name, classify) for name, classify in contestants.items()}, rounds), busy


def throughput(classify: Classify, batch: Array, seconds: float, busy: list[float]) -> float:
    """Images a second, over as many calls as fit into the seconds; processor seconds an image are added to `busy`."""
    calls = 0
    began, used = time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - began) < seconds or not calls:
        classify(batch)
        calls += 1
    busy.append((time.process_time() - used) / (calls * len(batch)))
    return calls * len(batch) / passed if passed else math.inf


def report(batch_size: int, rates: dict[str, list[float]], busy: dict[str, list[float]]) -> None:
    print(f"batch size {batch_size}")
    for name, values in rates.items():
        milliseconds = 1e3 * batch_size / statistics.median(values)
        more = f"{milliseconds:.2f} ms a call, processor {1e3 * statistics.median(busy[name]):.3f} ms an image"
        print(compare_rates(name, rates, OURS, "images", more))


def as_predict(run: Run, model: Any, images: Array) -> Classify:
    """What `cifarlab predict` calls: onnxruntime where it answers as Keras does, else the compiled model."""
    from cifarlab.inference import quick_networks
    from cifarlab.inference.forward import compile_forward

    network = quick_networks.find(run) or quick_networks.keep(run, model, images)
    tell(f"cifarlab computes with {'Keras' if network is None else 'onnxruntime'}")
    return compile_forward(model) if network is None else network.forward


def keras_predict(model: Any) -> Classify:
    """What a Keras user calls."""
    return lambda batch: np.asarray(model.predict(batch, batch_size=len(batch), verbose=0), np.float32)


def missing_packages(backend: str) -> list[str]:
    """What Keras's export to ONNX and onnxruntime need and is not installed."""
    needed = ["onnxruntime", "onnx", *([] if backend == "torch" else ["tf2onnx"])]
    return [name for name in needed if importlib.util.find_spec(name) is None]


def export_onnx(run: Run | None, model: Any, file: Path) -> Path:
    """Write the model as ONNX, in float32, by Keras's own export.

    Args:
        run: Where the model comes from; None for the built-in one, which is float32.
        model: A `keras.Model`.
        file: To be written.

    Raises:
        CifarlabError: If it cannot be exported.
    """
    twin = model if run is None else float32_twin(run, model)
    twin(np.zeros((1, *model.input_shape[1:]), np.float32))  # Keras exports only what was called before
    try:
        twin.export(str(file), format="onnx", verbose=False)
    except Exception as error:  # whatever the exporters' parts raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CifarlabError(f"Keras cannot export the model to ONNX: {reason}") from error
    return file


def onnx_session(run: Run, model: Any, file: Path) -> Classify:
    """The model exported by Keras and loaded into onnxruntime, on the processor, with as many threads as we have cores.

    Raises:
        CifarlabError: If it cannot be exported.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it reports to Microsoft
    import onnxruntime

    export_onnx(run, model, file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: np.asarray(session.run(None, {name: batch.astype(np.float32)})[0])


def float32_twin(run: Run, model: Any) -> Any:
    """The model itself, or one of the same weights that computes in float32, which ONNX wants."""
    import keras

    if all(layer.dtype_policy.compute_dtype == "float32" for layer in model.layers):
        return model
    keras.config.set_dtype_policy("float32")
    build = discovery.load("models", run.recipe.model).build
    twin = build(model.input_shape[1:], model.output_shape[-1], **run.recipe.model_args)
    twin.set_weights(model.get_weights())
    return twin


def check_agreement(contestants: dict[str, Classify], images: Array) -> None:
    """Make sure that all compute the same, up to rounding.

    Raises:
        CifarlabError: If one names another class for more than a few images.
    """
    answers = {name: classify(images).argmax(axis=1) for name, classify in contestants.items()}
    for name, answer in answers.items():
        different = int((answer != answers[OURS]).sum())
        if different > len(images) // 20:
            raise CifarlabError(f"{name} names another class than cifarlab for {different} of {len(images)} images")


if __name__ == "__main__":
    main()
