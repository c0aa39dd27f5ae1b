"""Training steps on TensorFlow: one graph that gathers, augments, differentiates and updates, many steps a call."""

from typing import Any

import keras
import tensorflow as tf

from cifarlab.training.engines._engine import Engine
from cifarlab.training.engines._loss import objective
from cifarlab.utils.arrays import Array


class BackendEngine(Engine):
    """See `cifarlab.training.engines.Engine`. Keras's variables are TensorFlow's own, and changed in place."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # `reduce_retracing`: the numbers of steps and the last part of validation differ, and must not be traced anew.
        self._run = tf.function(self._steps, reduce_retracing=True)  # traced once for each height
        self._forward = tf.function(lambda images: self.model(images, training=False), reduce_retracing=True)

    def put(self, array: Array) -> Any:
        """A constant tensor, which graphs refer to and do not hold a copy of."""
        return tf.constant(array)

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        losses, rights = self._run(tf.constant(indices), pixels)
        return losses.numpy(), rights.numpy()

    def forward(self, images: Any) -> Array:
        """Logits of some validation images."""
        logits: Array = self._forward(tf.cast(images, tf.float32)).numpy()
        return logits

    def _steps(self, indices: Any, pixels: int) -> tuple[Any, Any]:
        count = tf.shape(indices)[0]
        losses = tf.TensorArray(tf.float32, size=count)
        rights = tf.TensorArray(tf.bool, size=count)
        for number in tf.range(count):  # AutoGraph makes a loop of the graph of it
            new_losses, new_rights = self._step(indices[number], self.trained[pixels])
            losses = losses.write(number, new_losses)
            rights = rights.write(number, new_rights)
        return losses.stack(), rights.stack()  # (S, B)

    def _step(self, rows: Any, trained: keras.Model) -> tuple[Any, Any]:
        images = tf.gather(self.images, rows)  # (B, H, W, C) uint8
        labels = tf.gather(self.labels, rows % len(self.labels))  # (B,)
        with tf.GradientTape() as tape:
            losses, rights = objective(labels, trained(images, training=True), self.label_smoothing)
            loss = tf.reduce_mean(losses)
        variables = trained.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return losses, rights
