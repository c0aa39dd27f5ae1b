"""What to say where one class has far fewer training images than another."""

import numpy as np

from cifarlab.datasets._image_set import ImageSet
from cifarlab.utils.text import counted

LARGE_RATIO = 10.0
"""Images of the largest class for one of the smallest, from where on it is said: the milder of the two imbalances of
CIFAR-10 that Cao et al. 2019 train with, 10 and 100 (arXiv:1906.07413)."""


def describe_imbalance(train: ImageSet) -> str:
    """One sentence where the largest class has `LARGE_RATIO` times the images of the smallest or more; else nothing."""
    counts = np.bincount(train.labels, minlength=len(train.class_names))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] < LARGE_RATIO * counts[least] or not counts[most]:
        return ""
    sizes = [f"{counted(int(counts[place]), 'image')} of {train.class_names[place]}" for place in (most, least)]
    return f"The classes differ much in size: {sizes[0]} to train on, {sizes[1]}."
