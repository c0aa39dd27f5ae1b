"""Optimizers and learning-rate schedules, those of our own and those of Keras. Needs Keras."""
