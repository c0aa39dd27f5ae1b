"""Test-time augmentation for the benchmarks: a model that looks at several views of each image."""

from typing import Any

VIEWS = ("none", "flip-shift")


def with_views(model: Any, views: str) -> Any:
    """A `keras.Model` whose logits are the weighted mean of the model's own over the views.

    `flip-shift`, as the airbench scripts do it at their level 2: half of the weight is on the image and its mirror
    image, half on both of them shifted by one pixel up and left, and down and right, with edges reflected.

    Args:
        model: Images `(B, H, W, C)` to logits `(B, K)`.
        views: One of `VIEWS`.
    """
    import keras
    from keras import ops

    if views == "none":
        return model
    height, width, _ = model.input_shape[1:]
    inputs = keras.Input(model.input_shape[1:])
    padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    shifted = [padded[:, a : a + height, a : a + width] for a in (0, 2)]
    logits = [ops.cast(model(each), "float32") for image in (inputs, *shifted) for each in (image, ops.flip(image, 2))]
    weights = (0.25, 0.25, 0.125, 0.125, 0.125, 0.125)
    return keras.Model(inputs, sum(weight * part for weight, part in zip(weights, logits, strict=True)))
