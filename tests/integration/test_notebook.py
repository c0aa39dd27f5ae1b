"""The notebook, without executing it, which `make test-thorough` does: it is its source's, and calls what there is."""

import ast
import inspect
import json
from operator import attrgetter
from pathlib import Path

import cifarlab

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "cifar10_image_classification.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_its_code_is_that_of_the_source_beside_it():
    source = NOTEBOOK.with_suffix(".py").read_text(encoding="utf-8").split("\n# %%")[1:]
    written = [cell.partition("\n")[2].strip() for cell in source if not cell.startswith(" [markdown]")]
    assert [cell.strip() for cell in CODE] == written


def test_every_call_of_ours_fits_its_function():
    names = []
    for node in ast.walk(ast.parse("\n".join(CODE))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("cl."):
            function = attrgetter(ast.unparse(node.func).removeprefix("cl."))(cifarlab)
            keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            inspect.signature(function).bind(*node.args, **keywords)
            names.append(function.__name__)
    assert {"load_data", "train", "evaluate"} <= set(names)
