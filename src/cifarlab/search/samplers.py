"""Who proposes the next settings: Optuna's samplers by their usual names."""

import importlib.util
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


NEEDS = {"gp": "torch", "cmaes": "cmaes"}
"""Which package a sampler needs beside Optuna."""


def check_sampler(name: str) -> None:
    """Say what to install where a sampler cannot be had, before anything else is done.

    Raises:
        CifarlabError: If the package that it needs is missing.
    """
    package = NEEDS.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        raise CifarlabError(f"the sampler {name} needs {package}: pip install {package}, or give --sampler tpe")


def make_sampler(name: str, seed: int) -> "BaseSampler":
    """A sampler that has seen nothing yet.

    Args:
        name: One of `rules.SAMPLERS`. `"grid"` takes its settings from the space in order; the sampler is not asked.
        seed: Decides what it proposes, together with the results that it is told.

    Raises:
        CifarlabError: If what it needs is not installed.
    """
    check_sampler(name)
    from optuna import exceptions, samplers

    # Several settings are asked for before the first result is told: TPE then keeps away from those that are under way.
    makers: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
        "random": lambda: samplers.RandomSampler(seed=seed),
        "grid": lambda: samplers.RandomSampler(seed=seed),
        "gp": lambda: samplers.GPSampler(seed=seed, deterministic_objective=False),
        "cmaes": lambda: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ExperimentalWarning)
        return makers[name]()
