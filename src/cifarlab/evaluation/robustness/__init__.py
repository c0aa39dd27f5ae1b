"""Robustness: what becomes of a model's accuracy when the pictures are not as clean as those it was tested on.

The 19 corruptions here are our own reproduction of CIFAR-10-C's, with CIFAR-10-C's own constants; the real files are
read by `published` where a user has them. A corruption is one file in `corruptions/`, found by its name.
"""

from cifarlab.evaluation.robustness.results import OURS

__all__ = ["OURS"]
