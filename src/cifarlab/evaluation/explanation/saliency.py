"""Where a network looked: Grad-CAM for convolutional networks, the gradient of the pixels for others.

Both ask what raises one class's logit. Only the gradient is the backend's own; the rest is NumPy, the same everywhere.

Sources: Selvaraju et al. 2017, arXiv:1610.02391; Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifarlab.inference.forward import compile_forward
from cifarlab.inference.gradients import score_gradient
from cifarlab.utils.arrays import Array

GRAD_CAM = "Grad-CAM"
INPUT_GRADIENT = "input gradient"
Maps = Callable[[Array, Sequence[int]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class SaliencyMap:
    """How much each place of an image speaks for a class.

    Attributes:
        method: `GRAD_CAM` or `INPUT_GRADIENT`.
        heat: `(H, W)` float32, 0 to 1; all 0 where nothing speaks for the class.
        places: Height and width of the map before it was enlarged to the image.
    """

    method: str
    label: int
    heat: NDArray[np.float32]
    places: tuple[int, int]


def make_explainer(model: Any) -> Callable[[Array, Sequence[int]], list[SaliencyMap]]:
    """A function that says where the model looked. It is compiled once for each number of classes: keep it.

    Args:
        model: A `keras.Model`.

    Returns:
        `(H, W, C)` uint8 and the classes to where the model looked, once for each class.
    """
    parts = split_model(model)
    maps_of, method = (
        (input_gradient_maps(model), INPUT_GRADIENT) if parts is None else (grad_cam_maps(*parts), GRAD_CAM)
    )

    def explain_one(image: Array, labels: Sequence[int]) -> list[SaliencyMap]:
        maps = maps_of(image, labels)
        places = (maps.shape[1], maps.shape[2])
        heats = [_scaled(enlarge(each, (image.shape[0], image.shape[1]))) for each in maps]
        return [SaliencyMap(method, label, heat, places) for label, heat in zip(labels, heats, strict=True)]

    return explain_one


def grad_cam_maps(body: Any, head: Any) -> Maps:
    """The maps of the last convolutional layer, each weighted by its mean gradient, what speaks against the class cut.

    Args:
        body: Pixels to the layer's output, `(N, h, w, D)`.
        head: From there to the logits.

    Returns:
        `(H, W, C)` uint8 and M classes to `(M, h, w)` float32, at least 0.

    Source: Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2.
    """
    forward, gradient = compile_forward(body), score_gradient(head)

    def maps(image: Array, labels: Sequence[int]) -> NDArray[np.float32]:
        seen = np.repeat(forward(image[None]), len(labels), axis=0)  # (M, h, w, D)
        weights = gradient(seen, np.array(labels)).mean(axis=(1, 2), keepdims=True)
        return np.asarray(np.maximum((weights * seen).sum(axis=-1), 0), np.float32)

    return maps


def input_gradient_maps(model: Any) -> Maps:
    """How strongly each pixel moves the class's logit: the largest absolute gradient of its channels.

    Args:
        model: A `keras.Model`.

    Returns:
        `(H, W, C)` uint8 and M classes to `(M, H, W)` float32.

    Source: Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034, section 3.1.
    """
    gradient = score_gradient(model)

    def maps(image: Array, labels: Sequence[int]) -> NDArray[np.float32]:
        gradients = gradient(np.repeat(image[None], len(labels), axis=0), np.array(labels))
        return np.asarray(np.abs(gradients).max(axis=-1), np.float32)

    return maps


def split_model(model: Any) -> tuple[Any, Any] | None:
    """A convolutional model in two: pixels to its last layer of maps `(N, h, w, D)`, and from there to the logits.

    Returns:
        Two models that share the model's layers; None where it has no convolution or cannot be cut there.
    """
    import keras

    layer = _last_layer_of_maps(model)
    if layer is None:
        return None
    try:
        return keras.Model(model.inputs[0], layer.output), keras.Model(layer.output, model.outputs[0])
    except ValueError:  # a second way leads around the layer
        return None


def enlarge(heat: Array, shape: tuple[int, int]) -> NDArray[np.float32]:
    """A map stretched to the image's height and width, linearly between the centres of its places."""
    height, width = shape
    picture = Image.fromarray(np.ascontiguousarray(heat, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR), np.float32)


def _scaled(heat: Array) -> NDArray[np.float32]:
    largest = float(heat.max())
    return np.asarray(heat / largest if largest > 0 else np.zeros_like(heat), np.float32)


def _last_layer_of_maps(model: Any) -> Any | None:
    """The last layer, from the first convolution on, whose output still has several places."""
    found, convolved = None, False
    for layer in getattr(model, "layers", ()):
        convolved = convolved or _convolves(layer)
        shape: tuple[Any, ...] = getattr(getattr(layer, "output", None), "shape", ())
        if convolved and len(shape) == 4 and None not in shape[1:] and shape[1] * shape[2] > 1:
            found = layer
    return found


def _convolves(layer: Any) -> bool:
    return hasattr(layer, "kernel_size") or any(_convolves(part) for part in getattr(layer, "layers", ()))
