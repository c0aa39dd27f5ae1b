"""A page for the browser: the network in a folder of static files, and all of it in one HTML file to send.

It computes with onnxruntime-web, which comes with it; nothing leaves the page. What is proved here is the network in
it, by onnxruntime on this machine; that a browser computes the same is tested in Chromium.
"""

from pathlib import Path
from typing import Any

from cifarlab.exports import web_page
from cifarlab.exports.about import About
from cifarlab.exports.formats import onnx
from cifarlab.exports.network import Answer
from cifarlab.exports.quantising import Quantising
from cifarlab.utils.temporary import temporary_folder

SUFFIX = "-web"
BACKEND = onnx.BACKEND
PACKAGES = onnx.PACKAGES
QUANTISES = onnx.QUANTISES
PROVES = onnx.PROVES


def write(network: Any, place: Path, about: About, how: Quantising) -> None:
    """Write the page around the network's ONNX file."""
    with temporary_folder() as folder:
        file = folder / f"network{onnx.SUFFIX}"
        onnx.write(network, file, about, how)
        place.mkdir()
        web_page.write_page(file.read_bytes(), about, place)


def read_class_names(place: Path) -> tuple[str, ...]:
    """What the page calls its answers."""
    return web_page.read_class_names(place)


def open_answers(place: Path) -> Answer:
    """The page's network in onnxruntime, on the processor."""
    with temporary_folder() as folder:
        file = folder / f"network{onnx.SUFFIX}"
        file.write_bytes(web_page.read_network(place))
        return onnx.open_answers(file)
