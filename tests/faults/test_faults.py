"""Whatever stops a training, it goes on as if nothing had happened; the long form is `benchmarks/faults.py`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """What the fast form tried and what went wrong, by part: all in one process and copies of it."""
    if sys.platform != "linux" or not (shutil.which("cc") or shutil.which("gcc")):
        pytest.skip("needs Linux and a C compiler")
    answer = tmp_path_factory.mktemp("faults") / "counts.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "faults.py"), "--fast", "--json", str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.is_file(), done.stderr[-3000:]
    return json.loads(answer.read_text())


@pytest.mark.parametrize(("part", "least"), [("kills", 6), ("writes", 10), ("power", 10), ("pairs", 4)])
def test_nothing_is_lost(counts, part, least):
    assert counts[part]["wrong"] == []
    assert counts[part]["tried"] >= least


def test_the_faults_were_met(counts):
    """A suite in which nothing goes wrong shows nothing."""
    assert any(note.startswith("killed") for note in counts["kills"]["notes"])
    assert counts["writes"]["notes"]["ended in one line"] >= 6
    assert counts["power"]["notes"].keys() > {"went on"}
    assert counts["pairs"]["notes"].get("exit codes 0 and 2", 0) >= 1  # of two who resume, one is refused
