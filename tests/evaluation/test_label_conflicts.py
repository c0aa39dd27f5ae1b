"""Duplicates with two labels, planted among random pictures."""

import numpy as np

from cifarlab.datasets import ImageSet
from cifarlab.evaluation.label_conflicts import find_conflicts


def test_duplicates_that_disagree():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    pictures[7] = pictures[3]
    pictures[9] = pictures[5]
    labels = np.zeros(40, np.int64)
    labels[7] = 1
    ids = np.array([f"p{number}" for number in range(40)])
    (conflict,) = find_conflicts(ImageSet(pictures, labels, ids, ("cat", "dog")))
    assert (conflict.first_id, conflict.second_id) == ("p3", "p7")
    assert (conflict.first_label, conflict.second_label) == ("cat", "dog")
    assert conflict.exact
    images = ImageSet(pictures, labels, ids, ("cat", "dog"))
    assert find_conflicts(images, {"p7", "p1"}) == [conflict]
    assert find_conflicts(images, {"p1", "p5"}) == []
