"""As wide and as long as one GPU trains in a quarter of an hour, with pictures mixed evenly.

    KERAS_BACKEND=jax cifarlab train dense7
    KERAS_BACKEND=jax cifarlab evaluate runs/dense7-seed0

Planned for one NVIDIA H100: 236 million weights, 170 PFLOP, about 14 minutes (docs/ladder.md has the sum). On two cores
with bfloat16 an epoch takes minutes; `--set epochs=3` shows how it begins.

The share of mixing is that of Bachmann, Anagnostidis and Hofmann 2023, Scaling MLPs, arXiv:2306.13575.
"""

import dataclasses

from cifarlab.recipes import dense6

RECIPE = dataclasses.replace(
    dense6.RECIPE,
    model_args={**dense6.RECIPE.model_args, "width": 3072, "blocks": 3, "reach_pixels": (3, 3, 4, 4, 5, 6, 8)},
    epochs=2500,
    batch_size=2000,
    warmup_epochs=5,
    mixup_alpha=0.8,
)
