"""Muon for convolution and hidden dense kernels, and plain momentum or Adam for all else."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

# a, b, c of a x + b x^3 + c x^5, which acts on each singular value alone. a is the slope at 0: small values grow more
# than threefold a step. It does not converge to 1: from [0, 1.2] it never leaves [0, 1.21], and beyond 1.3 it explodes.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
# Of Adam, in short trainings: its second moments are of the last hundred steps, not of the last thousand.
BETA_1, BETA_2 = 0.9, 0.99


class Muon(keras.optimizers.Optimizer):
    """Each kernel's momentum is made orthogonal before it is applied; biases and the last layer get SGD or Adam.

    A convolution kernel `(h, w, inputs, outputs)` counts as a matrix `(h * w * inputs, outputs)`. Before its update a
    kernel is scaled to the norm `sqrt(outputs)`, so that `learning_rate` is at most about the relative size of a step:
    that much where it has no fewer inputs than outputs, else `sqrt(inputs / outputs)` times it. Learning-rate scales
    multiply all that changes a weight, this scaling too.

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
        block_rows: A kernel is orthogonalised in blocks of at most so many rows of its smaller side, each by itself,
            which takes that much less arithmetic; 0: as a whole.
        adam_learning_rate: At the peak of the schedule, of Adam, which then moves vectors and the layer `logits`, and
            the numbers for SGD and `batch_size` are refused; 0: they get SGD.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; kernels as matrices and the scaling:
    the program airbench94_muon by the same author; blocks: Khaled et al. 2025, arXiv:2510.16981, who also orthogonalise
    the whole now and then.
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
        block_rows: int = 0,
        adam_learning_rate: float = 0.0,
        name: str = "muon",
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        peak = float(getattr(learning_rate, "peak", learning_rate))
        self.momentum = momentum
        self.sgd_momentum = sgd_momentum
        self.shrink = shrink * batch_size
        self.newton_schulz_steps = newton_schulz_steps
        self.iteration_dtype = dtype
        self.block_rows = block_rows
        self._peak = peak
        self._adam_rate = adam_learning_rate / peak
        self._rates = {"head": head_learning_rate * batch_size / peak, "bias": bias_learning_rate * batch_size / peak}

    def build(self, variables: Sequence[Any]) -> None:
        """One momentum a variable, and for Adam the mean of its squared gradients."""
        if self.built:
            return
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(variable, name="momentum") for variable in variables]
        self.velocities = {
            index: self.add_variable_from_reference(variable, name="velocity")
            for index, variable in enumerate(variables)
            if self._adam_rate and _kind(variable) != "kernel"
        }

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable in place."""
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, "float32")
        learning_rate = ops.cast(learning_rate, "float32")
        kind = _kind(self._trainable_variables[index])
        if kind == "kernel":
            self._orthogonal_step(gradient, variable, learning_rate, self.momentums[index])
        elif self._adam_rate:  # the schedule's rate is that of kernels; the others' are shares of it: all fall together
            self._adam_step(gradient, variable, learning_rate * self._adam_rate, index)
        else:
            self._sgd_step(gradient, variable, learning_rate, self._rates[kind], self.momentums[index])

    def _orthogonal_step(self, gradient: Any, variable: Any, learning_rate: Any, momentum: Any) -> None:
        self.assign(momentum, self.momentum * momentum + gradient)
        direction = orthogonalise(  # (h * w * inputs, outputs); Nesterov: one step ahead of the momentum
            ops.reshape(gradient + self.momentum * momentum, (-1, variable.shape[-1])),
            self.newton_schulz_steps,
            self.iteration_dtype,
            self.block_rows,
        )
        scale = float(variable.shape[-1]) ** 0.5 / (ops.sqrt(ops.sum(ops.square(variable))) + 1e-12)
        self.assign(variable, scale * variable - learning_rate * ops.reshape(direction, variable.shape))

    def _sgd_step(self, gradient: Any, variable: Any, learning_rate: Any, rate: float, momentum: Any) -> None:
        # Divided by what the update multiplies with: at the peak a gradient costs `shrink` of the variable itself.
        gradient = gradient + (self.shrink / (rate * self._peak)) * variable
        self.assign(momentum, self.sgd_momentum * momentum + gradient)
        self.assign_sub(variable, learning_rate * rate * (gradient + self.sgd_momentum * momentum))

    def _adam_step(self, gradient: Any, variable: Any, learning_rate: Any, index: int) -> None:
        momentum, velocity = self.momentums[index], self.velocities[index]
        step = ops.cast(self.iterations + 1, "float32")
        self.assign(momentum, BETA_1 * momentum + (1 - BETA_1) * gradient)
        self.assign(velocity, BETA_2 * velocity + (1 - BETA_2) * ops.square(gradient))
        mean, square = momentum / (1 - BETA_1**step), velocity / (1 - BETA_2**step)
        self.assign_sub(variable, learning_rate * mean / (ops.sqrt(square) + 1e-8))


def orthogonalise(matrix: Any, steps: int, dtype: str, block_rows: int = 0) -> Any:
    """Push all singular values towards 1, by Newton and Schulz's iteration of fifth order.

    Args:
        matrix: `(M, N)` float32.
        steps: Iterations; three leave the values between about 0.3 and 1.2.
        dtype: In which the products are done.
        block_rows: At most so many rows of a wide matrix, or columns of a tall one, make a block, and it is the
            singular values of each block that go to 1; 0: the whole matrix is one.

    Returns:
        `(M, N)` float32.
    """
    tall = matrix.shape[0] > matrix.shape[1]  # the smaller Gram matrix: (N, N), else (M, M)
    if 0 < block_rows < min(matrix.shape):
        wide = _orthogonalise_blocks(ops.transpose(matrix) if tall else matrix, steps, dtype, block_rows)
        return ops.transpose(wide) if tall else wide
    a, b, c = NEWTON_SCHULZ
    # By the Frobenius norm, which is at least the largest singular value: so all of them begin in [0, 1].
    x = ops.cast(matrix / (ops.sqrt(ops.sum(ops.square(matrix))) + 1e-7), dtype)
    for _ in range(steps):
        gram = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        factor = b * gram + c * ops.matmul(gram, gram)
        x = a * x + (ops.matmul(x, factor) if tall else ops.matmul(factor, x))
    return ops.cast(x, "float32")


def _orthogonalise_blocks(matrix: Any, steps: int, dtype: str, block_rows: int) -> Any:
    """Every block of rows of a wide `(M, N)` matrix by itself, all in one batch of products."""
    rows, columns = matrix.shape
    blocks = -(-rows // block_rows)
    size = -(-rows // blocks)  # as even as can be; rows of zeros fill the last block, and stay zeros
    x = ops.reshape(ops.pad(matrix, ((0, blocks * size - rows), (0, 0))), (blocks, size, columns))
    a, b, c = NEWTON_SCHULZ
    x = ops.cast(x / (ops.sqrt(ops.sum(ops.square(x), axis=(1, 2), keepdims=True)) + 1e-7), dtype)
    for _ in range(steps):
        gram = ops.matmul(x, ops.transpose(x, (0, 2, 1)))  # (blocks, size, size)
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.cast(ops.reshape(x, (blocks * size, columns))[:rows], "float32")


def _kind(variable: Any) -> str:
    if len(variable.shape) < 2:
        return "bias"
    return "head" if "logits" in variable.path else "kernel"  # `layer/variable`; our models end in `logits`
