"""One small engine a backend: many steps in one call, images resident on the device as uint8.

Every engine has the same three methods; all else is shared. See `docs/architecture.md` for why there is one each.
"""

from cifarlab.training.engines._engine import Engine, build_engine
from cifarlab.training.engines._loss import objective

__all__ = ["Engine", "build_engine", "objective"]
