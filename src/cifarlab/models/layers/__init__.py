"""Layers of our own, which saved models name. Keras must know them before such a model is loaded."""
