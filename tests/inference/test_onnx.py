"""onnxruntime says what Keras says, and Keras computes wherever onnxruntime cannot or may not."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from cifarlab.inference import onnx, prediction
from cifarlab.inference.onnx import ONNXRUNTIME, choose_engine
from cifarlab.utils import discovery
from cifarlab.utils.environment import choose_backend

SHAPE = (16, 16, 3)
SMALL: dict[str, dict[str, Any]] = {
    "bottleneck_mlp": {"width": 16},
    "convnet": {"widths": (8, 16)},
    "resnet18": {"widths": (4, 8, 16, 32)},
}

needs_onnxruntime = pytest.mark.skipif(
    not onnx._are_installed(), reason="onnx, onnxruntime or tf2onnx is not installed"
)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def build(name: str = "mlp", shape: tuple[int, int, int] = SHAPE, **arguments: Any) -> Any:
    """A network whose every weight is random, so that nothing cancels out."""
    network = discovery.load("models", name).build(shape, 4, **arguments)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        weights = []
        for variable in layer.weights:
            if len(variable.shape) > 1:
                weights.append(rng.normal(0, np.prod(variable.shape[:-1]) ** -0.5, variable.shape))
            else:  # biases, gains, means and variances
                weights.append(rng.uniform(0.5, 1.5, variable.shape))
        layer.set_weights(weights)
    return network


def shuffled() -> Any:
    from cifarlab.models.layers.shuffle_pixels import shuffle_inputs

    return shuffle_inputs(build())


NETWORKS: dict[str, Callable[[], Any]] = {
    **{name: (lambda name=name: build(name, **SMALL.get(name, {}))) for name in discovery.names("models")},
    "bottleneck_mlp with batch normalisation": lambda: build("bottleneck_mlp", width=16, norm="batch", drop_path=0.2),
    "grey": lambda: build(shape=(8, 8, 1)),
    "dropout and SiLU": lambda: build(dropout=0.5, input_dropout=0.1, activation="silu"),
    "shuffled pixels": shuffled,
}


@needs_onnxruntime
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS.keys())
def test_onnxruntime_says_what_keras_says(make, caplog):
    network = make()
    chosen = choose_engine("any", network)
    assert caplog.messages == []
    assert (chosen.name, chosen.takes_any_number) == (ONNXRUNTIME, True)
    images = np.random.default_rng(1).integers(0, 256, (7, *network.input_shape[1:]), dtype=np.uint8)
    expected = prediction.compute_logits(network, images)
    assert np.ptp(softmax(expected, axis=1), axis=0).max() > 1e-3  # the pictures are told apart
    for count in (1, 2, 7):  # any number, without a word beforehand
        logits = chosen.forward(images[:count])
        assert logits.dtype == np.float32
        np.testing.assert_allclose(softmax(logits, axis=1), softmax(expected[:count], axis=1), atol=1e-5)


@needs_onnxruntime
def test_nothing_stays_on_the_disk(temporary):
    assert choose_engine("any", build()).name == ONNXRUNTIME
    assert list(temporary.iterdir()) == []


def test_where_it_cannot_be_exported_keras_computes(temporary, monkeypatch, caplog):
    def break_down(file: str, **_: Any) -> None:
        Path(file).write_bytes(b"half of it")
        raise RuntimeError("no such operation: Fancy\nand much more about it")

    monkeypatch.setattr(onnx, "_NEEDED", ())
    network = build()
    monkeypatch.setattr(network, "export", break_down)
    check_is_keras(choose_engine("mine", network), network)
    reason = "no such operation: Fancy"
    assert caplog.messages == [f"the model mine is served by Keras instead of onnxruntime: {reason}"]
    assert list(temporary.iterdir()) == []


@needs_onnxruntime
def test_where_it_answers_otherwise_keras_computes(monkeypatch, caplog):
    other = onnx.export(called(build("mlp", widths=(4,))))
    monkeypatch.setattr(onnx, "export", lambda network: other)
    network = build()
    check_is_keras(choose_engine("mine", network), network)
    assert len(caplog.messages) == 1
    assert "its probabilities differ by up to 0." in caplog.text


@needs_onnxruntime
def test_where_it_gives_another_number_of_classes_keras_computes(monkeypatch, caplog):
    other = onnx.export(called(discovery.load("models", "mlp").build(SHAPE, 5)))
    monkeypatch.setattr(onnx, "export", lambda network: other)
    network = build()
    check_is_keras(choose_engine("mine", network), network)
    assert "differ" in caplog.text


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime", "tf2onnx"])
def test_where_a_package_is_missing_keras_computes_without_a_word(monkeypatch, caplog, missing):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name, *rest))
    network = build()
    check_is_keras(choose_engine("mine", network), network)
    assert caplog.messages == []


def test_what_computes_in_bfloat16_stays_with_keras(caplog):
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build()
    finally:
        keras.config.set_dtype_policy(before)
    check_is_keras(choose_engine("mine", network), network)
    nested = keras.Sequential([keras.Input(SHAPE), network])
    check_is_keras(choose_engine("mine", nested), network)
    assert caplog.messages == []


def test_on_another_backend_keras_computes(monkeypatch, caplog):
    network = build()
    expected = prediction.compute_logits(network, np.zeros((1, *SHAPE), np.uint8))
    monkeypatch.setattr(onnx, "choose_backend", lambda: "jax")
    chosen = choose_engine("mine", network)
    assert (chosen.name, chosen.takes_any_number) == ("jax", False)
    np.testing.assert_array_equal(chosen.forward(np.zeros((1, *SHAPE), np.uint8)), expected)
    assert caplog.messages == []


def test_on_an_accelerator_keras_computes(monkeypatch, caplog):
    monkeypatch.setattr(onnx, "describe_environment", lambda: {"accelerators": ["gpu:0"]})
    network = build()
    check_is_keras(choose_engine("mine", network), network)
    assert caplog.messages == []


@needs_onnxruntime
def test_what_gives_nan_goes_on_giving_nan():
    network = build()
    network.layers[-1].set_weights([np.full((128, 4), np.nan), np.zeros(4)])
    chosen = choose_engine("mine", network)
    assert np.isnan(chosen.forward(np.zeros((1, *SHAPE), np.uint8))).all()


@needs_onnxruntime
def test_onnxruntime_reports_to_nobody(tmp_path):
    """Its telemetry, where it is on, first writes what it knows this machine by, and then connects."""
    program = """
import onnx
from onnx import TensorProto, helper
import numpy as np
from cifarlab.inference.onnx_session import open_network
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "ab"]
graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "any", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
network = open_network(model.SerializeToString(), 1)
print(network.forward(np.ones((1, 2))), network.input_shape)
"""
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment | places, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[[1. 1.]] (None, 2)\n", done.stderr
    written = [str(path) for path in tmp_path.rglob("*") if "Microsoft" in path.parts or path.name == ".ses"]
    assert written == []


def check_is_keras(chosen: onnx.Engine, network: Any) -> None:
    """Keras's backend computes, and the very same."""
    assert (chosen.name, chosen.takes_any_number) == (choose_backend(), False)
    images = np.random.default_rng(1).integers(0, 256, (2, *SHAPE), dtype=np.uint8)
    np.testing.assert_array_equal(chosen.forward(images), prediction.compute_logits(network, images))


def called(network: Any) -> Any:
    network(np.zeros((1, *network.input_shape[1:]), np.float32))
    return network
