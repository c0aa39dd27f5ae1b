import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from cifarlab.datasets import NoDataError, _download


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")


def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(_download, "PATIENCE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reason = _download._ask(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert "timed out" in reason or "no answer within 0.3 s" in reason


def test_a_name_look_up_that_hangs_is_given_up(monkeypatch):
    released = threading.Event()

    def hang(*arguments, **options):
        released.wait(10)
        raise OSError("too late")

    monkeypatch.setattr(_download, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert _download._ask("http://example.invalid/") == "no answer within 0.2 s"
    released.set()


def test_refusals_and_good_answers():
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert _download._ask(f"{address}/there") == ""
        assert "404" in _download._ask(f"{address}/gone")
        server.shutdown()
        thread.join()
    assert "refused" in _download._ask(f"{address}/there")


def test_a_download_that_breaks_off_is_one_line_on_a_clean_stdout(monkeypatch, capsys):
    def load_data():
        print("Downloading data from somewhere")
        assert socket.getdefaulttimeout() == _download.PATIENCE_SECONDS
        raise Exception("URL fetch failure")

    monkeypatch.setattr(_download, "choose_backend", lambda: "tensorflow")
    monkeypatch.setattr(_download, "_ask", lambda url: "")
    for name in ("keras", "keras.datasets"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    monkeypatch.setitem(sys.modules, "keras.datasets.cifar10", SimpleNamespace(load_data=load_data))
    with pytest.raises(NoDataError, match=r"URL fetch failure.*do this"):
        _download.load_through_keras("cifar10", "http://somewhere", "do this")
    assert capsys.readouterr().out == ""
    assert socket.getdefaulttimeout() is None


def test_keras_home_decides_where_its_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert _download.keras_cache_folders()[0] == tmp_path / "datasets"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _download.keras_cache_folders()[0] == tmp_path / ".keras" / "datasets"
