"""A made-up exported network: an ONNX file as `cifarlab export` writes it, small enough to be asked at once."""

import json
from collections.abc import Mapping

import numpy as np

SIZE = 16


def network(channels: int, classes: int, about: Mapping[str, object] | None = None) -> bytes:
    """An ONNX network whose logits are a tenth of the channels' means; of grey pictures only the first is not 0."""
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.eye(channels, classes, dtype=np.float32) / 10
    nodes = [
        helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIZE, SIZE, channels])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", classes])
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(np.array([1, 2]), "axes"), numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {} if about is None else {"cifarlab": json.dumps(about)})
    exported: bytes = model.SerializeToString()
    return exported
