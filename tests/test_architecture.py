"""The architecture's rules: imports point down only, and only some modules know Keras."""

import ast
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import cifarlab

ROOT = Path(cifarlab.__file__).parent
TIERS = (
    ("__main__",),
    ("cli",),
    ("web",),
    ("reports",),
    ("evaluation",),
    ("training",),
    ("inference",),
    (
        "displays",
        "metrics",
    ),
    ("runs",),
    (
        "models",
        "recipe",
    ),
    (
        "datasets",
        "plots",
        "recipes",
    ),
    ("utils",),
)
LEVELS = {name: len(TIERS) - number for number, tier in enumerate(TIERS) for name in tier}
KERAS_USERS = {
    "evaluation",
    "inference",
    "models",
    "training",
    "utils",
}
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def unit(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module that a file imports anywhere, in functions too, as dotted names."""
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            package = node.module or ""
            found |= {f"cifarlab.{alias.name}" for alias in node.names} if package == "cifarlab" else {package}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "cifarlab" and rest and rest != "__version__":
            below = rest.partition(".")[0]
            assert below in LEVELS, f"{below} has no place in TIERS"
            assert LEVELS[below] <= LEVELS[unit(path)], f"{unit(path)} must not import {below}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_models_training_and_prediction_know_keras(path):
    known = {name.partition(".")[0] for name in imported(path)} & FRAMEWORKS
    assert not known or unit(path) in KERAS_USERS


def test_what_must_not_need_keras_does_not_load_it_by_a_detour():
    free = [path for path in FILES if unit(path) not in KERAS_USERS]
    modules = [".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__") for path in free]
    program = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
print(*{FRAMEWORKS!r} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_it_is_for(path):
    tree = parse(path)
    assert ast.get_docstring(tree)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_public_names_exist():
    for path in FILES:
        tree = parse(path)
        targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            assert [public for public in module.__all__ if not hasattr(module, public)] == []
