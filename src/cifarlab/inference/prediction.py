"""A trained model and pictures in, logits or named classes out, on any backend."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.datasets import ImageSet
from cifarlab.displays.progress import progress_of
from cifarlab.inference import onnx_files, quick_networks
from cifarlab.inference.forward import apply_in_batches, compile_forward
from cifarlab.inference.keras_bounds import read_config
from cifarlab.inference.keras_files import load_keras, needs_own_code, reason
from cifarlab.inference.onnx_session import OnnxNetwork
from cifarlab.inference.picture_files import expand_pictures, read_pictures
from cifarlab.inference.temperature import scale, stored_temperature
from cifarlab.inference.tta import averaged, check_tta
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run, pretrained_run
from cifarlab.runs.derived import damage
from cifarlab.runs.kept_code import load_model_code
from cifarlab.runs.layout import NO_TTA
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.pretrained_run import AnyRun
from cifarlab.utils import own_code
from cifarlab.utils.array_files import BROKEN_ARCHIVE
from cifarlab.utils.arrays import number_rows
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, say_unreadable
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.text import counted, readable


@dataclass(frozen=True)
class ClassProbability:
    """A class and how probable it is."""

    class_name: str
    probability: float


@dataclass(frozen=True)
class PicturePrediction:
    """What a model names on one picture.

    Attributes:
        image: The picture's path, or `"-"`.
        tta: Name of the test-time augmentation; None for none.
        top: The most probable first.
    """

    image: str
    tta: str | None = field(metadata=OPTIONAL)
    top: tuple[ClassProbability, ...]


def load_model(run: AnyRun, code: Sequence[str | os.PathLike[str]] = ()) -> Any:
    """The trained `keras.Model` of a run, or of `"builtin"`: raw pixels in, logits out; for inference, not compiled.

    The file is opened in Keras's safe mode, which runs no code that the file brings.

    Args:
        run: Or its folder.
        code: The user's own Python files that the run may need: those with the layers of its model.

    Raises:
        NotNamedError: If the model is made of own layers, and the user has not named the file that defines them.
        CifarlabError: If there is no such run, it has no model, no backend is installed, or the file is broken.
    """
    own_code.allow_files(code)
    if pretrained_run.is_builtin(run):
        return builtin.load_model()
    run = _open(run)
    path = run.model_file
    # A model of own layers needs the file that defines them; one of Keras's layers needs none, whoever built it.
    is_own = needs_own_code(path) and own_code.is_own(run.recipe.model)
    choose_backend()
    module = load_model_code(run) if is_own else None
    try:
        return load_keras(path, module)
    except CifarlabError:
        raise
    except Exception as error:  # Keras raises whatever its parts do: OSError, ValueError, KeyError, BadZipFile
        line = f"cannot load the model {path}: {reason(error)}; train it again or restore the file"
        raise CifarlabError(damage(path) or line) from error  # of a damaged file Keras says that there is none


def predict_images(model: Any, image_set: ImageSet, batch_size: int = 1000, tta: str = NO_TTA) -> Predictions:
    """What the model says about every image, none left out.

    Args:
        model: A `keras.Model`: `(N, H, W, C)` raw pixels in, `(N, K)` logits out.
        image_set: N images of that shape, K classes.
        batch_size: Images at once; the last batch is padded to it, so that nothing is compiled twice.
        tta: Test-time augmentation, one of `tta.NAMES`; none by default.

    Raises:
        CifarlabError: If shape or number of classes do not fit, the model gives NaN or infinity, or there is no such
            test-time augmentation.
    """
    check_fits(model, image_set.image_shape, len(image_set.class_names))
    return _checked(image_set, compute_logits(model, image_set.images, batch_size, tta))


def _checked(image_set: ImageSet, logits: NDArray[np.float32]) -> Predictions:
    """What was said of the images, where it is finite."""
    if len(broken := np.flatnonzero(~np.isfinite(logits).all(axis=1))):
        first, asked = str(image_set.ids[broken[0]]), counted(len(logits), "image")
        raise CifarlabError(
            f"the model gives NaN or infinity for {len(broken):,} of {asked}, {first!r} first: its training went "
            "wrong; train again with a lower learning rate"
        )
    return Predictions(image_set.ids, image_set.labels, logits, image_set.class_names)


def predict(
    pictures: Sequence[str | os.PathLike[str]],
    model: AnyRun = builtin.NAME,
    top: int = 3,
    tta: str = NO_TTA,
    code: Sequence[str | os.PathLike[str]] = (),
    show: bool | None = None,
    passed_over: list[PictureError] | None = None,
) -> list[PicturePrediction]:
    """Name the most probable classes of pictures of any size and format.

    Args:
        pictures: Files, folders (every picture in them and below, sorted), or `"-"` for one picture on standard input.
        model: The run, or an ONNX file that `export` wrote; by default the built-in model, without data or network.
        top: How many classes to name; at most all.
        tta: Test-time augmentation, one of `tta.NAMES`; none by default.
        code: The user's own Python files that the run may need.
        show: Whether to show the progress; None: in a notebook and at a prompt.
        passed_over: Where given, pictures that cannot be read are passed over, and why is added to this list.

    Returns:
        One a picture. Where the run has been calibrated, single-view probabilities are those at its temperature.

    Raises:
        CifarlabError: If there are no pictures, some cannot be read (all are named) and `passed_over` is not given,
            none can be read, or the run has no usable model.
    """
    if top < 1:
        raise CifarlabError(f"top must be at least 1. Received: {top}")
    check_tta(tta)
    names, shape, paths = class_names(model), _stored_shape(model), expand_pictures(pictures)
    # (N, H, W, C) uint8. Pictures first: that one cannot be read is said before the seconds that a model takes.
    pixels = None if shape is None else _readable(paths, shape, passed_over)
    with progress_of(f"predicting {counted(len(paths), 'picture')}", show):
        own_code.allow_files(code)
        quick = quick_networks.find(model, len(paths))
        before = None if quick else quick_networks.state_of(model)
        network: Any = quick or load_model(model)
        images, rows = pixels or _readable(paths, input_shape(network), passed_over)
        unlabelled = ImageSet(images, np.zeros(len(images), np.int64), number_rows(len(images)), names)
        predictions = _predict_quickly(model, network, unlabelled, tta, before)
    probabilities = scale(predictions, temperature_of(model, tta)).probabilities
    found = zip(rows, best_classes(probabilities, names, top), strict=True)
    return [PicturePrediction(readable(paths[row]), None if tta == NO_TTA else tta, best) for row, best in found]


def _predict_quickly(run: AnyRun, network: Any, image_set: ImageSet, tta: str, before: Any) -> Predictions:
    """`predict_images`, by onnxruntime where it can.

    Args:
        run: Whose network it is.
        network: In onnxruntime, or a `keras.Model`, which is then kept for onnxruntime if it answers the same.
        image_set: N images of its shape, K classes.
        tta: Test-time augmentation.
        before: See `quick_networks.keep`.
    """
    check_fits(network, image_set.image_shape, len(image_set.class_names))
    # The first time too: else the last digits would change with the second.
    quick = network if isinstance(network, OnnxNetwork) else quick_networks.keep(run, network, image_set.images, before)
    if quick is None:
        return predict_images(network, image_set, 256, tta)
    return _checked(image_set, apply_in_batches(averaged(quick.forward, tta), image_set.images, 256))


def best_classes(
    probabilities: NDArray[np.float64], names: Sequence[str], count: int
) -> Iterator[tuple[ClassProbability, ...]]:
    """The `count` most probable classes of each picture; of equals the first."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]  # (N, count)
    for chances, chosen in zip(probabilities, order.tolist(), strict=True):
        yield tuple(ClassProbability(names[k], float(chances[k])) for k in chosen)


