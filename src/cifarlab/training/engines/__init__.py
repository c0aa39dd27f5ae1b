"""One small engine a backend: many steps in one call, images resident on the device as uint8.

Every engine takes steps and gives logits; all else is shared. See `docs/architecture.md` for why there is one each.
"""

from cifarlab.training.engines._engine import Engine, engine_class
from cifarlab.training.engines._loss import objective

__all__ = ["Engine", "engine_class", "objective"]
