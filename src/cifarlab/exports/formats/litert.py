"""LiteRT (TensorFlow Lite), for telephones and small boards.

What travels with it is `cifarlab.json` in a zip archive behind the network, as TensorFlow Lite's own metadata keep
files: `unzip FILE` shows it, and runtimes do not look there.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifarlab.exports.about import About
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, LOGITS, PIXELS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels
from cifarlab.utils.json_data import json_data
from cifarlab.utils.machine.processor import usable_cores
from cifarlab.utils.temporary import temporary_folder

SUFFIX = ".tflite"
BACKEND = "tensorflow"
PACKAGES = ("ai-edge-litert",)
QUANTISES = ("float16", "int8")
PROVES = True


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Convert the network into LiteRT's own operations alone: what it has not is an error, and no Flex operation."""
    import tensorflow as tf

    with temporary_folder() as folder:
        network.export(str(folder), format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if how.kind is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if how.kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if how.kind == "int8":
            converter.representative_dataset = lambda: _one_by_one(how.pictures)
        converted = converter.convert()
    place.write_bytes(converted)
    with zipfile.ZipFile(place, "a") as archive:
        archive.writestr(f"{KEY}.json", json.dumps(json_data(about)))


def open_answers(place: Path) -> Answer:
    """The file in LiteRT's interpreter, without the delegate that runs TensorFlow's operations."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(place), num_threads=usable_cores())
    signature = interpreter.get_signature_runner()

    def answer(images: Pixels) -> tuple[Array, Array]:
        found = signature(**{PIXELS: images})
        return found[LOGITS], found[PROBABILITIES]

    return answer


def _one_by_one(pictures: Any) -> Iterator[dict[str, Any]]:
    for row in range(len(pictures)):
        yield {PIXELS: pictures[row : row + 1]}
