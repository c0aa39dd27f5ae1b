"""Runs: a training's folder, what is in it, and how it is opened."""

from cifarlab.runs.run import STATES, Run, create_run, open_run, training_seconds, unique_names

__all__ = ["STATES", "Run", "create_run", "open_run", "training_seconds", "unique_names"]
