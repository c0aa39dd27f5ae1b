"""Attacks: pictures changed by so little that nobody would see it, so that the model is wrong.

FGSM takes one step along the gradient, PGD many, each time drawn back to what is allowed. Written in Keras operations,
the same for every backend; only the gradient itself is the backend's (`cifarlab.inference.gradients`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab.inference.gradients import Gradient, loss_gradient
from cifarlab.utils.arrays import Array, full_batches
from cifarlab.utils.errors import CifarlabError

KINDS = ("fgsm", "pgd")
NORMS = ("linf", "l2")


@dataclass(frozen=True)
class Attack:
    """An attack and how much it may change.

    Attributes:
        kind: `"fgsm"`, one step from the picture itself; `"pgd"`, many from a random place nearby.
        norm: `"linf"`: no value changes by more than `epsilon`; `"l2"`: nor does the whole picture in Euclid's sense.
        epsilon: In grey levels, that is in units of 1/255.
        steps: Of PGD.

    Source: Goodfellow et al. 2014, arXiv:1412.6572; Madry et al. 2017, arXiv:1706.06083.
    """

    kind: str
    norm: str
    epsilon: float
    steps: int = 10

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.norm not in NORMS or not self.epsilon > 0 or self.steps < 1:
            raise CifarlabError(
                f"an attack is one of {', '.join(KINDS)} in one of {', '.join(NORMS)}, with epsilon above 0 and at "
                f"least one step. Received: {self}"
            )

    @property
    def label(self) -> str:
        """For people, such as `"PGD-10, L-inf, 2/255"`."""
        name = "FGSM" if self.kind == "fgsm" else f"PGD-{self.steps}"
        return f"{name}, {'L-inf' if self.norm == 'linf' else 'L2'}, {self.epsilon:g}/255"


ATTACKS = {
    "fgsm": tuple(Attack("fgsm", "linf", epsilon) for epsilon in (1, 2, 4, 8)),
    "pgd": (Attack("pgd", "linf", 1), Attack("pgd", "linf", 2), Attack("pgd", "linf", 8), Attack("pgd", "l2", 127.5)),
}
"""What is tried under each name: 8/255 in L-inf and 0.5 (127.5/255) in L2 are the usual ones for CIFAR-10."""


def attack(
    model: Any,
    images: Array,
    labels: Array,
    how: Attack,
    *,
    seed: int = 0,
    batch_size: int = 250,
    gradient: Gradient | None = None,
) -> NDArray[np.float32]:
    """Pictures that are hard for this model, each as close to its original as the attack demands.

    Args:
        model: A `keras.Model`: raw pixels in, logits out.
        images: `(N, H, W, C)` uint8.
        labels: `(N,)` int, the true classes, which the attack leads away from.
        how: What is allowed.
        seed: Of PGD's random starts.
        batch_size: Images at once.
        gradient: What `loss_gradient(model)` returned, to be compiled once for several attacks.

    Returns:
        `(N, H, W, C)` float32 from 0 to 255, not rounded to whole grey levels.
    """
    gradient = gradient or loss_gradient(model)
    random = np.random.default_rng((seed, 0xA77AC4))
    parts = [np.zeros((0, *images.shape[1:]), np.float32)]
    for rows, new in full_batches(len(images), batch_size):
        clean = images[rows].astype(np.float32)
        parts.append(_attack_batch(gradient, clean, labels[rows].astype(np.int32), how, random)[:new])
    return np.concatenate(parts)


def _attack_batch(
    gradient: Gradient, clean: Array, labels: Array, how: Attack, random: np.random.Generator
) -> NDArray[np.float32]:
    from keras import ops

    original = ops.convert_to_tensor(clean)
    reached, step, steps = original, how.epsilon, 1
    if how.kind == "pgd":
        # Steps of 2.5 epsilon / count reach the other side of the ball and can still turn.
        step, steps = 2.5 * how.epsilon / how.steps, how.steps
        start = ops.convert_to_tensor(_random_start(clean.shape, how, random))
        reached = ops.clip(original + start, 0.0, 255.0)
    for _ in range(steps):
        direction = _direction(gradient(reached, labels), how.norm)
        reached = ops.clip(original + _project(reached + step * direction - original, how), 0.0, 255.0)
    return np.asarray(ops.convert_to_numpy(reached), np.float32)


def _random_start(shape: tuple[int, ...], how: Attack, random: np.random.Generator) -> NDArray[np.float32]:
    """Anywhere in the ball, all places alike."""
    if how.norm == "linf":
        return random.uniform(-how.epsilon, how.epsilon, shape).astype(np.float32)
    noise = random.standard_normal(shape)
    lengths = np.sqrt((noise**2).sum(axis=(1, 2, 3), keepdims=True))
    values = noise[0].size
    radii = how.epsilon * random.random((shape[0], 1, 1, 1)) ** (1 / values)
    return np.asarray(noise / lengths * radii, np.float32)


def _direction(gradient: Any, norm: str) -> Any:
    """The step of length 1 that raises the loss most, in this norm; none where the gradient is 0."""
    from keras import ops

    if norm == "linf":
        return ops.sign(gradient)
    # Scaled by the largest part first, as the square of a very small gradient would be 0.
    largest = ops.max(ops.abs(gradient), axis=(1, 2, 3), keepdims=True)
    scaled = gradient / ops.maximum(largest, 1e-30)
    return scaled / ops.maximum(_length(scaled), 1e-12)


def _project(change: Any, how: Attack) -> Any:
    """The nearest change that is allowed."""
    from keras import ops

    if how.norm == "linf":
        return ops.clip(change, -how.epsilon, how.epsilon)
    return change * ops.minimum(1.0, how.epsilon / ops.maximum(_length(change), 1e-12))


def _length(values: Any) -> Any:
    from keras import ops

    return ops.sqrt(ops.sum(ops.square(values), axis=(1, 2, 3), keepdims=True))
