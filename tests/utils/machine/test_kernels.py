"""The environment of a backend: the user's stays, what is set is known again, a run's is used again, or told."""

import json
import os

import pytest

from cifarlab.utils.machine import kernels
from cifarlab.utils.machine.processor import Processor

PROCESSOR = Processor("A", "x86_64", ("avx2",))


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A process in which nothing is set and nothing loaded, on a processor with AVX2 and six cores."""
    for name in (*kernels.BIT_VARIABLES, kernels.SET_HERE):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    monkeypatch.setattr(kernels, "_at_load", {})
    monkeypatch.setattr(kernels, "_choices", {})
    monkeypatch.setattr(kernels, "read_processor", lambda: PROCESSOR)
    monkeypatch.setattr(kernels, "usable_cores", lambda: 6)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]


def recorded(**kernel_facts):
    facts = {"threads": {"intra": 2, "inter": 4}, "variables": {"TF_ENABLE_ONEDNN_OPTS": "0"}, **kernel_facts}
    return {"backend": "tensorflow", "processor": "A", "versions": {"numpy": "2.0"}, "kernels": facts}


def test_what_the_processor_wants_is_set():
    kernels.prepare("tensorflow", {})
    assert kernels.in_force("tensorflow") == {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_NUM_INTRAOP_THREADS": "6"}
    assert [choice.setting for choice in kernels.chosen("tensorflow")] == ["oneDNN", "threads"]


def test_what_the_user_set_stays_and_a_child_process_knows_it_from_the_rest():
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    kernels.prepare("tensorflow", {})
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert kernels.asked(os.environ) == {"TF_ENABLE_ONEDNN_OPTS": "0"}
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # by somebody, after that
    assert kernels.asked(os.environ) == {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1"}
    kernels.prepare("tensorflow", {})
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"


def test_another_choice_takes_back_the_one_before():
    kernels.prepare("tensorflow", {})
    kernels.prepare("jax", {})
    assert kernels.in_force("jax") == {"PJRT_NPROC": "6"}


def test_what_is_set_once_a_backend_is_loaded_changes_nothing():
    kernels.prepare("tensorflow", {})
    kernels.remember("tensorflow")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    assert kernels.in_force("tensorflow")["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_a_runs_kernels_are_used_again():
    kernels.prepare("tensorflow", {}, recorded())
    assert kernels.in_force("tensorflow") == {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "4",
    }
    assert kernels.describe("tensorflow")["threads"] == {"intra": 2, "inter": 4}


def test_the_user_wins_over_the_run():
    os.environ["TF_NUM_INTRAOP_THREADS"] = "3"
    kernels.prepare("tensorflow", {}, recorded())
    assert kernels.describe("tensorflow")["threads"]["intra"] == 3


def test_of_an_earlier_versions_run_the_cores_are_known():
    old = {"backend": "tensorflow", "cores": 2, "processor": "A"}
    assert kernels.recorded_variables("tensorflow", old) == {"TF_NUM_INTRAOP_THREADS": "2"}
    assert kernels.recorded_variables("jax", {"cores": 2}) == {"PJRT_NPROC": "2"}
    kernels.prepare("tensorflow", {}, old)
    assert "TF_ENABLE_ONEDNN_OPTS" not in os.environ  # as it was then


@pytest.mark.parametrize(
    "damaged",
    [
        {"kernels": None},
        {"kernels": []},
        {"kernels": {"threads": 3, "variables": "x"}},
        {"kernels": {"threads": {"intra": "many"}, "variables": {"TF_ENABLE_ONEDNN_OPTS": {"a": 1}}}},
        {"cores": "two"},
    ],
)
def test_a_damaged_record_sets_nothing_and_compares_nothing(damaged):
    assert kernels.recorded_variables("tensorflow", damaged) == {}
    assert isinstance(kernels.differences(damaged, recorded()), list)


@pytest.mark.parametrize(
    "variables",
    [
        {"XLA_FLAGS": "--xla_dump_to=/home/me"},
        {"LD_PRELOAD": "evil.so"},
        {"TF_NUM_INTRAOP_THREADS": "1000000"},
        {"TF_ENABLE_ONEDNN_OPTS": "1; rm"},
        {"ONEDNN_MAX_CPU_ISA": "../x"},
    ],
)
def test_a_run_from_somebody_else_sets_nothing_that_could_do_harm(variables):
    run = {"backend": "tensorflow", "kernels": {"variables": variables, "threads": {}}}
    assert kernels.recorded_variables("tensorflow", run) == {}
    kernels.prepare("tensorflow", {}, run)
    assert json.loads(os.environ[kernels.SET_HERE]) == {}


def test_what_cannot_be_the_same_is_told():
    then = recorded(features=["avx2", "avx512f"], onednn_isa="AVX512_CORE")
    here = recorded(
        features=["avx2"],
        onednn_isa="AVX2",
        threads={"intra": 1, "inter": 4},
        variables={"TF_ENABLE_ONEDNN_OPTS": "1", "XLA_FLAGS": "--x"},
    )
    here = {**here, "processor": "B", "versions": {"numpy": "2.1"}}
    assert kernels.differences(then, here) == [
        "numpy 2.1, was 2.0",
        "processor B, was A",
        "features avx2, was avx2 avx512f",
        "oneDNN's instruction set AVX2, was AVX512_CORE",
        "threads (intra) 1, was 2",
        "TF_ENABLE_ONEDNN_OPTS 1, was 0",
        "XLA_FLAGS --x, was not set",
    ]
    assert kernels.differences(then, then) == []


def test_the_versions_of_other_backends_do_not_matter():
    then, here = recorded(), recorded()
    then = {**then, "versions": {"numpy": "2.0", "tensorflow-cpu": "2.21.0", "jax": "0.5"}}
    here = {**here, "versions": {"numpy": "2.0", "tensorflow-cpu": "2.21.0", "jax": "0.6"}}
    assert kernels.differences(then, here) == []
    here["versions"]["tensorflow-cpu"] = "2.22.0"
    assert kernels.differences(then, here) == ["tensorflow-cpu 2.22.0, was 2.21.0"]
