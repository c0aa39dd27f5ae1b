"""Model 3 of the reference: a deeper dense network with more dropout layers, the pixels' own among them.

    cifarlab train mlp3

Expect 60.4 ± 0.2 % on CIFAR-10's test images (mean and standard deviation of 5 seeds), loss 1.209 ± 0.006, in 4 to 14
minutes on two cores.
"""

import dataclasses

from cifarlab.recipes import mlp2

RECIPE = dataclasses.replace(
    mlp2.RECIPE,
    model_args={"widths": (512, 256, 256, 128), "dropout": (0.3, 0.2, 0.2, 0.1), "input_dropout": 0.1},
    epochs=150,
)
