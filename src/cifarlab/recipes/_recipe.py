"""Recipe: everything that decides a training's result, frozen, and checked when it is made."""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cifarlab.utils.errors import CifarlabError

OPTIMIZERS = ("adam", "lion", "muon", "sgd")
SCHEDULES = ("constant", "cosine", "linear")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
FLIPS = ("none", "random", "alternating")
SELECT_BY = ("accuracy", "loss", "macro_f1", "balanced_accuracy")
NO_WEIGHTS, BALANCED = "none", "balanced"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A training, described completely.

    Attributes:
        model: Name of a file in `cifarlab.models`, or a path to a user's own.
        model_args: Keyword arguments of that file's `build`.
        data: Name of a data set, such as `"cifar10"`, `"digits"` or `"folder:PATH"`.
        validation_fraction: Share of the training images held out, by class, with a fixed seed; 0 trains on all.
        fold: Which part of that size is held out, from 0; with a fraction of `1 / K` the parts 0 to K - 1 are all.
        confirmation_fraction: Share of the training images set aside first, by class, with another fixed seed: neither
            trained on nor validated with. A search judges its winner by them, see `cifarlab tune`.
        epochs: Passes over the training images.
        batch_size: Images per step; the last, smaller batch of an epoch is dropped in training only.
        optimizer: How gradients become steps.
        learning_rate: Peak learning rate.
        optimizer_args: More keyword arguments of the optimizer: those of its class in `keras.optimizers`, or, for
            `"muon"`, of `cifarlab.training.optimizers.muon.Muon`.
        weight_decay: Decoupled weight decay, multiplied by the learning rate (arXiv:1711.05101); 0 is off.
        lasso: Pull every weight of a kernel towards 0 by this, multiplied by the learning rate, at every step, and set
            to 0 what is smaller than `lasso_beta` times it (beta-LASSO, arXiv:2007.13657); 0 is off.
        lasso_beta: How many times `lasso` a weight must be, not to be set to 0.
        clip_norm: Where the gradient of all weights together is longer than this, it is shortened to this length
            (arXiv:1211.5063); 0 is off.
        schedule: How the learning rate falls after the warm-up, over all remaining steps.
        warmup_epochs: Epochs of linear rise from 0 to `learning_rate`.
        label_smoothing: Share of every label spread evenly over all classes (arXiv:1512.00567); training loss only.
        class_weight: How much an image's loss counts, by its class: `"none"`; `"balanced"`, `N / (K n)` for a class
            with n of the N training images of K classes (scikit-learn's formula); or a mapping of class names or
            numbers to weights, where a class that is not named weighs 1. What is minimised is weighted; every loss
            that is recorded is not.
        ema: Decay of an exponential moving average of the weights, one update a step; 0 is off. Validation and the
            saved model use the average. Batch normalisation's statistics are not averaged once more: they are the
            moving averages that the network keeps itself.
        flip: Mirror training images left-right: `"none"`; `"random"`, each with probability 1/2; or `"alternating"`,
            by chance in the first epoch and from then on the other way round every epoch (arXiv:2404.00498).
        translate_pixels: Shift each training image by up to this many pixels, with edges reflected; between
            pixels too where it is also turned or stretched.
        rotate_degrees: Turn each training image about its centre by up to this many degrees, with edges reflected.
        zoom_factor: Stretch or shrink each training image's height and width by up to this share, independently.
        brightness_factor: Make each training image lighter or darker by up to this share of the range of its values.
        contrast_factor: Multiply each training image's distances from mid-grey by 1 plus or minus up to this much.
        cutout_pixels: Cover a square of so many pixels of each training image with mid-grey (arXiv:1708.04552); 0 is
            off. Of images that `image_pixels` shrinks, as large a part.
        mixup_alpha: Mix images and labels, by shares from Beta(alpha, alpha) (arXiv:1710.09412); 0 is off.
        cutmix_alpha: Put a rectangle of one image into another, likewise (arXiv:1905.04899); 0 is off.
        image_pixels: Height of the training images in the first epochs, one number an epoch; full size after them.
        shuffle_pixels: All pixels of every image in another order, the same for all images, decided by a constant; the
            model begins with it, so that images are changed by chance before (see `cifarlab permutation`).
        precision: `"float32"`; `"bfloat16"` for bfloat16 arithmetic over float32 weights; `"float16"` likewise, on GPUs
            alone, with a loss that is scaled so that small gradients do not become 0 (arXiv:1710.03740); or `"auto"`
            for bfloat16 where the processor or accelerator has it.
        select_by: By which measure on the validation images an epoch is the best, whose weights are kept: one of
            `SELECT_BY`. Of equal ones the lower loss wins. Where nothing is held out the last epoch is kept.
        patience: Stop once so many epochs in a row were no better, by `select_by`, than the best before; 0 never
            stops early.
        seed: Decides the initial weights, the shuffling, dropout and augmentation.
        start_from: A run, or `"builtin"`, whose trained weights the training begins with, instead of random ones. The
            last layer is a new one, unless the classes are the same. Empty: begin anew.
        start_checksum: Of those weights, as the run recorded it: others are refused. Empty: not yet known.
        from_rate: The learning rate of what was taken over, as a share of that of the new last layer; 0 freezes it.
            Below 1, batch normalisation taken over is frozen: it normalises by the source's statistics.
        head_first: Whether a new last layer is fitted before the first epoch, by logistic regression on what the
            network taken over makes of the training images (arXiv:2202.10054).
    """

    model: str
    model_args: Mapping[str, Any] = field(default_factory=dict)
    data: str = "cifar10"
    validation_fraction: float = 0.1
    fold: int = 0
    confirmation_fraction: float = 0.0
    epochs: int = 100
    batch_size: int = 1000
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    optimizer_args: Mapping[str, Any] = field(default_factory=dict)
    weight_decay: float = 0.0
    lasso: float = 0.0
    lasso_beta: float = 50.0
    clip_norm: float = 0.0
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    class_weight: str | Mapping[str, float] = NO_WEIGHTS
    ema: float = 0.0
    flip: str = "none"
    translate_pixels: int = 0
    rotate_degrees: float = 0.0
    zoom_factor: float = 0.0
    brightness_factor: float = 0.0
    contrast_factor: float = 0.0
    cutout_pixels: int = 0
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    image_pixels: tuple[int, ...] = ()
    shuffle_pixels: bool = False
    precision: str = "float32"
    select_by: str = "accuracy"
    patience: int = 0
    seed: int = 0
    start_from: str = ""
    start_checksum: str = ""
    from_rate: float = 1.0
    head_first: bool = True

    def __post_init__(self) -> None:
        # The only way into a frozen dataclass. Copies, so that the caller's dictionaries may change and the recipe not.
        object.__setattr__(self, "model_args", dict(self.model_args))
        object.__setattr__(self, "optimizer_args", dict(self.optimizer_args))
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not has_type(value, TYPES[item.name]):
                raise CifarlabError(wrong_type(item.name, TYPES[item.name], value))
        if not isinstance(self.class_weight, str):  # JSON knows no numbers as keys
            weights = {str(key): value for key, value in self.class_weight.items()}
            object.__setattr__(self, "class_weight", weights)
        renamed = {current_name(self.model, name): value for name, value in self.model_args.items()}
        object.__setattr__(self, "model_args", renamed)
        for name, (is_right, expected) in _LIMITS.items():
            if not is_right(getattr(self, name)):
                raise CifarlabError(f"{name} must be {expected}. Received: {getattr(self, name)!r}")
        if self.shuffle_pixels and self.image_pixels:
            raise CifarlabError(
                "shuffle_pixels needs images of one size: add --set image_pixels=(). "
                f"Received: image_pixels={self.image_pixels}"
            )
        if self.patience and not self.validation_fraction:
            raise CifarlabError("patience watches the validation images: give a validation_fraction above 0")
        # By the middle of the part, which lies inside even where 3 * (1 / 3) is not quite 1.
        if self.fold and (self.fold + 0.5) * self.validation_fraction >= 1:
            raise CifarlabError(
                f"there is no fold {self.fold}: with validation_fraction={self.validation_fraction:g} the last one is "
                f"{max(0, round(1 / (self.validation_fraction or 1)) - 1)}"
            )

    @property
    def held_out(self) -> dict[str, Any]:
        """What `cifarlab.datasets.load_data` needs to hold out the same images."""
        names = ("validation_fraction", "fold", "confirmation_fraction")
        return {name: getattr(self, name) for name in names}


TYPES: dict[str, Any] = typing.get_type_hints(Recipe)
# What older versions called arguments of the package's own models: runs, results and users' recipes have these names.
_OLD_ARGUMENTS = {
    ("bottleneck_mlp", "reach_pixels"): "sigma_pixels",
    ("bottleneck_mlp", "far_rate"): "far_learning_rate_scale",
}

_Limit = tuple[Callable[[Any], bool], str]


def _one_of(options: tuple[str, ...]) -> _Limit:
    return lambda value: value in options, "one of " + ", ".join(options)


# NaN fails every comparison, and so is refused by each; only infinity needs a question of its own.
_SHARE: _Limit = (lambda v: 0 <= v < 1, "at least 0 and less than 1")
_FACTOR: _Limit = (lambda v: 0 <= v <= 1, "between 0 and 1")
_ALPHA: _Limit = (lambda v: 0 <= v <= 100, "between 0 and 100")
_COUNT: _Limit = (lambda v: v >= 1, "at least 1")
_NOT_NEGATIVE: _Limit = (lambda v: v >= 0, "at least 0")
_FINITE: _Limit = (lambda v: math.isfinite(v) and v >= 0, "a finite number, at least 0")
_CLASS_WEIGHT: _Limit = (
    lambda v: v in (NO_WEIGHTS, BALANCED) if isinstance(v, str) else _are_weights(v),
    'none, balanced, or finite numbers above 0 by class, such as {"cat": 2.0}',
)
_LIMITS: dict[str, _Limit] = {
    "validation_fraction": _SHARE,
    "fold": _NOT_NEGATIVE,
    "confirmation_fraction": _SHARE,
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "optimizer": _one_of(OPTIMIZERS),
    "learning_rate": (lambda v: math.isfinite(v) and v > 0, "a finite number above 0"),
    "weight_decay": _FINITE,
    "lasso": _FINITE,
    "lasso_beta": _FINITE,
    "clip_norm": _FINITE,
    "schedule": _one_of(SCHEDULES),
    "warmup_epochs": _FINITE,
    "label_smoothing": _SHARE,
    "class_weight": _CLASS_WEIGHT,
    "ema": _SHARE,
    "flip": _one_of(FLIPS),
    "translate_pixels": _NOT_NEGATIVE,
    "rotate_degrees": (lambda v: 0 <= v <= 180, "between 0 and 180"),
    "zoom_factor": _FACTOR,
    "brightness_factor": _FACTOR,
    "contrast_factor": _FACTOR,
    "cutout_pixels": _NOT_NEGATIVE,
    "mixup_alpha": _ALPHA,
    "cutmix_alpha": _ALPHA,
    "image_pixels": (lambda v: all(type(p) is int and p >= 1 for p in v), "whole numbers of at least 1"),
    "precision": _one_of(PRECISIONS),
    "select_by": _one_of(SELECT_BY),
    "patience": _NOT_NEGATIVE,
    "from_rate": _FACTOR,
    "seed": (lambda v: 0 <= v < 2**31, "between 0 and 2147483647"),
}


def _are_weights(values: Mapping[str, Any]) -> bool:
    return bool(values) and all(has_type(each, float) and math.isfinite(each) and each > 0 for each in values.values())


def current_name(model: str, argument: str) -> str:
    """An argument of a model as it is called now."""
    return _OLD_ARGUMENTS.get((model, argument), argument)


def has_type(value: Any, expected: Any) -> bool:
    """Whether a value fits a field's annotation; every whole number fits `float`, and True is no number."""
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(expected, types.UnionType):
        return any(has_type(value, each) for each in typing.get_args(expected))
    origin = typing.get_origin(expected)  # `isinstance` takes no `Mapping[str, Any]` or `tuple[int, ...]`
    return isinstance(value, origin if isinstance(origin, type) else expected)


def wrong_type(key: str, expected: Any, value: Any) -> str:
    """The message for a value of another type."""
    words = {int: "a whole number", float: "a number", str: "a word", bool: "True or False"}
    words[tuple] = "numbers in brackets, such as (24, 24)"
    words[types.UnionType] = 'a word, or a dictionary such as {"cat": 2.0}'
    kind = words.get(typing.get_origin(expected) or expected, "a dictionary")
    return f"{key} must be {kind}. Received: {value!r}"
