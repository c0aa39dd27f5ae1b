"""Evaluation: what can be said of a trained model.

Hands out nothing: some of its modules bring seconds of SciPy, which the others need not wait for.
"""
