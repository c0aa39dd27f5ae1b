"""Training steps on TensorFlow: one graph that gathers, augments, differentiates and updates, many steps a call."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

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
        self._images = tf.constant(with_mirror_images(train.images, mirror))  # (N or 2 N, H, W, C) uint8
        self._labels = tf.constant(device_labels(train))
        self._validation = tf.constant(validation.images)
        self._parts = in_batches(validation.images)
        self._trained = trained
        self._optimizer = optimizer
        self._label_smoothing = label_smoothing
        self._run = tf.function(self._steps, reduce_retracing=True)  # traced once for each height
        self._forward = tf.function(lambda images: model(images, training=False), reduce_retracing=True)

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        losses, rights = self._run(tf.constant(indices), pixels)
        return losses.numpy(), rights.numpy()

    def logits(self) -> Array:
        """Logits of the validation images."""
        parts = [self._forward(tf.cast(self._validation[a:b], tf.float32)).numpy() for a, b in self._parts]
        result: Array = np.concatenate(parts).astype(np.float32)
        return result

    def synchronise(self) -> None:
        """Keras's variables are TensorFlow's own: nothing to do."""

    def _steps(self, indices: Any, pixels: int) -> tuple[Any, Any]:
        count = tf.shape(indices)[0]
        losses = tf.TensorArray(tf.float32, size=count)
        rights = tf.TensorArray(tf.bool, size=count)
        for number in tf.range(count):
            new_losses, new_rights = self._step(indices[number], self._trained[pixels])
            losses = losses.write(number, new_losses)
            rights = rights.write(number, new_rights)
        return losses.stack(), rights.stack()

    def _step(self, rows: Any, trained: keras.Model) -> tuple[Any, Any]:
        images = tf.gather(self._images, rows)
        labels = tf.gather(self._labels, rows % len(self._labels))
        with tf.GradientTape() as tape:
            losses, rights = objective(labels, trained(images, training=True), self._label_smoothing)
            loss = tf.reduce_mean(losses)
        variables = trained.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return losses, rights
