"""Your own pictures: begin with the built-in model's weights, and train all of them on, slowly.

cifarlab train finetune --data folder:my_pictures
cifarlab train finetune --from runs/mlp2-seed0 --data folder:my_pictures
"""

from cifarlab.recipes import Recipe

RECIPE = Recipe(
    model="convnet",  # whatever --from names brings its own
    model_args={"widths": (64, 256, 256), "depth": 2, "activation": "silu", "whitening_pixels": 2},
    start_from="builtin",
    from_rate=0.1,
    epochs=20,
    batch_size=16,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="cosine",
    translate_pixels=2,
)
