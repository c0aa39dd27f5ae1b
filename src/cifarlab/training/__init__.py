"""Training: a recipe and data become a run."""

from cifarlab.training.launch import check_own, resume, train
from cifarlab.training.observer import Silent, TrainingObserver

__all__ = ["Silent", "TrainingObserver", "check_own", "resume", "train"]
