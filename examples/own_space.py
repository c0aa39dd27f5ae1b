"""A search space of your own, where ranges and choices are not enough: here as many dropout rates as layers.

cifarlab tune smoke --space examples/own_space.py --name own_space
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna


def space(trial: "optuna.Trial") -> dict[str, Any]:
    """Settings as `--set` takes them, made from what the sampler proposes."""
    depth = trial.suggest_int("depth", 1, 3)
    width = trial.suggest_categorical("width", [32, 64, 128])
    return {
        "model.widths": tuple(width // 2**layer for layer in range(depth)),
        "model.dropout": tuple(round(trial.suggest_float(f"dropout{layer}", 0.0, 0.5), 3) for layer in range(depth)),
        "learning_rate": f"{trial.suggest_float('learning_rate', 1e-4, 1e-2, log=True):.3g}",
    }
