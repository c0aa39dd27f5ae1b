"""cifarlab: a laboratory for CIFAR-10 image classification in Keras 3.

    import cifarlab as cl
    run = cl.train("mlp2")
    cl.evaluate(run)
    cl.report(run)

Importing this package loads neither Keras nor a backend; each function brings what it needs.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CifarlabError": "cifarlab.errors",
    "ImageSet": "cifarlab.records",
    "Predictions": "cifarlab.records",
    "Recipe": "cifarlab.recipe",
    "Run": "cifarlab.runs",
    "Splits": "cifarlab.records",
    "compare": "cifarlab.comparison",
    "evaluate": "cifarlab.evaluation",
    "explore": "cifarlab.exploration",
    "load_data": "cifarlab.datasets",
    "load_model": "cifarlab.prediction",
    "load_recipe": "cifarlab.recipe",
    "open_run": "cifarlab.runs",
    "predict": "cifarlab.prediction",
    "report": "cifarlab.reports",
    "train": "cifarlab.training",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cifarlab' has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
