"""Measured rates are kept for a processor, its cores, a backend and its version, and for no other."""

import dataclasses

import pytest

from cifarlab.utils.machine import rates
from cifarlab.utils.machine.processor import Processor
from cifarlab.utils.machine.rates import Rates, read_rates, write_rates

FOUND = (Rates({"TF_ENABLE_ONEDNN_OPTS": "1"}, {"float32": 6.6e10}, {"float32": 180.0, "bfloat16": 90.0}),)
VERSIONS = {"keras": "3.15", "tensorflow-cpu": "2.21", "jax": "0.5"}
PROCESSOR = Processor("A", "x86_64", ("avx2",))


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rates, "read_processor", lambda: PROCESSOR)
    monkeypatch.setattr(rates, "usable_cores", lambda: 2)
    return tmp_path


def test_what_was_written_is_read():
    assert read_rates(VERSIONS, "tensorflow") == ()
    assert write_rates(FOUND, VERSIONS, "tensorflow").is_file()
    assert read_rates(VERSIONS, "tensorflow") == FOUND
    assert read_rates({**VERSIONS, "jax": "0.6"}, "tensorflow") == FOUND  # of another backend


def test_another_version_backend_processor_or_number_of_cores_is_measured_anew(monkeypatch):
    write_rates(FOUND, VERSIONS, "tensorflow")
    assert read_rates({**VERSIONS, "tensorflow-cpu": "2.22"}, "tensorflow") == ()
    assert read_rates(VERSIONS, "jax") == ()
    with monkeypatch.context() as patched:
        patched.setattr(rates, "usable_cores", lambda: 3)
        assert read_rates(VERSIONS, "tensorflow") == ()
    monkeypatch.setattr(rates, "read_processor", lambda: dataclasses.replace(PROCESSOR, name="B"))
    assert read_rates(VERSIONS, "tensorflow") == ()


@pytest.mark.parametrize("content", ["", "{", "3", "[3]", '[{"variables": {}, "matrix": {"float32": "x"}}]'])
def test_a_damaged_cache_is_measured_anew(content):
    write_rates(FOUND, VERSIONS, "tensorflow").write_text(content)
    assert read_rates(VERSIONS, "tensorflow") == ()


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    (cache / "cifarlab").write_text("a file")
    assert write_rates(FOUND, VERSIONS, "tensorflow") is None
