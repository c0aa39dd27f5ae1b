"""What training minimises: cross-entropy with label smoothing, in Keras ops, the same on every backend."""

from typing import Any

from keras import ops


def objective(labels: Any, answers: Any, label_smoothing: float) -> tuple[Any, Any]:
    """Loss of each image of a batch, whose mean is minimised, and whether it is classified right.

    Args:
        labels: `(B,)` int32.
        answers: Logits `(B, K)`; or, where images were mixed, the logits and each image's own share `(B,)`, the rest
            being the next image's (see `cifarlab.training.augmentation.mixup_cutmix`).
        label_smoothing: Share of each label that is spread over all classes (arXiv:1512.00567).

    Returns:
        Cross-entropy in nats, `(B,)` float32; whether the image's own label is named, `(B,)` bool.
    """
    logits, share = answers if isinstance(answers, list | tuple) else (answers, None)
    logits = ops.cast(logits, "float32")
    log_probabilities = ops.log_softmax(logits, axis=-1)
    hit = ops.one_hot(labels, logits.shape[-1], dtype="float32")  # (B, K)
    if share is not None:
        # The same neighbour as in `MixUpCutMix`: the next image of the batch, for the last one the first.
        own = ops.expand_dims(ops.cast(share, "float32"), -1)
        hit = own * hit + (1 - own) * ops.roll(hit, -1, axis=0)
    losses = -ops.sum(hit * log_probabilities, axis=-1)
    if label_smoothing:  # minus the mean of log p over the classes is cross-entropy with the uniform distribution
        losses = (1 - label_smoothing) * losses - label_smoothing * ops.mean(log_probabilities, axis=-1)
    return losses, ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), labels)
