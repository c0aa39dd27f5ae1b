"""Training steps on JAX: one compiled scan over many steps, all state passed in and handed back.

Several devices share a step's images, and each has all variables: the program is written for the whole batch, and the
compiler divides it. So batch statistics, mixed neighbours and random draws are those of the whole batch, on any number.
"""

from typing import Any

import jax
import keras
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

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

    def __init__(self, *args: Any, **settings: Any) -> None:
        mesh = Mesh(np.array(jax.devices()[: settings.get("devices", 1)]), ("batch",))
        self._everywhere = NamedSharding(mesh, PartitionSpec())  # a copy on each device
        self._divided = NamedSharding(mesh, PartitionSpec("batch"))  # the first axis, in equal parts
        steps = NamedSharding(mesh, PartitionSpec(None, "batch"))  # (S, B): of every step its part
        super().__init__(*args, **settings)
        # The state's memory is given away (`donate_argnums`): the new one is written over the old one.
        self._run = jax.jit(  # compiled once for each height
            self._steps,
            donate_argnums=0,
            static_argnums=4,
            in_shardings=(self._everywhere, self._everywhere, self._everywhere, steps),
            out_shardings=(self._everywhere, steps),
        )
        self._forward = jax.jit(self._validation_logits, out_shardings=self._divided)
        self._state: State | None = None

    @classmethod
    def count_devices(cls) -> int:
        """Those that JAX sees."""
        return len(jax.devices())

    def put(self, array: Array) -> Any:
        """An array on every device."""
        return jax.device_put(array, self._everywhere)

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        state = self._state or self._read()
        # Images and labels are arguments: a constant of the program would be compiled into it.
        self._state, (losses, rights) = self._run(state, self.images, self.labels, indices, pixels)
        return np.asarray(losses), np.asarray(rights)

    def forward(self, images: Any) -> Array:
        """Logits of some validation images, by Keras's variables, which are up to date."""
        weights, others = (
            [jax.device_put(variable.value, self._everywhere) for variable in group]
            for group in (self.model.trainable_variables, self.model.non_trainable_variables)
        )
        count = len(images)
        lacking = -count % self.devices  # parts are equal: black images make them so, and are left out of what is said
        padded = jax.numpy.pad(images, ((0, lacking), *((0, 0),) * (images.ndim - 1))) if lacking else images
        return np.asarray(self._forward(weights, others, jax.device_put(padded, self._divided)))[:count]

    def synchronise(self) -> None:
        """Write the state back into Keras's variables; the next step reads it from there."""
        if self._state is None:
            return
        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value.addressable_data(0))  # all copies are equal; Keras knows one device
        self._state = None

    def _variables(self) -> State:
        # Every height has these variables in this order, and `stateless_call` takes values by their place alone.
        trained = self.trained[max(self.trained)]
        return trained.trainable_variables, trained.non_trainable_variables, self.optimizer.variables

    def _read(self) -> State:
        # Copies, because the compiled steps take over the memory of what they are given.
        weights, others, moments = (
            [jax.device_put(jax.numpy.copy(variable.value), self._everywhere) for variable in group]
            for group in self._variables()
        )
        return weights, others, moments

    def _steps(self, state: Any, images: Any, labels: Any, indices: Any, pixels: int) -> Any:
        trained = self.trained[pixels]

        def step(carried: Any, rows: Any) -> Any:
            batch = jax.lax.with_sharding_constraint(images[rows], self._divided)  # (B, H, W, C) uint8
            return self._step(carried, batch, labels[rows % len(labels)], trained)

        # The number of steps is part of the compiled program: hence `fit` takes powers of two.
        return jax.lax.scan(step, state, indices)  # the state, and (S, B) losses and answers

    def _step(self, state: Any, images: Any, labels: Any, trained: keras.Model) -> Any:
        weights, others, moments = state

        def loss_of(weights: Any) -> Any:
            # Batch statistics and random states come back as values: nothing is changed in place.
            logits, changed = trained.stateless_call(weights, others, images, training=True)
            losses, rights, weighted = objective(labels, logits, self.label_smoothing, self.class_weights)
            with keras.StatelessScope(state_mapping=list(zip(self.optimizer.variables, moments, strict=True))):
                loss = self.optimizer.scale_loss(jax.numpy.mean(weighted))  # by what is among the moments
            return loss, (losses, rights, changed)

        (_, (losses, rights, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        weights, moments = self.optimizer.stateless_apply(moments, gradients, weights)
        return (weights, others, moments), (losses, rights)

    def _validation_logits(self, weights: Any, others: Any, images: Any) -> Any:
        return self.model.stateless_call(weights, others, images.astype("float32"), training=False)[0]
