"""Deeper, longer, and mixed by any share: three blocks, and a picture hardly ever looks like one the network knows.

    cifarlab train dense7
    cifarlab evaluate runs/dense7-seed0

What `dense6` gains from epoch 100 on it gains on its own pictures rather than on new ones. The share of mixing is that
of Bachmann, Anagnostidis and Hofmann 2023, Scaling MLPs, arXiv:2306.13575.
"""

import dataclasses

from cifarlab.recipes import dense6

RECIPE = dataclasses.replace(
    dense6.RECIPE,
    model_args={**dense6.RECIPE.model_args, "blocks": 3, "reach_pixels": (3, 3, 4, 4, 5, 6, 8)},
    epochs=360,
    warmup_epochs=5,
    mixup_alpha=0.8,
)
