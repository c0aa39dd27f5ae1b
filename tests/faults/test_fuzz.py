"""The fast form of `benchmarks/fuzz.py`: a few hundred mutations of each reader's file, always the same ones."""

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("mutations.py"))
mutations = importlib.util.module_from_spec(spec)
sys.modules["mutations"] = mutations  # its dataclasses look their module up there
spec.loader.exec_module(mutations)

MUTATIONS = 250


@pytest.mark.parametrize("name", mutations.READERS)
def test_mutated_files_are_answered_or_refused(name, tmp_path):
    outcomes = [mutations.try_one(name, str(number), tmp_path) for number in range(MUTATIONS)]
    assert [each.what for each in outcomes if each.kind in ("bugs", "slow")] == []
    assert {each.kind for each in outcomes} <= {"answered", "refused"}
    assert any(each.kind == "refused" for each in outcomes)
