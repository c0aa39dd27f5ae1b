"""When a training that does not look promising is stopped: one file a pruner.

Trials are started in rounds, and judged together when all of a round have reached a rung, a number of epochs. So who
goes on follows from epochs and results alone, and never from which process was faster.
"""

from cifarlab.search.pruners._round import Round, fractions_of

__all__ = ["Round", "fractions_of"]
