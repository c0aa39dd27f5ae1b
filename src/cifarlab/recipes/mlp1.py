"""Model 1 of the reference: a plain dense network.

    cifarlab train mlp1 --seeds 5

Expect 55.1 ± 0.4 % on CIFAR-10's test images (mean and standard deviation of 5 seeds), loss 1.47 ± 0.15, in 2 to 3
minutes on two cores.
"""

from cifarlab.recipes import Recipe

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (256, 128)},
    epochs=100,
    batch_size=1000,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="cosine",
    warmup_epochs=5,
    flip="random",
)
