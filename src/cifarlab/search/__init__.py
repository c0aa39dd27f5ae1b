"""Search: hyperparameters found, and confirmed on images that no trial has seen."""

from cifarlab.search.confirmation import Candidate, Verdict
from cifarlab.search.engines import make_workers
from cifarlab.search.observer import Silent, TuningObserver
from cifarlab.search.planning import default_epochs
from cifarlab.search.rounds import Trial
from cifarlab.search.rules import Rules
from cifarlab.search.space import Space, choose_space, make_space, own_space
from cifarlab.search.study import Study, open_study
from cifarlab.search.sweep_results import Sweep
from cifarlab.search.sweeping import sweep
from cifarlab.search.trainings import Trained, train_many
from cifarlab.search.tuning import Tuned, tune

__all__ = [
    "Candidate",
    "Rules",
    "Silent",
    "Space",
    "Study",
    "Sweep",
    "Trained",
    "Trial",
    "Tuned",
    "TuningObserver",
    "Verdict",
    "choose_space",
    "default_epochs",
    "make_space",
    "make_workers",
    "open_study",
    "own_space",
    "sweep",
    "train_many",
    "tune",
]
