"""Muon for convolution and hidden dense kernels, and plain momentum for all else."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

# a, b, c of a x + b x^3 + c x^5, which acts on each singular value alone. a is the slope at 0: small values grow more
# than threefold a step. It does not converge to 1: from [0, 1.2] it never leaves [0, 1.21], and beyond 1.3 it explodes.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon(keras.optimizers.Optimizer):
    """Each kernel's momentum is made orthogonal before it is applied; biases and the last layer get SGD.

    A convolution kernel `(h, w, inputs, outputs)` counts as a matrix `(h * w * inputs, outputs)`. Before its update a
    kernel is scaled to the norm `sqrt(outputs)`, so that `learning_rate` is the relative size of a step.

    Args:
        learning_rate: Of the kernels.
        momentum: Of the kernels; Nesterov's kind.
        head_learning_rate: Of the layer named `logits`, for each image of a batch, at the peak of the schedule.
        bias_learning_rate: Of vectors, likewise.
        sgd_momentum: Of both; Nesterov's kind.
        shrink: Share of themselves that head and vectors lose with every gradient, for each image of a batch, likewise.
        batch_size: Images in a batch, whose mean loss the gradients are of; the three numbers above are multiplied by
            it, so that they suit any batch.
        newton_schulz_steps: Iterations towards orthogonality.
        dtype: In which these iterations are done.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; kernels as matrices and the scaling:
    the program airbench94_muon by the same author.
    """

    def __init__(
        self,
        learning_rate: Any = 0.24,
        *,
        momentum: float = 0.6,
        head_learning_rate: float = 1e-5,
        bias_learning_rate: float = 0.05,
        sgd_momentum: float = 0.85,
        shrink: float = 2e-6,
        batch_size: int = 1,
        newton_schulz_steps: int = 3,
        dtype: str = "float32",
        name: str = "muon",
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        peak = float(getattr(learning_rate, "peak", learning_rate))
        self.momentum = momentum
        self.sgd_momentum = sgd_momentum
        self.shrink = shrink * batch_size
        self.newton_schulz_steps = newton_schulz_steps
        self.iteration_dtype = dtype
        self._peak = peak
        self._rates = {"head": head_learning_rate * batch_size / peak, "bias": bias_learning_rate * batch_size / peak}

    def build(self, variables: Sequence[Any]) -> None:
        """One momentum a variable."""
        if self.built:
            return
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(variable, name="momentum") for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable in place."""
        index = self._get_variable_index(variable)
        trained, momentum = self._trainable_variables[index], self.momentums[index]
        gradient = ops.cast(gradient, "float32")
        learning_rate = ops.cast(learning_rate, "float32")
        kind = _kind(trained)
        if kind == "kernel":  # (h, w, inputs, outputs) or (inputs, outputs)
            self.assign(momentum, self.momentum * momentum + gradient)
            direction = orthogonalise(  # (h * w * inputs, outputs); Nesterov: one step ahead of the momentum
                ops.reshape(gradient + self.momentum * momentum, (-1, variable.shape[-1])),
                self.newton_schulz_steps,
                self.iteration_dtype,
            )
            scale = float(variable.shape[-1]) ** 0.5 / (ops.sqrt(ops.sum(ops.square(variable))) + 1e-12)
            self.assign(variable, scale * variable - learning_rate * ops.reshape(direction, variable.shape))
            return
        # The schedule's rate is that of kernels; the others' are shares of it, so that all fall together.
        rate = self._rates[kind]
        # Divided by what the update multiplies with: at the peak a gradient costs `shrink` of the variable itself.
        gradient = gradient + (self.shrink / (rate * self._peak)) * variable
        self.assign(momentum, self.sgd_momentum * momentum + gradient)
        self.assign_sub(variable, learning_rate * rate * (gradient + self.sgd_momentum * momentum))


def orthogonalise(matrix: Any, steps: int, dtype: str) -> Any:
    """Push all singular values towards 1, by Newton and Schulz's iteration of fifth order.

    Args:
        matrix: `(M, N)` float32.
        steps: Iterations; three leave the values between about 0.3 and 1.2.
        dtype: In which the products are done.

    Returns:
        `(M, N)` float32.
    """
    a, b, c = NEWTON_SCHULZ
    # By the Frobenius norm, which is at least the largest singular value: so all of them begin in [0, 1].
    x = ops.cast(matrix / (ops.sqrt(ops.sum(ops.square(matrix))) + 1e-7), dtype)
    tall = matrix.shape[0] > matrix.shape[1]  # the smaller Gram matrix: (N, N), else (M, M)
    for _ in range(steps):
        gram = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        factor = b * gram + c * ops.matmul(gram, gram)
        x = a * x + (ops.matmul(x, factor) if tall else ops.matmul(factor, x))
    return ops.cast(x, "float32")


def _kind(variable: Any) -> str:
    if len(variable.shape) < 2:
        return "bias"
    return "head" if "logits" in variable.path else "kernel"  # `layer/variable`; our models end in `logits`
