"""`import cifarlab as cl` is light, and each of its names is there."""

import subprocess
import sys

import pytest

import cifarlab as cl


@pytest.mark.parametrize("name", cl.__all__)
def test_every_public_name_is_there(name):
    assert getattr(cl, name) is not None
    assert name in dir(cl)


def test_functions_are_functions_and_not_modules():
    functions = "compare describe_data evaluate explore list_recipes load_data predict report resume train"
    for name in functions.split():
        assert callable(getattr(cl, name))


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = cl.trian


def test_importing_it_loads_nothing_heavy():
    program = (
        "import cifarlab, sys; print(*{'keras', 'tensorflow', 'jax', 'torch', 'numpy', 'typer'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
