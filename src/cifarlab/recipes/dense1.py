"""Residual blocks that widen and narrow again, normalised: depth that a dense network can train.

    cifarlab train dense1 --seeds 3
    cifarlab evaluate runs/dense1-seed*

Expect 57.28 ± 0.27 % on CIFAR-10's test images (three seeds), loss 2.367 ± 0.102, in two minutes on
two cores with bfloat16.

Inverted bottlenecks: Bachmann, Anagnostidis and Hofmann 2023, arXiv:2306.13575. Every layer is dense over all that it
is given; no picture is changed.
"""

from cifarlab.recipes import Recipe

RECIPE = Recipe(
    model="bottleneck_mlp",
    model_args={"width": 512, "blocks": 2, "expansion": 4},
    epochs=25,
    batch_size=1000,
    optimizer="adam",
    learning_rate=1e-3,
    weight_decay=0.1,  # times the learning rate: a weight loses 1e-4 of itself a step
    schedule="linear",
    warmup_epochs=1,
    precision="auto",
)
