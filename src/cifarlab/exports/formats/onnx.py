"""ONNX, for onnxruntime on any machine and in browsers; `cifarlab predict --model FILE` takes it too.

What travels with it is in the model's `metadata_props`, under `cifarlab`.
"""

import json
from pathlib import Path
from typing import Any

from cifarlab.exports.about import About
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, PIXELS
from cifarlab.utils.json_data import json_data
from cifarlab.utils.temporary import temporary_folder

SUFFIX = ".onnx"
BACKEND = "tensorflow"
PACKAGES = ("onnx", "onnxruntime", "tf2onnx")
QUANTISES = ("float16", "int8")
PROVES = True

_BATCH = 50


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Export the network, for any number of pictures at once."""
    import onnx
    from onnx import helper

    from cifarlab.inference.onnx import export

    model = _quantised(onnx.load_model_from_string(export(network)), how)
    helper.set_model_props(model, {KEY: json.dumps(json_data(about))})
    onnx.save_model(model, place)


def read_class_names(place: Path) -> tuple[str, ...]:
    """What `predict` and `serve` call its answers."""
    from cifarlab.inference.onnx_files import open_file

    return open_file(place).class_names


def open_answers(place: Path) -> Answer:
    """The file in onnxruntime, on the processor."""
    from cifarlab.inference.onnx_files import open_file

    found = open_file(place)
    return found.answer


def _quantised(model: Any, how: Quantising) -> Any:
    """The same network with fewer bits a weight; input and outputs keep their types."""
    if how.kind == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        return convert_float_to_float16(model, keep_io_types=True)
    return _in_int8(model, how.pictures) if how.kind == "int8" else model


def _in_int8(model: Any, pictures: Any) -> Any:
    """Products and convolutions of whole numbers, scaled by channel; the ranges are those of the pictures."""
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        batches = iter([{PIXELS: pictures[start : start + _BATCH]} for start in range(0, len(pictures), _BATCH)])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.batches, None)

    with temporary_folder() as folder:
        to = folder / "int8.onnx"
        quantization.quantize_static(
            model,
            to,
            Reader(),
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],  # what takes the time; the rest stays as exact as it was
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return onnx.load_model(to)
