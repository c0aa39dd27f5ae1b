"""The benchmarks are programs beside the package: their folders go on the path as Python puts them there itself."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "benchmarks", ROOT / "benchmarks" / "peers")


@pytest.fixture(scope="session", autouse=True)
def benchmarks_on_path():
    added = [str(folder) for folder in FOLDERS]
    sys.path[:0] = added
    yield
    for folder in added:
        sys.path.remove(folder)
