"""Whether a recipe can be trained, as far as that shows without Keras; in the words in which a training refuses it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cifarlab.datasets import ImageSet
from cifarlab.models import check_arguments
from cifarlab.recipes import Recipe, has_type, wrong_type
from cifarlab.training.class_weights import class_weights
from cifarlab.utils import discovery, own_code, syntax
from cifarlab.utils.errors import CifarlabError, say_error
from cifarlab.utils.text import counted

_T = TypeVar("_T")
_Shape = tuple[int, int, int]
# What optimizers take, and of which type it is.
_OF_KERAS = {
    "clipnorm": float, "clipvalue": float, "global_clipnorm": float, "use_ema": bool, "ema_momentum": float,
    "ema_overwrite_frequency": int, "loss_scale_factor": float, "gradient_accumulation_steps": int,
    "weight_decay": float, "name": str,
}  # fmt: skip
_BETAS = {"beta_1": float, "beta_2": float}
OPTIMIZER_ARGUMENTS: dict[str, dict[str, type]] = {
    "adam": {**_BETAS, "epsilon": float, "amsgrad": bool, **_OF_KERAS},
    "lion": {**_BETAS, **_OF_KERAS},
    "sgd": {"momentum": float, "nesterov": bool, **_OF_KERAS},
    "muon": {
        "momentum": float, "head_learning_rate": float, "bias_learning_rate": float, "sgd_momentum": float,
        "shrink": float, "batch_size": int, "newton_schulz_steps": int, "dtype": str, "block_rows": int,
        "adam_learning_rate": float, "name": str,
    },
}  # fmt: skip
"""All but the learning rate, which the recipe's schedule sets. A test compares them with the classes."""
_SHARES = ("beta_1", "beta_2", "momentum", "sgd_momentum", "ema_momentum")
_OF_MUONS_SGD = ("head_learning_rate", "bias_learning_rate", "sgd_momentum", "shrink", "batch_size")
_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_OR_NONE = (
    *_CLIPS, "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "weight_decay", "name",
)  # fmt: skip


def check_settings(recipe: Recipe, shape: _Shape | None, *, together: bool = True) -> None:
    """Refuse settings that no training takes.

    Args:
        recipe: What is to be trained.
        shape: Height, width and channels of the images; None where only the data tell.
        together: Whether settings must also fit each other; of a search, whose trials change several, none need.

    Raises:
        CifarlabError: With what was received and what would be right.
    """
    check_model(recipe, shape, together=together)
    if "learning_rate" in recipe.optimizer_args:  # the optimizer would follow it, and not the schedule that is recorded
        raise cannot_optimize(recipe, "give learning_rate, which the schedule begins with")
    check_optimizer(recipe, together=together)
    if shape is not None:
        check_pixels(recipe, shape)


def check_data(recipe: Recipe, train: ImageSet) -> None:
    """Refuse a recipe that does not fit its training images.

    Raises:
        CifarlabError: If a batch is more than they are, or the classes' weights are not about them.
    """
    if recipe.batch_size > len(train):
        there = counted(len(train), "training image")
        raise CifarlabError(
            f"batch_size {recipe.batch_size} is more than the {there} of {recipe.data}: "
            f"give --batch-size {max(1, len(train))} or less"
        )
    class_weights(recipe, train)  # refuses what does not fit the classes


def check_model(recipe: Recipe, shape: _Shape | None, *, together: bool = True) -> None:
    """Refuse a model that is not there, and settings that it does not take.

    Raises:
        CifarlabError: With the nearest right name, or as `cannot_build`.
    """
    known = discovery.names("models")
    if not own_code.is_own(recipe.model) and recipe.model not in known:
        raise CifarlabError(discovery.unknown("model", recipe.model, known))
    # Beside the images' shape and the classes.
    arguments = read_source(recipe.model, lambda source: syntax.parameters(source, "build", skip=2))
    if arguments is None:
        return
    for key in recipe.model_args:
        if key not in arguments:
            raise CifarlabError(discovery.unknown("setting", f"model.{key}", [f"model.{name}" for name in arguments]))
    if own_code.is_own(recipe.model):  # what its values must be, only its code knows
        return
    kinds = read_source(recipe.model, lambda source: syntax.constant(source, "ARGUMENTS")) or {}
    usual = read_source(recipe.model, lambda source: syntax.defaults(source, "build"))
    sizes = [shape, *((pixels, pixels, 3) for pixels in recipe.image_pixels)]
    try:
        for size in sizes:
            check_arguments(kinds, {"input_shape": size, **usual, **recipe.model_args}, together=together)
    except ValueError as error:
        raise cannot_build(recipe, error) from error
    is_other = shape is not None and any(pixels != shape[0] for pixels in recipe.image_pixels)
    if together and is_other and not read_source(recipe.model, lambda source: syntax.constant(source, "ANY_SIZE")):
        raise one_size_only(recipe)


