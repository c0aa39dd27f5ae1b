"""Model 1 of the reference: a plain dense network.

cifarlab train mlp1
"""

from cifarlab.recipe import Recipe

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (256, 128)},
    epochs=100,
    batch_size=1000,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="cosine",
    warmup_epochs=5,
    flip=True,
)
