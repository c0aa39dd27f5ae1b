"""A recipe of your own: a built-in one, varied. Train it by its path.

cifarlab train examples/own_recipe.py --data digits
"""

import dataclasses

from cifarlab.recipes import smoke

RECIPE = dataclasses.replace(
    smoke.RECIPE,
    model_args={"widths": (64, 32), "dropout": (0.2, 0.1), "activation": "gelu"},
    epochs=5,
    schedule="cosine",
    translate_pixels=2,
)
