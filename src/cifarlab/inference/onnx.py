"""A Keras network as ONNX, and what computes a served network's logits: onnxruntime where it can, else Keras.

A server's batches are small, and small batches take onnxruntime a fraction of TensorFlow's time
(`benchmarks/predict_throughput.py`). It takes over only where nobody can tell by the answers.
"""

import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cifarlab.inference import forward as inference_forward
from cifarlab.inference import onnx_session
from cifarlab.inference.call_bounds import pictures_at_once
from cifarlab.inference.forward import Forward
from cifarlab.inference.onnx_session import OnnxNetwork, open_network
from cifarlab.utils.environment import choose_backend, describe_environment
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.utils.machine.processor import usable_cores
from cifarlab.utils.silence import silenced, without_chatter
from cifarlab.utils.temporary import temporary_folder

ONNXRUNTIME = onnx_session.NAME
TOLERANCE = 1e-3
"""By how much a probability may differ from Keras's own; what rounding makes is a thousandth of it."""
LOGITS_TOLERANCE = 1e-4
"""By how much a logit may, where `predict` is answered without Keras; what rounding makes is a tenth of it."""

_NEEDED = ("onnx", "onnxruntime", "tf2onnx")
_MOST_AT_ONCE = 256  # pictures that `predict` gives to onnxruntime
_MOST_COMPARED = 58  # 64 with those that are made up
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Engine:
    """A network's forward function, and what computes it.

    Attributes:
        name: `"onnxruntime"`, or Keras's backend.
        forward: `(B, H, W, C)` uint8 to `(B, K)` float32.
        takes_any_number: Of pictures at once; else every new number is compiled first, which takes seconds.
    """

    name: str
    forward: Forward
    takes_any_number: bool


def choose_engine(model: str, network: Any) -> Engine:
    """onnxruntime, checked against Keras, or Keras.

    Keras computes where onnxruntime or what it needs is not installed, on another backend than TensorFlow, on an
    accelerator, and for networks that compute in bfloat16: onnxruntime would compute them in float32, and the digits
    would be others than those of `cifarlab predict`. It also does where the network cannot be exported or answers
    otherwise than before, which is said in one line of the log.

    Args:
        model: Its name, for the log.
        network: A `keras.Model`: `(B, H, W, C)` raw pixels in, `(B, K)` logits out.
    """
    plain = Engine(choose_backend(), inference_forward.compile_forward(network), takes_any_number=False)
    if not can_export(network) or describe_environment()["accelerators"]:
        return plain
    try:
        pictures = _sample(network)
        expected = plain.forward(pictures)
        forward = open_network(export(network), usable_cores()).forward
        _check_agreement(forward, pictures, expected)
    except Exception as error:  # noqa: BLE001 - whatever the exporter's parts raise, Keras answers as well
        _log.warning("the model %s is served by Keras instead of onnxruntime: %s", model, first_line(error))
        return plain
    return Engine(ONNXRUNTIME, forward, takes_any_number=True)


def can_export(network: Any) -> bool:
    """Whether what is needed is installed, TensorFlow is the backend, and the network computes in float32.

    One that takes much memory is left to Keras, which is given as many pictures at once as fit.
    """
    is_possible = choose_backend() == "tensorflow" and _are_installed() and _is_float32(network)
    return is_possible and pictures_at_once(network) >= _MOST_AT_ONCE


def export(network: Any) -> bytes:
    """The network as ONNX, for any number of pictures at once; on the disk only while Keras writes it.

    Raises:
        Exception: Whatever Keras, tf2onnx or ONNX raise for what they cannot convert.
    """
    # Keras exports only what has been called.
    network(np.zeros((1, *network.input_shape[1:]), np.float32), training=False)
    with temporary_folder() as folder, silenced(), without_chatter():
        file = folder / "model.onnx"
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what it could not convert, onnxruntime says too
        network.export(str(file), format="onnx", verbose=False)
        return _without_erfc(file.read_bytes())


def check_is_the_same(exported: OnnxNetwork, network: Any, pictures: Pixels) -> None:
    """Refuse an exported network that names another class than Keras, or whose logits are not Keras's.

    Args:
        exported: In onnxruntime.
        network: The `keras.Model` that it was exported from.
        pictures: `(N, H, W, C)` uint8, real ones; some that are made up are added.

    Raises:
        CifarlabError: If one of them is answered otherwise, alone or together with the others.
    """
    seen = np.concatenate([_sample(network), pictures[:_MOST_COMPARED]])
    expected = inference_forward.compile_forward(network)(seen)
    for actual, wanted in ((exported.forward(seen), expected), (exported.forward(seen[-1:]), expected[-1:])):
        if actual.shape != wanted.shape or (actual.argmax(axis=1) != wanted.argmax(axis=1)).any():
            raise CifarlabError("it names other classes than Keras")
        if not np.allclose(actual, wanted, 0, LOGITS_TOLERANCE):  # NaN differs too: Keras says what is wrong then
            most = np.abs(actual - wanted).max()
            limit = f"expected at most {LOGITS_TOLERANCE:g}"
            raise CifarlabError(f"its logits differ from Keras's by up to {most:.2g}: {limit}")


def first_line(error: BaseException) -> str:
    """What an exporter says, without the many lines that follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _are_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def _is_float32(layer: Any) -> bool:
    """Whether a layer, or every layer of a network, computes in float32."""
    inner = getattr(layer, "layers", None)
    return all(map(_is_float32, inner)) if inner else layer.dtype_policy.compute_dtype == "float32"


def _without_erfc(exported: bytes) -> bytes:
    """The same network with `1 - Erf` for `Erfc`, which is in Keras's exact GELU and which ONNX does not know."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(exported)
    nodes: list[Any] = []
    # In their order, which ONNX wants to be that of the computation: each pair stands where the `Erfc` stood.
    for node in model.graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        one, erf = f"{node.output[0]}_one", f"{node.output[0]}_erf"
        model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), one))
        nodes.append(helper.make_node("Erf", node.input, [erf]))
        nodes.append(helper.make_node("Sub", [one, erf], node.output))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    serialised: bytes = model.SerializeToString()
    return serialised


def _sample(network: Any) -> Pixels:
    """`(6, H, W, C)`: pictures that are blank, of noise, and of large patches, always the same."""
    rng = np.random.default_rng(0)
    height, width, channels = shape = tuple(map(int, network.input_shape[1:]))
    patches = rng.integers(0, 256, (3, 4, 4, channels), dtype=np.uint8)
    large = patches[:, np.arange(height)[:, None] * 4 // height, np.arange(width) * 4 // width]  # (3, H, W, C)
    noise = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    return np.concatenate([np.zeros((1, *shape), np.uint8), noise, large])


def _check_agreement(forward: Forward, pictures: Pixels, expected: NDArray[np.float32]) -> None:
    """Refuse probabilities that are not Keras's, of all pictures at once or of one alone."""
    # One alone too: a network that was exported with a fixed number of pictures would fail at another.
    actual = softmax(np.concatenate([forward(pictures), forward(pictures[:1])]), axis=1)  # (7, K)
    reference = softmax(np.concatenate([expected, expected[:1]]), axis=1)
    # A network that gives NaN gives it on both sides; who asks it is told so.
    if actual.shape != reference.shape or not np.allclose(actual, reference, 0, TOLERANCE, equal_nan=True):
        most = np.abs(actual - reference).max() if actual.shape == reference.shape else 1.0
        raise CifarlabError(f"its probabilities differ by up to {most:.2g}: expected at most {TOLERANCE:g}")
