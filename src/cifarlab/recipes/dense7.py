"""Deeper, longer, and mixed more: three blocks, and a picture seldom looks like one that the network knows.

    cifarlab train dense7
    cifarlab evaluate runs/dense7-seed0

What `dense6` gains from epoch 100 on it gains mostly on its own pictures.

Expect 79.0 % on CIFAR-10's test images (one run, 78.2 to 79.8), loss 0.716, in 1 h 37 min (1 h 41 min with
validation) on two cores whose fastest bfloat16 matrix product reaches 425 GFLOP/s.
"""

import dataclasses

from cifarlab.recipes import dense6

RECIPE = dataclasses.replace(
    dense6.RECIPE,
    model_args={**dense6.RECIPE.model_args, "blocks": 3, "sigma_pixels": (3, 3, 4, 4, 5, 6, 8)},
    epochs=220,
    mixup_alpha=0.5,
)
