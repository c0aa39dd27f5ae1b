"""The 19 corruptions of CIFAR-10-C at five severities: our own reproduction, with CIFAR-10-C's own constants.

A corruption is one file here, found by its name, with

    CONSTANTS: five values, one a severity, as in CIFAR-10-C
    BENCHMARK: whether it is one of the 15 that papers average over (the other four are extras)
    apply(images (N, H, W, 3) uint8, constant, random) -> (N, H, W, 3) uint8

Files that begin with `_` are what the corruptions share. All of it needs NumPy, SciPy and Pillow only. Where the
original uses OpenCV, ImageMagick or photographs of frost, the file's docstring says what stands in for them, so that
accuracies come close to those on the published files but are not the same numbers.

Source: Hendrycks and Dietterich 2019, arXiv:1903.12261; the constants are those of the authors' script that made
CIFAR-10-C (https://github.com/hendrycks/robustness, make_cifar_c.py, Apache-2.0). No code was taken from it.
"""

from cifarlab.evaluation.robustness.corruptions._corrupt import SEVERITIES, benchmark_names, corrupt, names

__all__ = ["SEVERITIES", "benchmark_names", "corrupt", "names"]