def _readable(
    paths: Sequence[str], image_shape: tuple[int, int, int], passed_over: list[PictureError] | None
) -> tuple[NDArray[np.uint8], list[int]]:
    """The pictures that can be read, and which of `paths` they are; the others are added to `passed_over`."""
    images, rows, errors = read_pictures(paths, image_shape)
    if errors and (passed_over is None or not rows):
        raise CifarlabError(say_unreadable(errors, len(paths)))
    if passed_over is not None:
        passed_over += errors
    return images, rows


def _stored_shape(model: AnyRun) -> tuple[int, int, int] | None:
    """Height, width and channels as the model's own file tells them, without Keras; None where it does not."""
    if onnx_files.is_file(model):
        return onnx_files.open_file(model).image_shape
    if pretrained_run.is_builtin(model):
        height, width, channels = builtin.read_card()["image_shape"]
        return height, width, channels
    try:
        layers = read_config(_open(model).model_file)["config"]["layers"]
        (shape,) = [layer["config"]["batch_shape"] for layer in layers if layer["class_name"] == "InputLayer"]
        height, width, channels = map(int, shape[1:])
    except (*BROKEN_ARCHIVE, AttributeError):
        return None  # a broken file is Keras's to judge, and another kind of model its to know
    return height, width, channels


def temperature_of(model: AnyRun, tta: str) -> float:
    """The run's own, for which single-view predictions were calibrated; else 1."""
    if tta != NO_TTA or pretrained_run.is_builtin(model):
        return 1.0
    if onnx_files.is_file(model):
        return onnx_files.open_file(model).temperature
    return stored_temperature(pretrained_run.open_run(model)) or 1.0


