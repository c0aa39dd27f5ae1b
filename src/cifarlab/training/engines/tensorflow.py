"""Training steps on TensorFlow: one graph that gathers, augments, differentiates and updates, many steps a call."""

from typing import Any

import keras
import tensorflow as tf

from cifarlab.training.engines._engine import Engine
from cifarlab.training.engines._loss import objective
from cifarlab.utils.arrays import Array


class BackendEngine(Engine):
    """See `cifarlab.training.engines.Engine`. Keras's variables are TensorFlow's own, and changed in place."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        # Traced once for each height, and once for validation: the number of steps, and the last part of validation,
        # are left open. Without AutoGraph, which would rewrite Keras's Python first and find nothing to do there.
        self._run = {pixels: self._trace(pixels) for pixels in self.trained}
        shape = (None, *self.validation.shape[1:])
        self._forward = tf.function(
            lambda images: self.model(images, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
            autograph=False,
        )

    def put(self, array: Array) -> Any:
        """A constant tensor, which graphs refer to and do not hold a copy of."""
        return tf.constant(array)

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        losses, rights = self._run[pixels](tf.constant(indices))
        return losses.numpy(), rights.numpy()

    def forward(self, images: Any) -> Array:
        """Logits of some validation images."""
        logits: Array = self._forward(tf.cast(images, tf.float32)).numpy()
        return logits

    def _trace(self, pixels: int) -> Any:
        # A function of its own for each height: a height as an argument would be a tensor, and not choose a model.
        return tf.function(
            lambda indices: self._steps(indices, self.trained[pixels]),
            input_signature=[tf.TensorSpec((None, None), tf.int32)],
            autograph=False,
        )

    def _steps(self, indices: Any, trained: keras.Model) -> tuple[Any, Any]:
        count = tf.shape(indices)[0]

        def step(number: Any, losses: Any, rights: Any) -> tuple[Any, Any, Any]:
            new_losses, new_rights = self._step(indices[number], trained)
            return number + 1, losses.write(number, new_losses), rights.write(number, new_rights)

        empty = tf.TensorArray(tf.float32, size=count), tf.TensorArray(tf.bool, size=count)
        _, losses, rights = tf.while_loop(lambda number, *_: number < count, step, (tf.constant(0), *empty))
        return losses.stack(), rights.stack()  # (S, B)

    def _step(self, rows: Any, trained: keras.Model) -> tuple[Any, Any]:
        images = tf.gather(self.images, rows)  # (B, H, W, C) uint8
        labels = tf.gather(self.labels, rows % len(self.labels))  # (B,)
        with tf.GradientTape() as tape:
            answers = trained(images, training=True)
            losses, rights, weighted = objective(labels, answers, self.label_smoothing, self.class_weights)
            loss = self.optimizer.scale_loss(tf.reduce_mean(weighted))
        variables = trained.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return losses, rights
