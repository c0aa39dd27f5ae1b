"""Who trains, by name; and a Ray cluster of two machines, one of which dies."""

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cifarlab.search import make_workers
from cifarlab.search.workers import LocalWorkers
from cifarlab.utils.errors import CifarlabError

SCRIPT = Path(__file__).parents[2] / "benchmarks/ray_two_nodes.py"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "rai"}, "did you mean ray"),
        ({"address": "auto"}, "need --engine ray"),
        ({"cpus": 2.0}, "need --engine ray"),
        ({"gpus": 0.5}, "need --engine ray"),
    ],
)
def test_wrong_engines_are_refused(options, said):
    with pytest.raises(CifarlabError, match=said):
        make_workers(**options)


def test_the_default_is_this_machine():
    assert isinstance(make_workers(jobs=2), LocalWorkers)
    assert str(make_workers(jobs=2, threads=3)) == "2 processes of 3 threads"


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CifarlabError, match=r"pip install 'cifarlab\[ray\]'"):
        make_workers("ray")


def test_what_it_does_is_said():
    pytest.importorskip("ray")
    assert str(make_workers("ray", 3, gpus=0.5)) == "3 processes of 1 thread on a Ray cluster, 1 CPU and 0.5 GPU each"


def test_where_no_cluster_answers_is_said_at_once():
    pytest.importorskip("ray")
    from cifarlab.search.ray_cluster import connect

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        with pytest.raises(CifarlabError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
            connect(f"127.0.0.1:{port}")


def test_where_rays_own_processes_do_not_start_is_one_line(monkeypatch):
    ray = pytest.importorskip("ray")
    from cifarlab.search.ray_cluster import connect

    def time_out(**_):
        raise Exception("The current node timed out during startup.\nThe GCS is overloaded.")

    monkeypatch.setattr(ray, "init", time_out)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(CifarlabError, match="at this machine: The current node timed out during startup"):
        connect(None)


@pytest.mark.thorough
def test_a_machine_that_dies_changes_nothing():
    pytest.importorskip("ray")
    done = subprocess.run([sys.executable, SCRIPT, "--trials", "8"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "'failed': 0" in done.stdout
