"""How Sphinx makes the site in build/site of the pages in docs/: `make docs-site`.

The site's source is the whole repository, of which `include_patterns` takes the pages. So a link that leads from page
to page, or to an example, is the same in the repository and in the site.
"""

import re
from typing import Any

from sphinx.application import Sphinx

import cifarlab

project = "cifarlab"
author = "The cifarlab authors"
copyright = "2026, The cifarlab authors"
version = release = cifarlab.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "*.md", "src/cifarlab/models/pretrained/card.md"]
exclude_patterns = [".*", "README.md", "build", "dist", "runs", "demo", "out", "exploration", "tests", "benchmarks"]

myst_heading_anchors = 4
highlight_language = "none"  # of a block that names no language

autodoc_typehints = "signature"
python_maximum_signature_line_length = 100
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"cifarlab {version}"
html_show_sphinx = False
html_copy_source = False
# The door of the site leads to docs/index.html, from wherever it is opened.
html_extra_path = ["_site"]


def setup(app: Sphinx) -> None:
    """Before napoleon reads a docstring, write its code the way reStructuredText does, in two backticks."""
    app.connect("autodoc-process-docstring", _double_backticks, priority=100)


def _double_backticks(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line) for line in lines]
