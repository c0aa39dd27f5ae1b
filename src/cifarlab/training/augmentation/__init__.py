"""Augmentation: random changes to training images."""
