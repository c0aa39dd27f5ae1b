"""`cifarlab serve` as a user meets it: the address it prints, what it refuses, how it stops."""

import contextlib
import http.client
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest

from cifarlab.cli import main as cli
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.predictions.batcher import Batcher
from cifarlab.web.server.hosts import LOOPBACK_NAMES, is_address, is_every_address, is_loopback, own_address
from cifarlab.web.server.listening import bind
from cifarlab.web.server.server import address_of
from cifarlab.web.settings import Settings

PROGRAM = "import sys; from cifarlab.cli.main import main; sys.exit(main())"


def start(folder: Path, *words: str) -> tuple[subprocess.Popen, str]:
    """A server of its own, and the line that it prints."""
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0", "--data", "digits", *words]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)
    assert process.stdout is not None
    return process, process.stdout.readline()


def ask(line: str, path: str = "/healthz", **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer of the server that printed the line."""
    connection = http.client.HTTPConnection("127.0.0.1", int(re.search(r":(\d+)/", line)[1]), timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)])
def test_it_prints_its_address_answers_and_stops(tmp_path, stop):
    process, line = start(tmp_path)
    assert re.fullmatch(r"cifarlab is at http://127\.0\.0\.1:\d+/ \(Ctrl-C stops it\)\n", line), process.communicate()
    assert ask(line) == (200, b'{"status":"ok"}')
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.thorough
def test_on_another_address_a_token_is_generated_and_printed(tmp_path):
    process, line = start(tmp_path, "--host", "0.0.0.0")
    host, token = re.search(r"http://([^/]+):\d+/\?token=([\w-]{32,})", line).groups()
    assert host not in LOOPBACK_NAMES
    assert ask(line, Host=host)[0] == 200
    assert ask(line, "/v1/models")[0] == 401
    assert ask(line, "/v1/models", Authorization=f"Bearer {token}")[0] == 200
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        assert cli.main(["serve", *words]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("cifarlab: ")
        assert captured.err.count("\n") == 1
        return captured.err

    return run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "no.such.host.invalid"), "unknown host"),
        (("--host", "192.0.2.1"), "cannot serve at 192.0.2.1"),
        (("--port", "70000"), "--port"),
        (("--port", "-1"), "--port"),
        (("--port", "many"), "--port"),
        (("--data", "cifar11"), "cifar10"),
        (("--data", "folder:nowhere"), "nowhere"),
        (("--data", "table:nowhere.csv?size=64"), "nothing at nowhere.csv: expected folder:PATH or table:FILE"),
        (("--data-dir", "nowhere"), "nowhere"),
        (("--token", ""), "a token is made of"),
        (("--token", "two words"), "a token is made of"),
        (("--runs-dir", "file"), "not a folder"),
        (("extra",), "extra"),
    ],
)
def test_bad_input_is_one_line(refused, tmp_path, words, message):
    (tmp_path / "file").write_text("")
    assert message in refused(*words)


def test_a_port_that_is_taken_is_said(refused):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert f"port {port}" in refused("--port", port)


def test_an_address_is_refused_before_anything_that_takes_long_is_imported():
    program = (
        "import sys; from cifarlab.cli.main import main; main(); print([name for name in SLOW if name in sys.modules])"
    )
    slow = ["keras", "tensorflow", "uvicorn", "fastapi", "cifarlab.web.server.application"]
    words = ["serve", "--host", "192.0.2.1", "--port", "0"]
    command = [sys.executable, "-c", f"SLOW = {slow}; {program}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "cannot serve at 192.0.2.1" in done.stderr
    assert done.stdout == "[]\n"


def test_without_the_extra_it_says_what_to_install(refused, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find(name, *rest)
    )
    line = refused()
    assert "uvicorn" in line
    assert "pip install 'cifarlab[web]'" in line


@pytest.mark.parametrize(
    ("host", "token", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8000/"),
        ("0.0.0.0", "abc", "http://192.168.7.7:8000/?token=abc"),
        ("::", "abc", "http://[2001:db8::7]:8000/?token=abc"),
        ("::1", None, "http://[::1]:8000/"),
        ("box.example", "abc", "http://box.example:8000/?token=abc"),
    ],
)
def test_the_address_can_be_opened(monkeypatch, host, token, address):
    own = {"0.0.0.0": "192.168.7.7", "::": "2001:db8::7"}
    monkeypatch.setattr("cifarlab.web.server.server.own_address", own.__getitem__)
    assert address_of(Settings(host=host, token=token)) == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_own_address_is_one_that_others_can_open(monkeypatch, host):
    address = own_address(host)
    assert address == socket.gethostname() or (
        is_address(address) and not is_loopback(address) and not is_every_address(address)
    )

    def refuse(*_):
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "socket", refuse)
    assert own_address(host) == socket.gethostname()


def test_an_address_is_bound_at_once():
    with bind("127.0.0.1", 0) as listener, pytest.raises(CifarlabError, match="in use"):
        bind("127.0.0.1", listener.getsockname()[1])


def test_a_stop_answers_what_was_accepted(tmp_path, monkeypatch, fakes, encode):
    """The whole way: a request is in the model, and four wait for it, when the server is told to end."""
    gate, answers, accepted = fakes.Gate(), [], threading.Semaphore(0)
    submit, shutdown = Batcher.submit, fakes._Server.shutdown

    def counted(batcher, pictures):
        answer = submit(batcher, pictures)
        accepted.release()
        return answer

    async def opened(server, sockets=None):
        gate.opened.set()
        await shutdown(server, sockets)

    monkeypatch.setattr(Batcher, "submit", counted)
    monkeypatch.setattr(fakes._Server, "shutdown", opened)  # which begins once the server is told to end
    picture = encode(np.zeros((8, 8, 3), np.uint8))
    with fakes.serving(Settings(runs_dir=tmp_path, data="digits"), fakes.FakeModelStore(gate)) as address:

        def post() -> None:
            answers.append(httpx.post(f"{address}/v1/predict", files={"images": picture}, timeout=30))

        post()
        assert accepted.acquire(timeout=30)
        gate.armed = True
        clients = [threading.Thread(target=post) for _ in range(5)]
        for client in clients:
            client.start()
        for _ in clients:
            assert accepted.acquire(timeout=30)
        assert gate.reached.wait(30)
        assert len(answers) == 1
    for client in clients:
        client.join(30)
    assert [answer.status_code for answer in answers] == [200] * 6
