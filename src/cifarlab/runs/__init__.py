"""Runs: a training's folder, what is in it, and how it is opened."""

from cifarlab.runs.ownership import STATES
from cifarlab.runs.run import Run, create_run, open_run, training_seconds, unique_names
from cifarlab.utils.formats import FORMAT

__all__ = ["FORMAT", "STATES", "Run", "create_run", "open_run", "training_seconds", "unique_names"]
