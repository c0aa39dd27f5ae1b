"""A network in ONNX, run by onnxruntime on the processor: what answers without loading Keras."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.forward import Forward
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels

NAME = "onnxruntime"


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A network that onnxruntime computes, with the shapes as a `keras.Model` names them.

    Attributes:
        input_shape: `(None, H, W, C)`.
        output_shape: `(None, K)`.
        forward: `(B, H, W, C)` uint8 to `(B, K)` float32, for any number B.
    """

    input_shape: tuple[int | None, ...]
    output_shape: tuple[int | None, ...]
    forward: Forward


def is_installed() -> bool:
    """Whether there is an onnxruntime."""
    return importlib.util.find_spec(NAME) is not None


def open_network(exported: bytes, threads: int, weights: Mapping[str, Array] | None = None) -> OnnxNetwork:
    """Load a network into onnxruntime.

    Args:
        exported: An ONNX model of one input and one output.
        threads: How many may compute.
        weights: float32 arrays for the initializers that are external data in the model, by their names.

    Raises:
        Exception: Whatever onnxruntime raises for a model that is damaged or that it cannot run.
    """
    session = open_session(exported, threads, weights)
    (taken,), (given,) = session.get_inputs(), session.get_outputs()

    def forward(images: Pixels) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {taken.name: images.astype(np.float32)})[0], np.float32)

    return OnnxNetwork(_shape(taken.shape), _shape(given.shape), forward)


def open_session(exported: bytes, threads: int, weights: Mapping[str, Array] | None = None) -> Any:
    """The `onnxruntime.InferenceSession` of a model of any inputs and outputs; arguments as of `open_network`."""
    # Official builds report to Microsoft unless told otherwise before they are loaded; nothing leaves this machine.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what is wrong is raised too
    # Threads that wait for work leave their cores to others: a picture at a time takes a quarter less of the processor.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Named here: onnxruntime reads their memory until it has made the session, and counts no references.
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (weights or {}).values()]
    if weights:
        options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])


def _shape(dimensions: list[object]) -> tuple[int | None, ...]:
    """None for lengths that may vary, for which onnxruntime has names."""
    return tuple(length if isinstance(length, int) else None for length in dimensions)
