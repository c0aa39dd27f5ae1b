"""A user's own model, examined before the first step: what cannot be trained, or not be loaded again, is said at once.

The contract of a model is `(B, H, W, C)` raw pixels in, `(B, K)` logits out, in a form that Keras can save and load.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.inference.keras_files import load_keras, own_objects, reason
from cifarlab.utils import own_code
from cifarlab.utils.arrays import Array
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.temporary import is_refused, temporary_folder
from cifarlab.utils.text import counted

PROBABILITIES = frozenset({"softmax", "sigmoid", "hard_sigmoid", "sparse_sigmoid", "sparsemax"})
# Operations that hand on what they are given, as far as the kind of numbers goes.
_PASSING = frozenset({"Activation", "Cast", "Dropout", "Flatten", "Identity", "Reshape", "ReshapeTo", "Squeeze"})
_IMAGES = 32


def check_form(model: Any, name: str, train: ImageSet) -> None:
    """Refuse what is no model of these images and classes, or has nothing to train.

    Args:
        model: What the user's `build` returned.
        name: Its file, for the message.
        train: The images that it is to be trained on.

    Raises:
        CifarlabError: The message says what was expected.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise CifarlabError(f"{name}: build must return a keras.Model. Received: {type(model).__name__}")
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise CifarlabError(
            f"{name}: build must return a model that knows its shapes: keras.Model(inputs, outputs), or a Sequential "
            "that begins with keras.Input(input_shape)"
        )
    taken, given = (None, *train.image_shape), (None, len(train.class_names))
    for what, tensors, shape in (("take images", inputs, taken), ("give logits", outputs, given)):
        if len(tensors) != 1 or tuple(tensors[0].shape)[1:] != shape[1:]:
            shapes = " and ".join(str(tuple(tensor.shape)) for tensor in tensors)
            raise CifarlabError(f"{name}: the model must {what} of shape {shape}. Received: {shapes}")
    if not model.trainable_weights:
        held = counted(len(model.weights), "weight")
        raise CifarlabError(f"{name}: the model has nothing to train: none of its {held} is trainable")


def check_own_model(model: Any, module: ModuleType, train: ImageSet) -> None:
    """Refuse a model whose answers are no logits, or which would be another once it is saved and loaded.

    Args:
        model: Built and ready to train; its weights are as before when this returns.
        module: The user's file, with the layers that the model is made of.
        train: The images that it is to be trained on.

    Raises:
        CifarlabError: The message names the layer, and says what to change.
    """
    name = Path(str(module.__file__)).name
    if ending := _ending(model):
        raise CifarlabError(
            f"{name}: the model must give logits, but its layer {ending[0]!r} ends in {ending[1]}: leave that out; the "
            "loss applies softmax itself, and so does predict"
        )
    images = _probe(train)
    try:
        answers = _answer(model, images)
    except own_code.RAISES as error:  # a user's layers raise what they like
        raise CifarlabError(f"{name}: the model cannot be asked about images: {reason(error)}") from error
    if not np.isfinite(answers).all():
        where = _first_layer(model, images, lambda output: not np.isfinite(output).all())
        raise CifarlabError(f"{name}: the untrained model gives NaN or infinity{where}: check its layers")
    if model.losses:  # those of regularizers too
        raise CifarlabError(
            f"{name}: the model has losses of its own, by a regularizer or add_loss, which a training here does not "
            "minimise: leave them out; --set weight_decay=0.1 keeps weights small"
        )
    _refuse_probabilities(model, name, images)
    with _other_weights(model):
        _check_loads(model, module, name, images)


def _probe(train: ImageSet) -> Array:
    """Some images, noise, black and white: `(B, H, W, C)` uint8."""
    rows = np.unique(np.linspace(0, len(train) - 1, min(_IMAGES, len(train))).round().astype(np.int64))
    noise = np.random.default_rng(0).integers(0, 256, (_IMAGES // 2, *train.image_shape), np.uint8)
    plain = np.stack([np.full(train.image_shape, grey, np.uint8) for grey in (0, 255)])
    return np.concatenate([train.images[rows], noise, plain])


def _answer(model: Any, images: Array) -> Array:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(model(images, training=False), "float32")))


def _ending(model: Any) -> tuple[str, str] | None:
    """The layer that makes probabilities at a model's end, and by which function; None where the graph shows none."""
    tensor = model.outputs[0]
    while True:
        history = tensor._keras_history  # Keras has no public way from a tensor to what made it
        operation = history.operation
        if getattr(operation, "outputs", None) and hasattr(operation, "layers"):  # a model as a layer
            tensor = operation.outputs[history.tensor_index]
            continue
        kind = type(operation).__name__
        function = getattr(getattr(operation, "activation", None), "__name__", "")
        for each in (function, _snake(kind)):
            if each in PROBABILITIES:
                return str(operation.name), each
        given = operation._inbound_nodes[history.node_index].input_tensors
        if kind not in _PASSING or (function not in ("", "linear")) or len(given) != 1:
            return None
        tensor = given[0]


