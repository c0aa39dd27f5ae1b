"""The built-in model's network for onnxruntime, made of the same weights and compared with Keras.

Its weights are not in it: they are inputs where it is exported, and then external data, which `weights.npz` holds.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.datasets import load_data
from cifarlab.inference.forward import apply_in_batches
from cifarlab.inference.onnx import LOGITS_TOLERANCE
from cifarlab.inference.onnx_session import open_network
from cifarlab.inference.prediction import compute_logits
from cifarlab.models.pretrained import builtin
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine.processor import usable_cores

OPSET = 15


def write_network(folder: Path, data_dir: str | None) -> str:
    """Write `network.onnx` for the weights in `folder`, and its checksum into their card; what was found, in words.

    Raises:
        CifarlabError: If one test image is answered otherwise than by Keras.
    """
    card, model = builtin.read_card(folder), builtin.load_model(folder)
    exported = export_network(model)
    weights = {builtin.weight_name(place): array for place, array in enumerate(model.get_weights())}
    network = open_network(exported, usable_cores(), weights)
    images = load_data(card["data"]["name"], data_dir=data_dir).test.images
    expected, actual = compute_logits(model, images), apply_in_batches(network.forward, images, 1000)
    others, most = int((expected.argmax(1) != actual.argmax(1)).sum()), float(np.abs(expected - actual).max())
    told = f"{len(images):,} test images, {others:,} of another class than Keras's, logits within {most:.1g}"
    if others or not most <= LOGITS_TOLERANCE:
        raise CifarlabError(f"the exported network answers otherwise: {told}")
    files.write_bytes(folder / builtin.NETWORK, exported)
    sizes = {**card["sizes"], "network_sha256": hashlib.sha256(exported).hexdigest()}
    files.write_json(folder / "card.json", {**card, "sizes": sizes})
    return f"{folder / builtin.NETWORK}: {len(exported):,} bytes; {told}"


def export_network(model: Any) -> bytes:
    """What a `keras.Model` computes as ONNX, its weights left outside, named by their places."""
    choose_backend()
    import onnx
    import tensorflow as tf
    import tf2onnx

    places = {id(variable): place for place, variable in enumerate(model.weights)}
    names = [builtin.weight_name(place) for place in places.values()]

    def forward(pixels: Any, *arrays: Any) -> Any:
        def given(variables: list[Any]) -> list[Any]:  # random states are no weights
            return [arrays[places[id(each)]] if id(each) in places else each.value for each in variables]

        trainable, other = given(model.trainable_variables), given(model.non_trainable_variables)
        return tf.identity(model.stateless_call(trainable, other, pixels, training=False)[0], "logits")

    # As inputs, the weights are folded into nothing.
    inputs = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, "pixels")]
    inputs += [tf.TensorSpec(each.shape, tf.float32, name) for each, name in zip(model.weights, names, strict=True)]
    traced = tf.function(forward, input_signature=inputs, autograph=False)
    exported, _ = tf2onnx.convert.from_function(traced, input_signature=inputs, opset=OPSET)
    put_in_order(exported.graph)
    taken = {each.name: each for each in exported.graph.input}
    del exported.graph.input[:]
    exported.graph.input.append(taken["pixels"])
    for name in names:
        tensor = exported.graph.initializer.add(name=name, data_type=onnx.TensorProto.FLOAT)
        tensor.dims.extend(length.dim_value for length in taken[name].type.tensor_type.shape.dim)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights.npz")
    serialised: bytes = exported.SerializeToString(deterministic=True)
    return serialised


def put_in_order(graph: Any) -> None:
    """Nodes in the order in which the output asks for them, and values named by it: tf2onnx's own order is chance."""
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[Any] = []
    used: list[Any] = []
    names = {each.name: each.name for each in (*graph.input, *graph.output)}

    def visit(name: str) -> None:
        if name in constants and name not in names:
            names[name] = f"constant{len(used)}"
            used.append(constants[name])
        if name in made_by and (node := made_by.pop(name)):
            for each in node.input:
                visit(each)
            for each in node.output:
                made_by.pop(each, None)
                names.setdefault(each, f"value{len(names)}")
            nodes.append(node)

    for output in graph.output:
        visit(output.name)
    for node in nodes:
        node.input[:], node.output[:] = [names[each] for each in node.input], [names[each] for each in node.output]
        node.name = node.doc_string = ""
    for tensor in used:
        tensor.name = names[tensor.name]
    for field, ordered in ((graph.node, nodes), (graph.initializer, used), (graph.value_info, [])):
        copies = [type(each).FromString(each.SerializeToString()) for each in ordered]
        del field[:]
        field.extend(copies)
