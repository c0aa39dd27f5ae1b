"""Recipe: everything that decides a training's result, frozen and flat, with overrides and JSON in and out."""

import ast
import dataclasses
import math
import os
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.errors import CifarlabError

OPTIMIZERS = ("adam", "lion", "muon", "sgd")
SCHEDULES = ("constant", "cosine", "linear")
PRECISIONS = ("auto", "float32", "bfloat16")
FLIPS = ("none", "random", "alternating")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training, described completely.

    Attributes:
        model: Name of a file in `cifarlab.models`, or a path to a user's own.
        model_args: Keyword arguments of that file's `build`.
        data: Name of a data set, such as `"cifar10"`, `"digits"` or `"folder:PATH"`.
        validation_fraction: Share of the training images held out, by class, with a fixed seed; 0 trains on all.
        fold: Which part of that size is held out, from 0; with a fraction of `1 / K` the parts 0 to K - 1 are all.
        epochs: Passes over the training images.
        batch_size: Images per step; the last, smaller batch of an epoch is dropped in training only.
        optimizer: One of `OPTIMIZERS`.
        learning_rate: Peak learning rate.
        optimizer_args: More keyword arguments of the optimizer: those of its class in `keras.optimizers`, or, for
            `"muon"`, of `cifarlab.training.optimizers.muon.Muon`.
        weight_decay: Decoupled weight decay, multiplied by the learning rate (arXiv:1711.05101); 0 is off.
        lasso: Pull every weight of a kernel towards 0 by this, multiplied by the learning rate, at every step, and set
            to 0 what is smaller than `lasso_beta` times it (beta-LASSO, arXiv:2007.13657); 0 is off.
        lasso_beta: See `lasso`.
        schedule: How the learning rate falls after the warm-up, over all remaining steps.
        warmup_epochs: Epochs of linear rise from 0 to `learning_rate`.
        label_smoothing: Share of every label spread evenly over all classes (arXiv:1512.00567); training loss only.
        flip: Mirror training images left-right: `"none"`; `"random"`, each with probability 1/2; or `"alternating"`,
            by chance in the first epoch and from then on the other way round every epoch (arXiv:2404.00498).
        translate_pixels: Shift each training image by up to this many pixels, with edges reflected; between
            pixels too where it is also turned or stretched.
        rotate_degrees: Turn each training image about its centre by up to this many degrees, with edges reflected.
        zoom_factor: Stretch or shrink each training image's height and width by up to this share, independently.
        brightness_factor: Make each training image lighter or darker by up to this share of the range of its values.
        contrast_factor: Multiply each training image's distances from mid-grey by 1 plus or minus up to this much.
        mixup_alpha: Mix images and labels, by shares from Beta(alpha, alpha) (arXiv:1710.09412); 0 is off.
        cutmix_alpha: Put a rectangle of one image into another, likewise (arXiv:1905.04899); 0 is off.
        image_pixels: Height of the training images in the first epochs, one number an epoch; full size after them.
        shuffle_pixels: All pixels of every image in another order, the same for all images, decided by a constant; the
            model begins with it, so that images are changed by chance before (see `cifarlab permutation`).
        precision: `"float32"`, `"bfloat16"` for bfloat16 arithmetic over float32 weights, or `"auto"` for
            bfloat16 where the processor or accelerator has it.
        seed: Decides the initial weights, the shuffling, dropout and augmentation.
    """

    model: str
    model_args: Mapping[str, Any] = field(default_factory=dict)
    data: str = "cifar10"
    validation_fraction: float = 0.1
    fold: int = 0
    epochs: int = 100
    batch_size: int = 1000
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    optimizer_args: Mapping[str, Any] = field(default_factory=dict)
    weight_decay: float = 0.0
    lasso: float = 0.0
    lasso_beta: float = 50.0
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    flip: str = "none"
    translate_pixels: int = 0
    rotate_degrees: float = 0.0
    zoom_factor: float = 0.0
    brightness_factor: float = 0.0
    contrast_factor: float = 0.0
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    image_pixels: tuple[int, ...] = ()
    shuffle_pixels: bool = False
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "model_args", dict(self.model_args))
        object.__setattr__(self, "optimizer_args", dict(self.optimizer_args))
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not _has_type(value, _TYPES[item.name]):
                raise CifarlabError(_wrong_type(item.name, _TYPES[item.name], value))
        for name, (is_right, expected) in _LIMITS.items():
            if not is_right(getattr(self, name)):
                raise CifarlabError(f"{name} must be {expected}. Received: {getattr(self, name)!r}")
        if self.shuffle_pixels and self.image_pixels:
            raise CifarlabError(
                "shuffle_pixels needs images of one size: add --set image_pixels=(). "
                f"Received: image_pixels={self.image_pixels}"
            )
        if self.fold and (self.fold + 0.5) * self.validation_fraction >= 1:
            raise CifarlabError(
                f"there is no fold {self.fold}: with validation_fraction={self.validation_fraction:g} the last one is "
                f"{max(0, round(1 / (self.validation_fraction or 1)) - 1)}"
            )

    @property
    def held_out(self) -> dict[str, Any]:
        """What `cifarlab.datasets.load_data` needs to hold out the same images."""
        return {"validation_fraction": self.validation_fraction, "fold": self.fold}


_TYPES: dict[str, Any] = typing.get_type_hints(Recipe)
_DICTIONARIES = {"model.": "model_args", "optimizer.": "optimizer_args"}

_LIMITS: dict[str, tuple[Any, str]] = {
    "validation_fraction": (lambda v: 0 <= v < 1, "at least 0 and less than 1"),
    "fold": (lambda v: v >= 0, "at least 0"),
    "epochs": (lambda v: v >= 1, "at least 1"),
    "batch_size": (lambda v: v >= 1, "at least 1"),
    "optimizer": (lambda v: v in OPTIMIZERS, "one of " + ", ".join(OPTIMIZERS)),
    "learning_rate": (lambda v: math.isfinite(v) and v > 0, "a finite number above 0"),
    "weight_decay": (lambda v: math.isfinite(v) and v >= 0, "a finite number, at least 0"),
    "lasso": (lambda v: math.isfinite(v) and v >= 0, "a finite number, at least 0"),
    "lasso_beta": (lambda v: math.isfinite(v) and v >= 0, "a finite number, at least 0"),
    "schedule": (lambda v: v in SCHEDULES, "one of " + ", ".join(SCHEDULES)),
    "warmup_epochs": (lambda v: math.isfinite(v) and v >= 0, "a finite number, at least 0"),
    "label_smoothing": (lambda v: 0 <= v < 1, "at least 0 and less than 1"),
    "flip": (lambda v: v in FLIPS, "one of " + ", ".join(FLIPS)),
    "translate_pixels": (lambda v: v >= 0, "at least 0"),
    "rotate_degrees": (lambda v: 0 <= v <= 180, "between 0 and 180"),
    "zoom_factor": (lambda v: 0 <= v <= 1, "between 0 and 1"),
    "brightness_factor": (lambda v: 0 <= v <= 1, "between 0 and 1"),
    "contrast_factor": (lambda v: 0 <= v <= 1, "between 0 and 1"),
    "mixup_alpha": (lambda v: 0 <= v <= 100, "between 0 and 100"),
    "cutmix_alpha": (lambda v: 0 <= v <= 100, "between 0 and 100"),
    "image_pixels": (lambda v: all(type(p) is int and p >= 1 for p in v), "whole numbers of at least 1"),
    "precision": (lambda v: v in PRECISIONS, "one of " + ", ".join(PRECISIONS)),
    "seed": (lambda v: 0 <= v < 2**31, "between 0 and 2147483647"),
}


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, the one in a user's own Python file, or the one that a run recorded as JSON.

    A Python file is executed: give no name that comes from a file. What JSON names is not: see `own_code`.

    Raises:
        CifarlabError: If there is none; the message offers the nearest right name.
    """
    if name.endswith(".json"):
        return from_dict(files.read_json(Path(name)))
    own_code.allow(name)
    module = discovery.load("recipes", name)
    found = getattr(module, "RECIPE", None)
    if not isinstance(found, Recipe):
        raise CifarlabError(f"{name} defines no RECIPE = Recipe(...). Received: {found!r}")
    return found


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A copy of `recipe` with `key=value` settings applied, each checked against the field's type.

    Another model or optimizer begins with its own defaults: the arguments of the recipe's are dropped.

    Args:
        recipe: The recipe to vary.
        settings: Such as `"epochs=150"` or `"model.widths=(2048,)"`.

    Raises:
        CifarlabError: If a key is unknown or a value is of the wrong type or out of range.
    """
    changes: dict[str, Any] = {}
    nested = {prefix: dict(getattr(recipe, name)) for prefix, name in _DICTIONARIES.items()}
    for key, text in _pairs(settings):
        prefix = key[: key.find(".") + 1]
        if prefix in nested:
            nested[prefix][key.removeprefix(prefix)] = _literal(text)
        elif key in _TYPES and key not in _DICTIONARIES.values():
            changes[key] = _parse(key, _TYPES[key], text)
            if f"{key}." in nested and changes[key] != getattr(recipe, key):
                nested[f"{key}."] = {}  # they were the other model's or optimizer's
        else:
            known = [name for name in _TYPES if name not in _DICTIONARIES.values()]
            known += [f"{prefix}{name}" for prefix, values in nested.items() for name in values]
            raise CifarlabError(discovery.unknown("setting", key, known))
    changes |= {_DICTIONARIES[prefix]: values for prefix, values in nested.items()}
    return dataclasses.replace(recipe, **changes)


def _pairs(settings: Sequence[str]) -> list[tuple[str, str]]:
    """Key and value of each setting, a whole model or optimizer before the arguments of its own."""
    pairs = []
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key.strip():
            raise CifarlabError(f"--set takes key=value, such as epochs=150. Received: {setting!r}")
        pairs.append((key.strip(), text))
    return sorted(pairs, key=lambda pair: "." in pair[0])


def allow_own_code(recipe: Recipe, code: Sequence[str | os.PathLike[str]] = ()) -> None:
    """Let what the user names be executed: the files of `code`, and model and data that no file named.

    Raises:
        CifarlabError: If a file of `code` is not there.
    """
    own_code.allow_files(code)
    own_code.allow(recipe.model, recipe.data)


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, ready for JSON."""
    return dataclasses.asdict(recipe)