def _snake(name: str) -> str:
    """`HardSigmoid` as `hard_sigmoid`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _refuse_probabilities(model: Any, name: str, images: Array) -> None:
    """Refuse answers that lie in [0, 1] for all images, and still do with the last layer's weights negated.

    Negating turns the sign of logits, but softmax and sigmoid stay where they are, whatever code computes them.
    """
    answers = [_answer(model, images)]
    with _changed(_last_weights(model), np.negative):
        answers.append(_answer(model, images))
    if any(each.min() < 0 or each.max() > 1 for each in answers):
        return
    if all(np.allclose(each.sum(axis=1), 1, atol=1e-2) for each in answers):
        what = "add up to 1 for every image, as softmax makes them"
    elif np.allclose(answers[0] + answers[1], 1, atol=1e-2) or all(each.min() > 0 for each in answers):
        what = "are between 0 and 1 for every image, as sigmoid makes them"
    else:
        return
    layer = model.outputs[0]._keras_history.operation.name
    raise CifarlabError(
        f"{name}: the model must give logits, but its answers (layer {layer!r}) {what}: leave that out; the loss "
        "applies softmax itself, and so does predict"
    )


def _last_weights(model: Any) -> list[Any]:
    """The trainable weights of the last layer that has some."""
    for layer in reversed(list(_leaves(model))):
        if layer.trainable_weights:
            return list(layer.trainable_weights)
    return []


def _leaves(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", []):
        if hasattr(layer, "layers"):
            yield from _leaves(layer)
        else:
            yield layer


def _other_weights(model: Any) -> AbstractContextManager[None]:
    """Weights that no initialiser would give, for a while: one that is not saved would else come back by chance."""
    generator = np.random.default_rng(0)
    # Numbers only; what a layer of chance counts with is left alone. Larger, never smaller: variances stay positive.
    variables = [each for each in model.variables if str(each.dtype) in ("float32", "bfloat16", "float16")]
    return _changed(variables, lambda value: value + 0.05 * generator.random(value.shape, np.float32))


@contextmanager
def _changed(variables: Sequence[Any], change: Callable[[Array], Array]) -> Iterator[None]:
    """Variables with other values for a while."""
    from cifarlab.training.checkpoint import read_variables, write_variables

    before = read_variables(variables)
    try:
        write_variables(variables, [change(value) for value in before])
        yield
    finally:
        write_variables(variables, before)


def _check_loads(model: Any, module: ModuleType, name: str, images: Array) -> None:
    answers = _answer(model, images)
    if not _same(answers, _answer(model, images), 1e-5):  # the same arithmetic on the same numbers
        raise CifarlabError(f"{name}: the model answers the same images differently each time: leave chance out of use")
    with temporary_folder() as folder:
        path = folder / "model.keras"
        try:
            model.save(path)
            loaded = load_keras(path, module)
        except own_code.RAISES as error:  # a user's layers raise what they like, and Keras whatever its parts do
            if is_refused(error):  # the disk's fault, not the model's
                raise
            culprit, cause = _culprit(model, module) or ("", error)
            raise CifarlabError(
                f"{name}: the model could not be saved and loaded again{culprit}, so that no command could use it: "
                f"{reason(cause)}"
            ) from error
    if not _same(answers, _answer(loaded, images)):
        raise CifarlabError(
            f"{name}: the model answers differently once it is saved and loaded{_first_change(model, loaded, images)}: "
            "let get_config return every argument, and make weights in build with add_weight"
        )


def _same(one: Array, other: Array, tolerance: float = 1e-3) -> bool:
    """Whether they differ by less than a share of the largest; that of two models may be computed in another order."""
    largest = float(np.abs(one).max() + 1e-6)
    return one.shape == other.shape and np.allclose(one, other, rtol=tolerance, atol=tolerance * largest)


def _culprit(model: Any, module: ModuleType) -> tuple[str, BaseException] | None:
    """The first layer that Keras cannot make again from its configuration, in words, and why."""
    import keras

    for layer in _leaves(model):
        try:
            config = keras.saving.serialize_keras_object(layer)
            with own_objects(module):
                keras.saving.deserialize_keras_object(config, safe_mode=True)
        except own_code.RAISES as error:  # as above
            return f" because of its layer {layer.name!r} ({type(layer).__name__})", error
    return None


def _first_layer(model: Any, images: Array, is_wrong: Any) -> str:
    """The first layer whose output is wrong, in words; nothing where the graph does not tell."""
    return _say_first(layer for layer, output in _layer_outputs(model, images) if is_wrong(output))


def _first_change(model: Any, loaded: Any, images: Array) -> str:
    pairs = zip(_layer_outputs(model, images), _layer_outputs(loaded, images), strict=False)
    return _say_first(layer for (layer, before), (_, after) in pairs if not _same(before, after))


def _say_first(layers: Iterator[Any]) -> str:
    return next((f", first in its layer {layer.name!r} ({type(layer).__name__})" for layer in layers), "")


def _layer_outputs(model: Any, images: Array) -> Iterator[tuple[Any, Array]]:
    import keras

    for layer in model.layers:
        try:
            output = layer.output
        except (AttributeError, ValueError):  # used more than once, so that it has no one output
            continue
        if hasattr(output, "shape"):
            yield layer, _answer(keras.Model(model.inputs[0], output), images)
