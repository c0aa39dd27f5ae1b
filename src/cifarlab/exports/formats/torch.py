"""PyTorch's exported program (`.pt2`), which `torch.export.load` opens: no Python of ours, for any number of pictures.

What travels with it is an extra file in the archive, `cifarlab.json`.
"""

import json
from pathlib import Path
from typing import Any

from cifarlab.exports.about import About
from cifarlab.exports.formats._pt2 import check_archive
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.inference.onnx_files import KEY, LOGITS, PROBABILITIES
from cifarlab.utils.arrays import Array
from cifarlab.utils.images import Pixels
from cifarlab.utils.json_data import json_data

SUFFIX = ".pt2"
BACKEND = "torch"
PACKAGES = ("torch",)
QUANTISES = ()
PROVES = True


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Trace the network on the processor."""
    import torch

    torch.export.save(trace(network), place, extra_files={f"{KEY}.json": json.dumps(json_data(about))})


def trace(network: Any) -> Any:
    """The network as a `torch.export.ExportedProgram`, whose number of pictures may vary."""
    import torch

    class Bare(torch.nn.Module):
        """Without the network as a part: its variables would be written beside the constants that they became."""

        def forward(self, pixels: Any) -> Any:
            return network(pixels)

    # Two pictures: of one, torch would make a constant.
    pictures = torch.zeros((2, *network.input_shape[1:]), dtype=getattr(torch, network.inputs[0].dtype))
    network.eval()
    with torch.no_grad():
        traced = torch.export.export(
            Bare(), (pictures,), dynamic_shapes=({0: torch.export.Dim("batch")},), strict=False
        )
    for node in traced.graph.nodes:
        node.meta.pop("stack_trace", None)  # it names folders of this machine
    return traced


def open_answers(place: Path) -> Answer:
    """The file in torch, on the processor."""
    import torch

    check_archive(place)
    module = torch.export.load(place).module()

    def answer(images: Pixels) -> tuple[Array, Array]:
        with torch.no_grad():
            found = module(torch.from_numpy(images))
        return found[LOGITS].numpy(), found[PROBABILITIES].numpy()

    return answer
