"""A two-second recipe for tests: it shows that every part works, not that it learns.

    cifarlab train smoke --data digits

Expect 60 to 90 % on the digits' test images, by the seed, in 2 seconds on two cores.
"""

from cifarlab.recipes import Recipe

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (32,), "dropout": 0.1},
    data="digits",
    epochs=3,
    batch_size=100,
    optimizer="adam",
    learning_rate=3e-3,
)