def one_size_only(recipe: Recipe) -> CifarlabError:
    """The error for a model that does not take smaller images, or none as small as these."""
    if read_source(recipe.model, lambda source: syntax.constant(source, "ANY_SIZE")):
        return CifarlabError(f"model {recipe.model} takes no images as small as image_pixels={recipe.image_pixels}")
    return CifarlabError(
        f"model {recipe.model} takes images of one size only: image_pixels must be empty. "
        f"Received: {recipe.image_pixels}"
    )


def cannot_build(recipe: Recipe, reason: object) -> CifarlabError:
    """The error for a model that its settings do not let be built."""
    given = _written(recipe.model_args)
    return CifarlabError(f"model {recipe.model} cannot be built{f' with {given}' if given else ''}: {reason}")


def check_optimizer(recipe: Recipe, *, together: bool = True) -> None:
    """Refuse what the optimizer does not take.

    Raises:
        CifarlabError: With what would be right.
    """
    types = OPTIMIZER_ARGUMENTS[recipe.optimizer]
    for name, value in recipe.optimizer_args.items():
        if name == "learning_rate":  # of a run of an earlier version, which goes on as it began
            continue
        if name not in types:
            raise cannot_optimize(recipe, discovery.unknown("setting", f"optimizer.{name}", _prefixed(types)))
        if value is None and name in _OR_NONE:
            continue
        if not has_type(value, types[name]):
            raise cannot_optimize(recipe, wrong_type(f"optimizer.{name}", types[name], value))
        if expected := _out_of_range(name, value):
            raise cannot_optimize(recipe, f"optimizer.{name} must be {expected}. Received: {value!r}")
    if not together:
        return
    if recipe.optimizer == "muon" and recipe.weight_decay:
        raise CifarlabError("muon rescales its kernels in every step instead: weight_decay must be 0")
    if recipe.optimizer == "muon" and recipe.clip_norm:
        raise CifarlabError("muon's steps have one length whatever the gradient's: clip_norm must be 0")
    of_sgd = [name for name in _OF_MUONS_SGD if name in recipe.optimizer_args]
    if recipe.optimizer_args.get("adam_learning_rate") and of_sgd:
        raise cannot_optimize(recipe, f"adam_learning_rate puts Adam in the place of SGD: remove {', '.join(of_sgd)}")
    clips = [name for name in _CLIPS if recipe.optimizer_args.get(name) is not None]
    if len(clips) + bool(recipe.clip_norm) > 1:
        raise cannot_optimize(recipe, f"clip_norm and {' and '.join(clips)} exclude each other: give one of them")


def _out_of_range(name: str, value: Any) -> str:
    """What would be right; empty where the value is."""
    if name in _SHARES and not 0 <= value <= 1:
        return "between 0 and 1"
    if name in ("head_learning_rate", "bias_learning_rate") and value <= 0:
        return "above 0"
    if name == "gradient_accumulation_steps" and value < 2:
        return "at least 2"
    if name in ("ema_overwrite_frequency", "newton_schulz_steps", "batch_size") and value < 1:
        return "at least 1"
    if name in ("block_rows", "adam_learning_rate") and not 0 <= value < float("inf"):
        return "a finite number, at least 0"
    if name == "dtype" and value not in ("float32", "bfloat16", "float16"):
        return "one of float32, bfloat16, float16"
    return ""


def cannot_optimize(recipe: Recipe, reason: object) -> CifarlabError:
    """The error for an optimizer that its settings do not let be built."""
    given = _written(recipe.optimizer_args)
    return CifarlabError(f"optimizer {recipe.optimizer} cannot be built with {given}: {reason}")


def check_pixels(recipe: Recipe, shape: _Shape) -> None:
    """Refuse shifts, covered squares and sizes that are not smaller than the images.

    Raises:
        CifarlabError: With the images' size.
    """
    height, width, _ = shape
    for name in ("translate_pixels", "cutout_pixels"):
        if (value := getattr(recipe, name)) >= min(height, width):
            raise CifarlabError(f"{name} must be below {min(height, width)}, the size of the images. Received: {value}")
    too_large = [pixels for pixels in recipe.image_pixels if pixels > height]
    if too_large:
        raise CifarlabError(f"image_pixels must be at most {height}, the images' height. Received: {too_large[0]}")


def read_source(model: str, read: Callable[[bytes], _T]) -> _T:
    """What a model's file says, which is not executed for it.

    Raises:
        CifarlabError: If the file cannot be read.
    """
    own = own_code.is_own(model)
    path = own_code.find(model) if own else Path(discovery.__file__).parents[1] / "models" / f"{model}.py"
    try:
        return read(path.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise CifarlabError(f"cannot read {path}: {say_error(error)}") from error


def _written(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items())


def _prefixed(names: Mapping[str, Any]) -> list[str]:
    return [f"optimizer.{name}" for name in names]
