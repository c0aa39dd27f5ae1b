"""Training steps on TensorFlow: one graph that gathers, augments, differentiates and updates, many steps a call."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cifarlab.records import Array, ImageSet
from cifarlab.training.engines import device_labels, in_batches
from cifarlab.training.objective import objective


class BackendEngine:
    """See `cifarlab.training.engines.Engine`."""

    def __init__(
        self,
        model: keras.Model,
        trained: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        train: ImageSet,
        validation: ImageSet,
        label_smoothing: float,
    ) -> None:
        self._images = tf.constant(train.images)  # (N, H, W, C) uint8
        self._labels = tf.constant(device_labels(train))
        self._validation = tf.constant(validation.images)
        self._parts = in_batches(validation.images)
        self._trained = trained
        self._optimizer = optimizer
        self._label_smoothing = label_smoothing
        self._run = tf.function(self._steps, reduce_retracing=True)
        self._forward = tf.function(lambda images: model(images, training=False), reduce_retracing=True)

    def run(self, indices: Array) -> tuple[Array, Array]:
        """One step a row of `indices`."""
        losses, rights = self._run(tf.constant(indices))
        return losses.numpy(), rights.numpy()

    def logits(self) -> Array:
        """Logits of the validation images."""
        parts = [self._forward(tf.cast(self._validation[a:b], tf.float32)).numpy() for a, b in self._parts]
        result: Array = np.concatenate(parts).astype(np.float32)
        return result

    def synchronise(self) -> None:
        """Keras's variables are TensorFlow's own: nothing to do."""

    def _steps(self, indices: Any) -> tuple[Any, Any]:
        count = tf.shape(indices)[0]
        losses = tf.TensorArray(tf.float32, size=count)
        rights = tf.TensorArray(tf.int32, size=count)
        for number in tf.range(count):
            loss, right = self._step(indices[number])
            losses = losses.write(number, loss)
            rights = rights.write(number, right)
        return losses.stack(), rights.stack()

    def _step(self, rows: Any) -> tuple[Any, Any]:
        images = tf.gather(self._images, rows)
        labels = tf.gather(self._labels, rows)
        with tf.GradientTape() as tape:
            loss, right = objective(labels, self._trained(images, training=True), self._label_smoothing)
        variables = self._trained.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, right
