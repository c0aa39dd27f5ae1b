"""TensorFlow's SavedModel, a folder: for TensorFlow, TensorFlow Serving and what else reads it.

What travels with it is in `assets.extra/cifarlab.json`, where TensorFlow itself leaves files alone.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.exports.about import About
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, LOGITS, PIXELS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.utils.json_data import json_data

SUFFIX = "-savedmodel"
BACKEND = "tensorflow"
PACKAGES = ()
QUANTISES = ()
PROVES = True

# A SavedModel is a program, and TensorFlow has operations that read and write files, call Python and reach the network.
# So of a folder from somebody else only these are run: what networks compute, and how their weights are read.
_KNOWN = frozenset(
    """
    Abs Add AddV2 All Any ArgMax ArgMin AssignVariableOp AvgPool BatchMatMulV2 BiasAdd BroadcastTo Cast Ceil ConcatV2
    Const Conv2D Conv2DBackpropInput Cumsum DepthwiseConv2dNative DisableCopyOnRead Einsum Elu Equal Erf Erfc Exp
    ExpandDims Expm1 Floor FusedBatchNormV3 GatherV2 Greater GreaterEqual Identity IdentityN LeakyRelu Less LessEqual
    Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool Maximum Mean MergeV2Checkpoints Min Minimum
    Mul Neg NoOp NotEqual OnesLike Pack Pad PadV2 PartitionedCall Placeholder Pow Prod Range Rank ReadVariableOp RealDiv
    Relu Relu6 Reshape RestoreV2 Round Rsqrt SaveV2 Select SelectV2 Selu Shape ShardedFilename Sigmoid Sign Slice
    Softmax Softplus Softsign Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall
    StaticRegexFullMatch StopGradient StridedSlice StringJoin Sub Sum Tanh Tile TopKV2 Transpose Unpack VarHandleOp
    VarIsInitializedOp ZerosLike
    """.split()  # noqa: SIM905 - a list of a hundred strings is harder to read
)


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Export the network with one signature, `serving_default`."""
    import tensorflow as tf

    # Not by `network.export`, which writes every weight twice.
    served = tf.Module()
    served.weights = [variable.value for variable in network.variables]
    pixels = tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8, name=PIXELS)
    serve = tf.function(lambda pixels: network(pixels, training=False), input_signature=[pixels], autograph=False)
    tf.saved_model.save(served, str(place), signatures=serve)
    extra = place / "assets.extra"
    extra.mkdir()
    (extra / f"{KEY}.json").write_text(json.dumps(json_data(about)), encoding="utf-8")


def open_answers(place: Path) -> Answer:
    """The folder in TensorFlow, once none of its operations reaches out of the graph."""
    import tensorflow as tf

    _check_operations(place)
    loaded = tf.saved_model.load(str(place))
    signature = loaded.signatures["serving_default"]

    def answer(images: Pixels) -> tuple[Array, Array]:
        # `loaded` is named here so that it lives on: a signature alone does not keep its variables alive.
        found = loaded and signature(tf.convert_to_tensor(images))
        return np.asarray(found[LOGITS]), np.asarray(found[PROBABILITIES])

    return answer


def _check_operations(place: Path) -> None:
    """Refuse a graph that may read or write files of its choice, or call Python.

    Raises:
        CifarlabError: If an operation may.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((place / "saved_model.pb").read_bytes())
    graphs = [meta.graph_def for meta in saved.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for graph in graphs for function in graph.library.function for node in function.node_def]
    if unknown := sorted({node.op for node in nodes} - _KNOWN):
        raise CifarlabError(f"{place} has operations that no network of cifarlab needs: {', '.join(unknown)[:200]}")
