"""MNIST: 60,000 training and 10,000 test pictures of handwritten digits, 28 x 28 pixels, grey.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from cifarlab.datasets._keras_sets import KerasSet

IMAGE_SHAPE = (28, 28, 1)
CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_FILES = {"mnist.npz": "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"}

load = KerasSet("mnist", CLASS_NAMES, _URL, _FILES)
