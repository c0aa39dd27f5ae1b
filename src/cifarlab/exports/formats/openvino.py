"""OpenVINO's intermediate representation, a folder of `model.xml` and `model.bin`: for Intel's processors and others.

What travels with it is in the model's `rt_info`, under `cifarlab`.
"""

import json
from pathlib import Path
from typing import Any

from cifarlab.exports.about import About
from cifarlab.exports.formats import onnx as onnx_format
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, LOGITS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels
from cifarlab.utils.json_data import json_data

SUFFIX = "-openvino"
BACKEND = "tensorflow"
PACKAGES = ("onnx", "openvino", "tf2onnx")
QUANTISES = ("float16", "int8")
PROVES = True


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Convert what the network is in ONNX, with the integers that it has there."""
    import openvino

    place.mkdir()
    onnx_file = place / "model.onnx"
    # float16 is OpenVINO's own: weights are kept in it, and computed with as the device likes.
    onnx_format.write(network, onnx_file, about, how if how.kind == "int8" else Quantising())
    # Not by `convert_model`, which tells openvino-telemetry of it, where that is installed: nothing leaves here.
    model = openvino.Core().read_model(onnx_file)
    model.set_rt_info(json.dumps(json_data(about)), [KEY])
    openvino.save_model(model, place / "model.xml", compress_to_fp16=how.kind == "float16")
    onnx_file.unlink()


def open_answers(place: Path) -> Answer:
    """The model compiled for the processor, in float32 where it is."""
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(place / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answer(images: Pixels) -> tuple[Array, Array]:
        found = compiled({0: images})
        return found[LOGITS], found[PROBABILITIES]

    return answer
