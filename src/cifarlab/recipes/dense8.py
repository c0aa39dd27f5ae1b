"""As wide and as long as one GPU trains in a quarter of an hour.

    KERAS_BACKEND=jax cifarlab train dense8
    KERAS_BACKEND=jax cifarlab evaluate runs/dense8-seed0

Expect about 14 minutes on one NVIDIA H100 or H200 by the sum in docs/ladder.md (236 million weights, 168 PFLOP): no GPU
was at hand, so that neither time nor accuracy is measured yet. On two cores with bfloat16 an epoch takes minutes;
`--set epochs=3` shows how it begins.
"""

import dataclasses

from cifarlab.recipes import dense7

RECIPE = dataclasses.replace(
    dense7.RECIPE,
    model_args={**dense7.RECIPE.model_args, "width": 3072},
    epochs=2500,
    batch_size=2000,
    warmup_epochs=5,
    mixup_alpha=0.8,
)
