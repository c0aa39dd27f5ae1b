"""Training steps on JAX: one compiled scan over many steps, all state passed in and handed back."""

from typing import Any

import jax
import keras
import numpy as np

from cifarlab.training.engines._engine import Engine
from cifarlab.training.engines._loss import objective
from cifarlab.utils.arrays import Array

State = tuple[list[Any], list[Any], list[Any]]
"""Values of the trainable variables, of the others (statistics, random states), and of the optimizer's."""


class BackendEngine(Engine):
    """See `cifarlab.training.engines.Engine`.

    JAX's functions are pure. Between two calls the state is here and Keras's variables are out of date, until
    `synchronise` writes it back.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The state's memory is given away (`donate_argnums`): the new one is written over the old one.
        self._run = jax.jit(self._steps, donate_argnums=0, static_argnums=4)  # compiled once for each height
        self._forward = jax.jit(self._validation_logits)
        self._state: State | None = None

    def put(self, array: Array) -> Any:
        """An array on the device."""
        return jax.device_put(array)

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        state = self._state or self._read()
        # Images and labels are arguments: a constant of the program would be compiled into it.
        self._state, (losses, rights) = self._run(state, self.images, self.labels, indices, pixels)
        return np.asarray(losses), np.asarray(rights)

    def forward(self, images: Any) -> Array:
        """Logits of some validation images, by Keras's variables, which are up to date."""
        weights = [variable.value for variable in self.model.trainable_variables]
        others = [variable.value for variable in self.model.non_trainable_variables]
        return np.asarray(self._forward(weights, others, images))

    def synchronise(self) -> None:
        """Write the state back into Keras's variables; the next step reads it from there."""
        if self._state is None:
            return
        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._state = None

    def _variables(self) -> State:
        # Every height has these variables in this order, and `stateless_call` takes values by their place alone.
        trained = self.trained[max(self.trained)]
        return trained.trainable_variables, trained.non_trainable_variables, self.optimizer.variables

    def _read(self) -> State:
        # Copies, because the compiled steps take over the memory of what they are given.
        weights, others, moments = ([jax.numpy.copy(v.value) for v in group] for group in self._variables())
        return weights, others, moments

    def _steps(self, state: Any, images: Any, labels: Any, indices: Any, pixels: int) -> Any:
        trained = self.trained[pixels]

        def step(carried: Any, rows: Any) -> Any:
            batch = images[rows]  # (B, H, W, C) uint8
            return self._step(carried, batch, labels[rows % len(labels)], trained)

        # The number of steps is part of the compiled program: hence `fit` takes powers of two.
        return jax.lax.scan(step, state, indices)  # the state, and (S, B) losses and answers

    def _step(self, state: Any, images: Any, labels: Any, trained: keras.Model) -> Any:
        weights, others, moments = state

        def loss_of(weights: Any) -> Any:
            # Batch statistics and random states come back as values: nothing is changed in place.
            logits, changed = trained.stateless_call(weights, others, images, training=True)
            losses, rights = objective(labels, logits, self.label_smoothing)
            return jax.numpy.mean(losses), (losses, rights, changed)

        (_, (losses, rights, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        weights, moments = self.optimizer.stateless_apply(moments, gradients, weights)
        return (weights, others, moments), (losses, rights)

    def _validation_logits(self, weights: Any, others: Any, images: Any) -> Any:
        return self.model.stateless_call(weights, others, images.astype("float32"), training=False)[0]
