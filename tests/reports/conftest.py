import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fake_run() -> ModuleType:
    """`fake_run.py` beside this file: `make_run` and `write_model` without Keras."""
    spec = importlib.util.spec_from_file_location("fake_run", Path(__file__).with_name("fake_run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def make_run(fake_run):
    """Makes a whole evaluated run on digits without training anything."""
    return fake_run.make_run
