"""Weights far from a unit's position learn at a fraction of the learning rate.

    cifarlab train dense5 --seeds 3
    cifarlab evaluate runs/dense5-seed*

Expect 65.04 ± 0.33 % on CIFAR-10's test images (three seeds), loss 0.988 ± 0.005, in two to three minutes on
two cores whose fastest bfloat16 matrix product reaches 421 GFLOP/s.

Adam moves every weight at about the same pace, so that the many far weights of `dense4`, which follow little but noise,
have as much energy as the near ones when a long training ends. Here one that lies farthest learns with 3 % of the
learning rate.
"""

import dataclasses

from cifarlab.recipes import dense4

RECIPE = dataclasses.replace(dense4.RECIPE, model_args={**dense4.RECIPE.model_args, "far_learning_rate_scale": 0.03})
