"""A wider and deeper convolutional network towards 96 %, for a GPU. Trains on all 50,000 images.

    KERAS_BACKEND=jax cifarlab train convnet96
    cifarlab evaluate runs/convnet96-seed0 --tta flip-shift

It takes 2.3 PFLOP: more than an hour on two cores with bfloat16. Its accuracy has not been measured yet.
"""

import dataclasses

from cifarlab.recipes import convnet94

RECIPE = dataclasses.replace(
    convnet94.RECIPE,
    model_args={**convnet94.RECIPE.model_args, "widths": (128, 384, 512), "depth": 3},
    epochs=24,
    image_pixels=(24,) * 12 + (28,) * 3,
    translate_pixels=4,
)
