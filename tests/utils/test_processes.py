"""A number that is used again is nobody's."""

import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from cifarlab.utils import processes
from cifarlab.utils.processes import Process

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def test_this_process_is_alive_and_comes_back_from_a_file():
    this = Process.this()
    assert this.is_alive()
    assert Process.read(asdict(this)) == this
    assert str(this) == f"process {os.getpid()} on {platform.node()}"


def test_one_that_has_ended_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert not Process(platform.node(), ended.pid).is_alive()


@linux
def test_one_that_waits_for_its_parent_to_notice_has_ended():
    with subprocess.Popen([sys.executable, "-c", "print(flush=True)"], stdout=subprocess.PIPE) as ended:
        ended.stdout.read()  # at its end: the process has closed it
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not Process(platform.node(), ended.pid).is_alive()


@linux
@pytest.mark.parametrize("change", [{"process_started": 1}, {"boot": "another"}, {"host": "another"}])
def test_one_of_the_same_number_is_another(change):
    assert not replace(Process.this(), **change).is_alive()


@pytest.mark.parametrize(
    "values", [{}, {"process": None}, {"process": "7"}, {"process": True}, {"process": -1}, {"process": 10**400}]
)
def test_what_names_no_process_is_none(values):
    assert Process.read(values) is None


def test_what_earlier_versions_noted_is_read():
    assert Process.read({"process": 7, "host": "there"}) == Process("there", 7)
    assert Process.read({"process": 7, "process_started": "x", "boot": 1, "host": None}) == Process("", 7)


@linux
def test_a_token_tells_whether_its_process_has_ended():
    token = processes.token()
    where, number, started = token.split("-")
    assert not processes.is_left_over(token)
    assert processes.is_left_over(f"{where}-{number}-{int(started) + 1}")
    assert processes.is_left_over(f"{where[:6]}000000-{number}-{started}")  # before this machine was started anew
    assert not processes.is_left_over(f"000000{where[6:]}-{number}-{started}")  # of another machine nothing is known
    assert not processes.is_left_over("anything")
