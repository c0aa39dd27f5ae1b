"""Muon for longer, on a wider network that begins more local, mixes its pictures more, and is slower far away.

    cifarlab train dense9 --seeds 3
    cifarlab evaluate runs/dense9-seed*

Expect 81.16 ± 0.10 % on CIFAR-10's test images (three seeds), loss 0.659 ± 0.002, in 34 minutes on two cores whose
fastest bfloat16 matrix product reaches 880 to 980 GFLOP/s.
"""

import dataclasses

from cifarlab.recipes import dense8

RECIPE = dataclasses.replace(
    dense8.RECIPE,
    model_args={
        **dense8.RECIPE.model_args,
        "width": 896,
        "sigma_pixels": (2, 2, 3, 3, 4, 6, 8),
        "far_learning_rate_scale": 0.01,  # the longer a training, the more the far weights overfit
    },
    epochs=130,
    mixup_alpha=0.5,
)
