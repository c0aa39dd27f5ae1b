"""What training minimises: cross-entropy with label smoothing and class weights, in Keras ops, on every backend."""

from typing import Any

from keras import ops


def objective(labels: Any, answers: Any, label_smoothing: float, class_weights: Any = None) -> tuple[Any, Any, Any]:
    """Loss of each image of a batch, whether it is classified right, and what is minimised.

    Args:
        labels: `(B,)` int32.
        answers: Logits `(B, K)`; or, where images were mixed, the logits and each image's own share `(B,)`, the rest
            being the next image's (see `cifarlab.training.augmentation.mixup_cutmix`).
        label_smoothing: Share of each label that is spread over all classes (arXiv:1512.00567).
        class_weights: `(K,)` float32, by which the loss of each class's labels is multiplied; None for 1 each.

    Returns:
        Cross-entropy in nats, `(B,)` float32; whether the image's own label is named, `(B,)` bool; and the weighted
        loss, `(B,)` float32, whose mean over the batch is minimised.
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
    # Minus the mean of log p over the classes is cross-entropy with the uniform distribution.
    spread = -ops.mean(log_probabilities, axis=-1) if label_smoothing else 0.0
    if label_smoothing:
        losses = (1 - label_smoothing) * losses + label_smoothing * spread
    right = ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), labels)
    if class_weights is None:
        return losses, right, losses
    # A mixed image has two labels: each one's share of the loss is weighted by its own class.
    hit = hit * class_weights
    weighted = -(1 - label_smoothing) * ops.sum(hit * log_probabilities, axis=-1)
    return losses, right, weighted + label_smoothing * spread * ops.sum(hit, axis=-1)
