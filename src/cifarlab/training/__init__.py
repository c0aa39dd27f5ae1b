"""Training: a recipe and data become a run."""

from cifarlab.training.launch import check_own, resume, train
from cifarlab.training.observer import Progress, Silent

__all__ = ["Progress", "Silent", "check_own", "resume", "train"]
