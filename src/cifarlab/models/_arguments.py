"""What a model's settings must be: asked without Keras before a training begins, and once more by `build`.

A model's file says of each setting, in `ARGUMENTS`, of which kind it is: one of `KINDS`, or a tuple of all its values.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Those of Keras that need no arguments and leave the shape as it is; a test compares.
ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink",
)  # fmt: skip


def check_arguments(kinds: Mapping[str, Any], values: Mapping[str, Any], *, together: bool = True) -> None:
    """Refuse settings from which no network can be built.

    Args:
        kinds: The model's `ARGUMENTS`.
        values: The settings by name; `input_shape`, where it is known, is among them, and others are left alone.
        together: Whether they must also fit each other.

    Raises:
        ValueError: If a setting is of another kind, or two do not fit each other; in one line.
    """
    for name, kind in kinds.items():
        if name in values:
            check_argument(name, kind, values[name])
    if together:
        _check_together(values)


def _check_together(values: Mapping[str, Any]) -> None:
    rates, widths = values.get("dropout"), values.get("widths")
    if isinstance(rates, Sequence) and isinstance(widths, Sequence) and len(rates) != len(widths):
        raise ValueError(f"dropout needs one rate, or one for each of {len(widths)} layers. Received: {rates!r}")
    scale = values.get("far_learning_rate_scale", 1)
    if scale != 1 and not values.get("sigma_pixels", True):
        raise ValueError(
            "far_learning_rate_scale needs sigma_pixels, which say what is far. Received: "
            f"far_learning_rate_scale={scale!r}"
        )
    side, shape = values.get("whitening_pixels", 0), values.get("input_shape")
    if shape is not None and side > min(shape[:2]):
        raise ValueError(f"whitening_pixels must be at most {min(shape[:2])}, the size of the images. Received: {side}")


def check_argument(name: str, kind: str | Sequence[Any], value: Any) -> None:
    """Refuse one setting that is not of its kind.

    Raises:
        ValueError: In one line.
    """
    if not isinstance(kind, str):
        is_right = any(type(value) is type(each) and value == each for each in kind)
        expected = " or ".join(map(str, kind))
    else:
        test, expected = KINDS[kind]
        is_right = test(value)
    if not is_right:
        raise ValueError(f"{name} must be {expected}. Received: {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_rate(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1  # NaN is refused by the comparison


def _are(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, list | tuple) and all(map(test, values))


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "count": (lambda value: _is_whole(value, 1), "a whole number of at least 1"),
    "count or none": (lambda value: _is_whole(value, 0), "a whole number of at least 0"),
    "counts": (_are(lambda each: _is_whole(each, 1)), "positive whole numbers, such as (512, 256, 128)"),
    "counts, one at least": (
        lambda value: bool(value) and _are(lambda each: _is_whole(each, 1))(value),
        "positive whole numbers, one at least, such as (64, 128)",
    ),
    "rate": (_is_rate, "a number between 0 and 1"),
    "rate or rates": (
        lambda value: _is_rate(value) or _are(_is_rate)(value),
        "numbers between 0 and 1: one, or several",
    ),
    "scale": (lambda value: _is_number(value) and 0 < value <= 1, "a number above 0 and at most 1"),
    "distances": (
        _are(lambda each: _is_number(each) and each > 0),
        "a list of numbers above 0, such as (3, 4, 5, 8)",
    ),
    "activation": (lambda value: isinstance(value, str) and value in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
}
