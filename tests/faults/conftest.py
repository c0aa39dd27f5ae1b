"""What the tests of faults share."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def counts(tmp_path_factory):
    """The fast form of `benchmarks/faults.py`, once for all tests: what was tried and what went wrong, by part."""
    if sys.platform != "linux" or not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("needs Linux and a C compiler")
    answer = tmp_path_factory.mktemp("faults") / "counts.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "faults.py"), "--fast", "--json", str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.is_file(), done.stderr[-3000:]
    return json.loads(answer.read_text())


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and not drawn, which takes longest: by then nothing of a run is read any more."""

    def save(_figure, file, format, **_options):
        file.write('<svg width="1pt" height="1pt"></svg>' if format == "svg" else b"\x89PNG")

    monkeypatch.setattr(Figure, "savefig", save)
