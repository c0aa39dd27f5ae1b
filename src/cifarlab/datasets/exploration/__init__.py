"""Exploration in numbers: what a data set holds before anything is trained on it."""
