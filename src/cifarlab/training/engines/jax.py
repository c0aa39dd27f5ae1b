"""Training steps on JAX: one compiled scan over many steps, all state passed in and handed back."""

from collections.abc import Mapping
from typing import Any

import jax
import keras
import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.training.augmentation.flip import with_mirror_images
from cifarlab.training.engines._engine import device_labels, in_batches
from cifarlab.training.engines._loss import objective
from cifarlab.utils.arrays import Array


class BackendEngine:
    """See `cifarlab.training.engines.Engine`."""

    def __init__(
        self,
        model: keras.Model,
        trained: Mapping[int, keras.Model],
        optimizer: keras.optimizers.Optimizer,
        train: ImageSet,
        validation: ImageSet,
        label_smoothing: float,
        mirror: bool,
    ) -> None:
        self._images = jax.device_put(with_mirror_images(train.images, mirror))  # (N or 2 N, H, W, C) uint8
        self._labels = jax.device_put(device_labels(train))
        self._validation = jax.device_put(validation.images)
        self._parts = in_batches(validation.images)
        self._model = model
        self._trained = trained
        self._optimizer = optimizer
        self._label_smoothing = label_smoothing
        self._run = jax.jit(self._steps, donate_argnums=0, static_argnums=4)
        self._forward = jax.jit(self._validation_logits)
        self._state: tuple[list[Any], list[Any], list[Any]] | None = None

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        state = self._state or self._read()
        self._state, (losses, rights) = self._run(state, self._images, self._labels, indices, pixels)
        return np.asarray(losses), np.asarray(rights)

    def logits(self) -> Array:
        """Logits of the validation images."""
        self.synchronise()
        weights = [variable.value for variable in self._model.trainable_variables]
        others = [variable.value for variable in self._model.non_trainable_variables]
        parts = [np.asarray(self._forward(weights, others, self._validation[a:b])) for a, b in self._parts]
        result: Array = np.concatenate(parts).astype(np.float32)
        return result

    def synchronise(self) -> None:
        """Write the state back into Keras's variables; the next step reads it from there."""
        if self._state is None:
            return
        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._state = None

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        trained = self._trained[max(self._trained)]  # all heights have the same variables
        return (
            trained.trainable_variables,
            trained.non_trainable_variables,
            self._optimizer.variables,
        )

    def _read(self) -> tuple[list[Any], list[Any], list[Any]]:
        # Copies, because the compiled steps take over the memory of what they are given.
        weights, others, moments = ([jax.numpy.copy(v.value) for v in group] for group in self._variables())
        return weights, others, moments

    def _steps(self, state: Any, images: Any, labels: Any, indices: Any, pixels: int) -> Any:
        trained = self._trained[pixels]

        def step(carried: Any, rows: Any) -> Any:
            batch = images[rows]
            return self._step(carried, batch, labels[rows % len(labels)], trained)

        return jax.lax.scan(step, state, indices)

    def _step(self, state: Any, images: Any, labels: Any, trained: keras.Model) -> Any:
        weights, others, moments = state

        def loss_of(weights: Any) -> Any:
            logits, changed = trained.stateless_call(weights, others, images, training=True)
            losses, rights = objective(labels, logits, self._label_smoothing)
            return jax.numpy.mean(losses), (losses, rights, changed)

        (_, (losses, rights, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        weights, moments = self._optimizer.stateless_apply(moments, gradients, weights)
        return (weights, others, moments), (losses, rights)

    def _validation_logits(self, weights: Any, others: Any, images: Any) -> Any:
        return self._model.stateless_call(weights, others, images.astype("float32"), training=False)[0]
