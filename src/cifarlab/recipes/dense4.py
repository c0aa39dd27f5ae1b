"""Weights initialised around positions in the picture; training may change every one.

    cifarlab train dense4 --seeds 3
    cifarlab evaluate runs/dense4-seed*

Expect 64.33 ± 0.32 % on CIFAR-10's test images (three seeds), loss 1.022 ± 0.005, in two to three minutes on
two cores with bfloat16.

Only the initial weights know where pixels are. Dense networks that begin as convolutions, with shared weights: d'Ascoli
et al. 2019, arXiv:1906.06766.
"""

import dataclasses

from cifarlab.recipes import dense3

RECIPE = dataclasses.replace(dense3.RECIPE, model_args={**dense3.RECIPE.model_args, "sigma_pixels": (3, 4, 5, 8)})
