"""The architecture's rules: sixteen rooms whose imports point down, and what each room may know."""

import ast
import importlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import cifarlab

ROOT = Path(cifarlab.__file__).parent
# Top to bottom: a room imports from those after it.
ROOMS = (
    *("cli", "web", "reports"),  # faces
    *("search", "evaluation", "training", "exports", "metrics", "inference"),  # stages
    "displays",  # how far a stage is, for whoever watches
    *("runs", "models", "recipes", "plots", "datasets"),  # things
    "utils",  # the ground
)
BESIDE_THE_ROOMS = {"__main__", "recipe"}  # `recipe` is the old address of `Recipe`, kept for one release
KNOW_KERAS = {"training", "inference", "models"}
KNOW_KERAS_INSIDE_FUNCTIONS = {"evaluation", "exports"}  # where they compute gradients, and convert networks
SAYS_WHICH_BACKEND_THERE_IS = "cifarlab.utils.environment"
FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
PLUGINS = {  # what a public module of these packages must define; `{}` is its own name
    "cli.commands": "{}",
    "datasets": "load",
    "evaluation.robustness.corruptions": "apply",
    "exports.formats": "open_answers",
    "metrics": "measure",
    "models": "build",
    "plots": "plot_{}",
    "recipes": "RECIPE",
    "reports.sections": "build",
    "search.pruners": "plan",
    "training.engines": "BackendEngine",
    "web.routes": "router",
}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"}
IN_ROOMS = [name for name in MODULES if name.split(".")[1] not in BESIDE_THE_ROOMS]


@cache
def parse(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def room(name: str) -> str:
    return name.split(".")[1]


def imports(name: str, tree: ast.AST | None = None) -> set[str]:
    """Every module that a module imports anywhere, in functions too: `from package import module` is that module."""
    found = set()
    for node in ast.walk(tree or parse(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else str(node.module))
    return found


def inside(name: str) -> set[str]:
    """What of this package a module imports; `import cifarlab` itself, for the version, is allowed everywhere."""
    return {each for each in imports(name) if each.startswith("cifarlab.")}


def at_import(name: str) -> set[str]:
    """The frameworks that a module imports outside of functions."""
    body = [node for node in parse(name).body if isinstance(node, ast.Import | ast.ImportFrom | ast.If | ast.Try)]
    return {each.partition(".")[0] for node in body for each in imports(name, node)} & FRAMEWORKS


def test_every_module_stands_in_a_room():
    assert {room(name) for name in MODULES} == {*ROOMS, *BESIDE_THE_ROOMS}


@pytest.mark.parametrize("name", IN_ROOMS)
def test_imports_point_down(name):
    for other in inside(name):
        assert other in MODULES, f"{other} is no module"
        assert ROOMS.index(room(name)) <= ROOMS.index(room(other)), f"{room(name)} must not import {other}"


def test_no_modules_import_each_other_in_a_circle():
    left = {name: {other for other in inside(name) if other != name} for name in MODULES}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"in a circle, or above one: {sorted(left)}"


@pytest.mark.parametrize("name", MODULES)
def test_a_private_module_is_imported_by_its_own_package_alone(name):
    for other in inside(name):
        owner, underscore, _ = other.partition("._")
        assert not underscore or f"{name}.".startswith(f"{owner}."), f"take it from the face, {owner}"


def assigned(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return [target.id for target in targets if isinstance(target, ast.Name)]


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_a_face_defines_nothing(name):
    for node in parse(name).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert is_docstring or isinstance(node, ast.ImportFrom) or assigned(node) == ["__all__"]


@pytest.mark.parametrize("package", PLUGINS)
def test_every_public_module_among_plug_ins_is_one(package):
    for path in ROOT.joinpath(*package.split(".")).glob("[!_]*.py"):
        wanted = PLUGINS[package].format(path.stem)
        defined = {name for node in parse(dotted(path)).body for name in assigned(node)}
        assert wanted in defined, f"{path} defines no {wanted}: what plug-ins share begins with an underscore"


@pytest.mark.parametrize("name", MODULES)
def test_who_knows_keras(name):
    known = {other.partition(".")[0] for other in imports(name)} & FRAMEWORKS
    if room(name) in KNOW_KERAS_INSIDE_FUNCTIONS or name == SAYS_WHICH_BACKEND_THERE_IS:
        assert not at_import(name)
    elif room(name) not in KNOW_KERAS:
        assert not known


def test_what_must_not_need_keras_does_not_load_it_by_a_detour():
    free = [name for name in MODULES if room(name) not in KNOW_KERAS]
    program = f"""
import importlib, sys
for name in {free!r}:
    importlib.import_module(name)
print(*{FRAMEWORKS!r} & set(sys.modules))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


@pytest.mark.parametrize("name", [name for name in IN_ROOMS if room(name) not in ("cli", "displays")])
def test_only_the_command_line_and_displays_write_to_the_terminal(name):
    assert not {other.partition(".")[0] for other in imports(name)} & {"rich", "typer"}
    for node in ast.walk(parse(name)):
        assert not (isinstance(node, ast.Name) and node.id == "print"), f"line {node.lineno} prints"
        assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.stdout"), f"line {node.lineno}"


@pytest.mark.parametrize("name", [name for name in MODULES if name != "cifarlab.utils.syntax"])
def test_python_text_is_parsed_by_one_module(name):
    assert "ast" not in imports(name), "two threads must not parse at once: see cifarlab.utils.syntax"


@pytest.mark.parametrize("name", MODULES)
def test_every_file_says_what_it_is_for(name):
    assert ast.get_docstring(parse(name))
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize(
    "name", [name for name in MODULES if any(assigned(node) == ["__all__"] for node in parse(name).body)]
)
def test_public_names_exist(name):
    module = importlib.import_module(name)
    assert [public for public in module.__all__ if not hasattr(module, public)] == []
