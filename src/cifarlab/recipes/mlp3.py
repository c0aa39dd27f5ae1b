"""Model 3 of the reference: a deeper dense network with more dropout layers, the pixels' own among them.

cifarlab train mlp3
"""

import dataclasses

from cifarlab.recipes import mlp2

RECIPE = dataclasses.replace(
    mlp2.RECIPE,
    model_args={"widths": (512, 256, 256, 128), "dropout": (0.3, 0.2, 0.2, 0.1), "input_dropout": 0.1},
    epochs=150,
)
