"""What calling a network takes of memory, known before it is called: by the shapes of all that it computes.

The weights in a file say nothing of it: a layer without any may make gigabytes of one picture. So the backend goes
through the computation with shapes in place of numbers, and nothing is computed: attention's scores and what layers
make in between are seen as well as their outputs.
"""

import math
import weakref
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from cifarlab.utils import limits

_FEWEST = 4  # pictures that must fit at once
_MEASURED = 16  # pictures that are gone through with: what is the same for any number is a small part then
_ALIASES = {"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient"}
"""TensorFlow's operations whose output is their input's memory."""
_measured: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class _Step(NamedTuple):
    """One operation: what it takes, and what it makes, in bytes."""

    inputs: Sequence[Hashable]
    outputs: dict[Hashable, int]


def check_call(model: Any) -> None:
    """Refuse a network that would fill the memory when it is called.

    Args:
        model: A `keras.Model` that takes `(N, H, W, C)` pictures; what takes anything else is refused elsewhere.

    Raises:
        ValueError: If one picture takes more than a quarter of what `limits` allow.
    """
    most = limits.most_bytes() // _FEWEST
    if (size := bytes_a_picture(model)) > most:
        needed = -(-size * _FEWEST // 2**20)
        raise ValueError(
            f"it takes {size / 2**20:,.0f} MiB of memory for each picture, expected at most {most / 2**20:,.0f} MiB: "
            f"set {limits.VARIABLE}={needed} if you trust the file"
        )


def pictures_at_once(model: Any) -> int:
    """How many pictures a network takes at once within what `limits` allow; at least 1."""
    return max(1, limits.most_bytes() // max(1, bytes_a_picture(model)))


def bytes_a_picture(model: Any) -> int:
    """Memory that calling a network takes for one picture beside its weights, measured once for each network.

    What depends on the pictures' values has no known shape, and counts as 1 along that axis.

    Args:
        model: A `keras.Model`; 0 for one that takes something else than pictures of one size.
    """
    import keras

    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
        return 0
    if model not in _measured:
        measure = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.backend.backend()]
        _measured[model] = -(-measure(model, (_MEASURED, *shape[1:])) // _MEASURED)
    size: int = _measured[model]
    return size


def _peak(steps: Iterable[_Step], images: Iterable[Hashable], weights: Mapping[Hashable, int]) -> int:
    """The most bytes that are needed at one time, where each operation comes as soon as its inputs are there.

    So branches go side by side, as in a backend with threads: of a thousand of them all are in memory at once.

    Args:
        steps: In an order in which each comes after those whose outputs it takes.
        images: What the pictures are in it.
        weights: What is in memory already, in bytes; what is made of it alone and is no larger is not counted, as it is
            the same for any number of pictures.
    """
    of_images, sizes, depths = set(images), dict(weights), dict[Hashable, int]()
    levels: list[tuple[int, _Step]] = []
    for inputs, outputs in steps:
        depth = 1 + max((depths.get(each, 0) for each in inputs), default=0)
        depths.update(dict.fromkeys(outputs, depth))
        largest = max((sizes.get(each, 0) for each in inputs), default=0)
        sizes |= outputs
        if of_images.intersection(inputs):
            of_images.update(outputs)
        else:
            outputs = {each: size if size > largest else 0 for each, size in outputs.items()}
        levels.append((depth, _Step(inputs, outputs)))
    levels.sort(key=lambda level: level[0])
    return _most_alive([step for _, step in levels])


def _most_alive(steps: Sequence[_Step]) -> int:
    """The most bytes at one time, where each operation is done in turn and what nobody needs any more is given back."""
    last = {each: place for place, step in enumerate(steps) for each in (*step.outputs, *step.inputs)}
    alive = dict[Hashable, int]()
    now = most = 0
    for place, (inputs, outputs) in enumerate(steps):
        alive |= outputs
        now += sum(outputs.values())
        most = max(most, now)
        now -= sum(alive.pop(each, 0) for each in {*outputs, *inputs} if last[each] == place)
    return most


def _on_tensorflow(model: Any, shape: tuple[int, ...]) -> int:
    import tensorflow as tf

    traced = tf.function(lambda images: model(images, training=False), autograph=False)
    graph = traced.get_concrete_function(tf.TensorSpec(shape, "uint8")).graph
    inner = [function.graph for function in graph._functions.values()]  # the bodies of loops
    return sum(map(_peak_of_graph, (graph, *inner)))


def _peak_of_graph(graph: Any) -> int:
    steps, images, weights = [], set[Hashable](), dict[Hashable, int]()
    for operation in graph.get_operations():
        outputs = {tensor.ref(): _tensorflow_bytes(tensor) for tensor in operation.outputs}
        if operation.type == "Placeholder":
            images.update(outputs if operation.outputs[0].dtype != "resource" else ())
        elif operation.type == "ReadVariableOp":
            weights |= outputs
        else:
            steps.append(_Step([tensor.ref() for tensor in operation.inputs], outputs))
    return _peak(steps, images, weights)


def _tensorflow_bytes(tensor: Any) -> int:
    if tensor.op.type in _ALIASES or tensor.shape.rank is None:
        return 0
    return int((tensor.dtype.size or 0) * math.prod(length or 1 for length in tensor.shape))


def _on_jax(model: Any, shape: tuple[int, ...]) -> int:
    import jax

    def call(images: Any) -> Any:
        return model.stateless_call(*weights, images, training=False)[0]

    groups = (model.trainable_variables, model.non_trainable_variables)
    weights = [[variable.value for variable in group] for group in groups]
    return _peak_of_jaxpr(jax.make_jaxpr(call)(jax.ShapeDtypeStruct(shape, "uint8")).jaxpr)


def _peak_of_jaxpr(jaxpr: Any) -> int:
    steps, inner = [], 0
    for equation in jaxpr.eqns:
        inputs = [each for each in equation.invars if isinstance(each, Hashable)]  # all but numbers
        steps.append(_Step(inputs, {each: _jax_bytes(each) for each in equation.outvars}))
        for part in equation.params.values():  # of loops and functions
            part = getattr(part, "jaxpr", part)
            inner = max(inner, _peak_of_jaxpr(part) if hasattr(part, "eqns") else 0)
    return inner + _peak(steps, jaxpr.invars, {each: _jax_bytes(each) for each in jaxpr.constvars})


def _jax_bytes(value: Any) -> int:
    return int(math.prod(value.aval.shape)) * int(value.aval.dtype.itemsize)


def _on_torch(model: Any, shape: tuple[int, ...]) -> int:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils._python_dispatch import TorchDispatchMode

    now = most = 0

    def gone(size: int) -> None:
        nonlocal now
        now -= size

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal now, most
            made = function(*args, **(kwargs or {}))
            for each in made if isinstance(made, tuple | list) else (made,):
                if isinstance(each, torch.Tensor) and not function.is_view:
                    now += (size := each.nbytes)
                    most = max(most, now)
                    weakref.finalize(each, gone, size)
            return made

    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True) as fake, Counting():
        model(fake.from_tensor(torch.zeros(shape, dtype=torch.uint8)), training=False)
    return most
