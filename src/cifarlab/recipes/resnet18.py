"""ResNet-18, the baseline of papers: 200 epochs of SGD with flips and shifts. For a GPU.

    KERAS_BACKEND=jax cifarlab train resnet18

It takes about 33 PFLOP: most of a day on two cores with bfloat16. Its accuracy has not been measured yet.
"""

from cifarlab.recipes import Recipe

RECIPE = Recipe(
    model="resnet18",
    epochs=200,
    batch_size=128,
    optimizer="sgd",
    learning_rate=0.1,
    # 5e-4 in the gradient is, through a momentum of 0.9, ten times that beside it.
    weight_decay=5e-3,
    schedule="cosine",
    flip="random",
    translate_pixels=4,
    precision="auto",
)
