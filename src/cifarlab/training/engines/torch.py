"""Training steps on torch, eagerly: its dispatch costs little beside a batch's work."""

from typing import Any

import keras
import torch
from keras.src.backend.torch.core import get_device  # Keras has no public way to ask where it puts tensors

from cifarlab.training.engines._engine import Engine
from cifarlab.training.engines._loss import objective
from cifarlab.utils.arrays import Array


class BackendEngine(Engine):
    """See `cifarlab.training.engines.Engine`. Keras's variables are torch's own, and changed in place."""

    @classmethod
    def random_states(cls) -> list[Any]:
        """Those of torch itself."""
        return [_RandomState()]

    def put(self, array: Array) -> torch.Tensor:
        """A tensor on the device that Keras uses."""
        return torch.from_numpy(array).to(get_device())

    def run(self, indices: Array, pixels: int) -> tuple[Array, Array]:
        """One step a row of `indices`, on images of that height."""
        results = [self._step(rows, self.trained[pixels]) for rows in self.put(indices)]
        # To the host once for all steps: each copy waits until the device has done everything before it.
        losses, rights = (torch.stack(parts).cpu().numpy() for parts in zip(*results, strict=True))
        return losses, rights

    def forward(self, images: Any) -> Array:
        """Logits of some validation images."""
        with torch.no_grad():
            logits: Array = self.model(images.float(), training=False).float().cpu().numpy()
        return logits

    def _step(self, rows: torch.Tensor, trained: keras.Model) -> tuple[torch.Tensor, torch.Tensor]:
        variables = trained.trainable_variables
        # torch adds to the gradients that are there. Each by itself: `zero_grad` knows one of several of the same name.
        for variable in variables:
            variable.value.grad = None
        logits = trained(self.images[rows], training=True)
        labels = self.labels[rows % len(self.labels)]
        losses, rights, weighted = objective(labels, logits, self.label_smoothing, self.class_weights)
        self.optimizer.scale_loss(weighted.mean()).backward()
        with torch.no_grad():
            self.optimizer.apply([variable.value.grad for variable in variables], variables)
        return losses.detach(), rights


class _RandomState:
    """torch's own on the device: Keras draws dropout from it where a layer was given no seed, since that is faster."""

    @property
    def value(self) -> torch.Tensor:
        """`(S,)` uint8, on the host."""
        state: torch.Tensor = _random_module().get_rng_state()
        return state

    def assign(self, value: Array) -> None:
        """Go on from there; the state of another kind of device means nothing here, and is left."""
        if len(value) == len(self.value):
            _random_module().set_rng_state(torch.from_numpy(value))


def _random_module() -> Any:
    """Where torch keeps the random state of the device that Keras uses."""
    return {"cuda": torch.cuda, "mps": torch.mps}.get(str(get_device()).partition(":")[0], torch)
