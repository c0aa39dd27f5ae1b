"""One figure a file, found by its name: finished numbers in, a `matplotlib.figure.Figure` out.

`plots/<name>.py` holds `plot_<name>`; the contract tests draw it with the example of its name in
`tests/plots/examples.py`.
"""

from cifarlab.plots._output import data_uri, to_inline_svg, to_png, to_svg
from cifarlab.plots._style import series_colour

__all__ = ["data_uri", "series_colour", "to_inline_svg", "to_png", "to_svg"]
