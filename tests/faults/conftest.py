"""The fast form of `benchmarks/faults.py`, once for all tests: the processes are copies of one that loaded Keras."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def counts(tmp_path_factory):
    """What was tried and what went wrong, by part."""
    if sys.platform != "linux" or not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("needs Linux and a C compiler")
    answer = tmp_path_factory.mktemp("faults") / "counts.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "faults.py"), "--fast", "--json", str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.is_file(), done.stderr[-3000:]
    return json.loads(answer.read_text())