def compute_logits(
    model: Any, images: NDArray[np.uint8], batch_size: int = 1000, tta: str = NO_TTA
) -> NDArray[np.float32]:
    """The model's output for every image, in batches of one fixed shape.

    Args:
        model: A `keras.Model`.
        images: `(N, H, W, C)` uint8.
        batch_size: Images at once, at least 1.
        tta: Test-time augmentation, one of `tta.NAMES`; the logits are the weighted mean of the views' logits.

    Returns:
        `(N, K)` float32.
    """
    if batch_size < 1:
        raise CifarlabError(f"batch_size must be at least 1. Received: {batch_size}")
    if len(images) == 0:  # how many classes there are, only the model knows
        return compute_logits(model, np.zeros((1, *images.shape[1:]), np.uint8), tta=tta)[:0]
    return apply_in_batches(averaged(compile_forward(model), tta), images, batch_size)


def check_fits(model: Any, image_shape: tuple[int, int, int], num_classes: int) -> None:
    """Make sure that images and classes are what the model was made for.

    Raises:
        CifarlabError: If the image shape or the number of classes differs; the message shows both.
    """
    if (expected := input_shape(model)) != image_shape:
        raise CifarlabError(f"the model takes {_by(expected)} images, these are {_by(image_shape)}: use its own data")
    outputs = int(model.output_shape[-1])
    if outputs != num_classes:
        told = counted(outputs, "class", "classes")
        raise CifarlabError(f"the model tells {told} apart, the data have {num_classes}: use its own data")


def input_shape(model: Any) -> tuple[int, int, int]:
    """Height, width and channels of the images that the model takes.

    Raises:
        CifarlabError: If the model takes anything but images of one size.
    """
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        raise CifarlabError(f"the model must take (N, H, W, C) images of one size. Received: input shape {shape}")
    return int(shape[1]), int(shape[2]), int(shape[3])


def class_names(run: AnyRun) -> tuple[str, ...]:
    """The names of the classes that a run, or `"builtin"`, was trained on, in the order of the logits.

    Raises:
        CifarlabError: If the run does not tell.
    """
    if pretrained_run.is_builtin(run):
        return tuple(builtin.read_card()["class_names"])
    if onnx_files.is_file(run):
        return onnx_files.open_file(run).class_names
    run = _open(run)
    names = run.data.get("class_names")
    if not isinstance(names, list) or not names:
        raise CifarlabError(f"{run.data_file} names no classes: expected class_names; train the model again")
    return tuple(str(name) for name in names)


def _open(run: AnyRun) -> Run:
    return pretrained_run.open_run(run, needs_model=True)


def _by(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))
