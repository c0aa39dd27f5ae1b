"""Training steps on torch, eagerly: its dispatch costs little beside a batch's work."""

from collections.abc import Mapping

import keras
import torch
from keras.src.backend.torch.core import get_device

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
        device = get_device()
        self._images = torch.from_numpy(with_mirror_images(train.images, mirror)).to(
            device
        )  # (N or 2 N, H, W, C) uint8
        self._labels = torch.from_numpy(device_labels(train)).to(device)
        self._validation = torch.from_numpy(validation.images).to(device)
        self._parts = in_batches(validation.images)
        self._model = model
        self._trained = trained
        self._optimizer = optimizer
        self._label_smoothing = label_smoothing

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        results = [
            self._step(rows, self._trained[pixels]) for rows in torch.from_numpy(indices).to(self._images.device)
        ]
        losses, rights = (torch.stack(parts).cpu().numpy() for parts in zip(*results, strict=True))
        return losses, rights

    def logits(self) -> Array:
        """Logits of the validation images."""
        with torch.no_grad():
            parts = [self._model(self._validation[a:b].float(), training=False) for a, b in self._parts]
        result: Array = torch.cat(parts).float().cpu().numpy()
        return result

    def synchronise(self) -> None:
        """Keras's variables are torch's own: nothing to do."""

    def _step(self, rows: torch.Tensor, trained: keras.Model) -> tuple[torch.Tensor, torch.Tensor]:
        variables = trained.trainable_variables
        trained.zero_grad()
        logits = trained(self._images[rows], training=True)
        losses, rights = objective(self._labels[rows % len(self._labels)], logits, self._label_smoothing)
        losses.mean().backward()
        with torch.no_grad():
            self._optimizer.apply([variable.value.grad for variable in variables], variables)
        return losses.detach(), rights
