"""Who proposes the next settings: Optuna's samplers by their usual names."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from cifarlab.utils.errors import CifarlabError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


def make_sampler(name: str, seed: int) -> "BaseSampler":
    """A sampler that has seen nothing yet.

    Args:
        name: One of `rules.SAMPLERS`. `"grid"` takes its settings from the space in order; the sampler is not asked.
        seed: Decides what it proposes, together with the results that it is told.

    Raises:
        CifarlabError: If what it needs is not installed.
    """
    from optuna import exceptions, samplers

    # Several settings are asked for before the first result is told: TPE then keeps away from those that are under way.
    makers: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
        "random": lambda: samplers.RandomSampler(seed=seed),
        "grid": lambda: samplers.RandomSampler(seed=seed),
        "gp": lambda: samplers.GPSampler(seed=seed, deterministic_objective=False),
        "cmaes": lambda: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.ExperimentalWarning)
            return makers[name]()
    except ImportError as error:
        package = {"gp": "torch", "cmaes": "cmaes"}.get(name, "optuna")
        raise CifarlabError(f"the sampler {name} needs {package}: pip install {package}") from error
