"""Muon in the place of Adam: the steps of every kernel are made orthogonal, in blocks of rows.

    cifarlab train dense8 --seeds 3
    cifarlab evaluate runs/dense8-seed*

Expect 76.61 ± 0.14 % on CIFAR-10's test images (three seeds), loss 0.749 ± 0.003, in 20 minutes on two cores whose
fastest float32 matrix product reaches 342 GFLOP/s.

Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; in blocks: Khaled et al. 2025, arXiv:2510.16981.
"""

import dataclasses

from cifarlab.recipes import dense7

RECIPE = dataclasses.replace(
    dense7.RECIPE,
    model_args={**dense7.RECIPE.model_args, "width": 640},
    validation_fraction=0.0,  # no epoch is chosen: the last one is kept
    epochs=58,
    optimizer="muon",
    learning_rate=0.1,  # of a kernel's own norm, at most, in one step
    optimizer_args={"momentum": 0.9, "block_rows": 128, "adam_learning_rate": 1e-3},
    weight_decay=0.0,  # Muon rescales its kernels in every step
    warmup_epochs=1,
    mixup_alpha=0.2,
)
