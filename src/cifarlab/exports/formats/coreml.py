"""Core ML (`.mlpackage`, a folder), for Apple's machines; written anywhere, and asked on macOS alone.

What travels with it is in the package's metadata, under `cifarlab`. Core ML has no bytes: `pixels` takes float32, from
0 to 255.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cifarlab.exports.about import About
from cifarlab.exports.network import Answer, exportable
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, LOGITS, PIXELS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels
from cifarlab.utils.json_data import json_data

SUFFIX = ".mlpackage"
BACKEND = "torch"
PACKAGES = ("coremltools",)
QUANTISES = ()
PROVES = sys.platform == "darwin"

_MOST = 64


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Convert what torch traces, in float32: Core ML's default is float16, whose answers are others."""
    import coremltools

    from cifarlab.exports.formats.torch import trace

    (inner,) = [layer for layer in network.layers if getattr(layer, "layers", None)]
    network = exportable(inner, about.temperature, "float32")  # Core ML takes no bytes
    made = coremltools.convert(
        trace(network).run_decompositions(),
        convert_to="mlprogram",
        outputs=[coremltools.TensorType(name=LOGITS), coremltools.TensorType(name=PROBABILITIES)],
        compute_precision=coremltools.precision.FLOAT32,
        minimum_deployment_target=coremltools.target.iOS17,
        skip_model_load=True,
    )
    made.user_defined_metadata[KEY] = json.dumps(json_data(about))
    made.short_description = f"{about.run}: {', '.join(about.class_names)}"
    made.save(str(place))


def open_answers(place: Path) -> Answer:
    """The package in Core ML."""
    import coremltools

    model = coremltools.models.MLModel(str(place))

    def answer(images: Pixels) -> tuple[Array, Array]:
        parts = [images[start : start + _MOST] for start in range(0, len(images), _MOST)]
        found = [model.predict({PIXELS: part.astype(np.float32)}) for part in parts]
        logits, probabilities = (np.concatenate([each[name] for each in found]) for name in (LOGITS, PROBABILITIES))
        return logits, probabilities

    return answer