def settings_of(recipe: Recipe) -> dict[str, Any]:
    """Every setting by the name that `--set` knows, such as `"model.widths"`, in the order of the fields."""
    settings: dict[str, Any] = {}
    prefixes = {field_name: prefix for prefix, field_name in _DICTIONARIES.items()}
    for key, value in to_dict(recipe).items():
        settings |= {prefixes[key] + name: each for name, each in value.items()} if key in prefixes else {key: value}
    return settings


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_dict` described; JSON's lists become tuples again.

    The Python files that it names are `own_code.Recorded`: they are not executed unless the user names them too.

    Raises:
        CifarlabError: If a field is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(values, Mapping):
        raise CifarlabError(f"a recipe is a dictionary of settings. Received: {values!r}")
    for key in values:
        if key not in _TYPES:
            raise CifarlabError(discovery.unknown("setting", key, _TYPES))
    if "model" not in values:
        raise CifarlabError(f"a recipe needs a model. Received: {dict(values)!r}")
    for key in _DICTIONARIES.values():
        if not isinstance(values.get(key, {}), Mapping):
            raise CifarlabError(_wrong_type(key, _TYPES[key], values[key]))
    found = {key: _tuples(value) for key, value in values.items()}
    named = {key: own_code.Recorded(found[key]) for key in ("model", "data") if isinstance(found.get(key), str)}
    return Recipe(**{**found, **named})


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that it is documented to raise
        return text.strip()


def _parse(key: str, expected: Any, text: str) -> Any:
    value = text.strip() if expected is str else _literal(text)
    if expected is float and (type(value) is int or value in ("nan", "inf", "-inf")):
        value = float(value)
    if not _has_type(value, expected):
        raise CifarlabError(_wrong_type(key, expected, text.strip()))
    return value


def _has_type(value: Any, expected: Any) -> bool:
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    origin = typing.get_origin(expected)
    return isinstance(value, origin if isinstance(origin, type) else expected)


def _wrong_type(key: str, expected: Any, value: Any) -> str:
    words = {int: "a whole number", float: "a number", str: "a word", bool: "True or False"}
    words[tuple] = "numbers in brackets, such as (24, 24)"
    wanted = words.get(typing.get_origin(expected) or expected, "a dictionary")
    return f"{key} must be {wanted}. Received: {value!r}"
