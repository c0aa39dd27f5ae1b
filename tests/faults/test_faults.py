"""Whatever stops a training, it goes on as if nothing had happened; the long form is `benchmarks/faults.py`."""

import pytest


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
