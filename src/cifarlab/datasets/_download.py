"""Keras's cache, found without importing Keras, and downloads through Keras, given up soon where nobody answers."""

import contextlib
import http.client
import importlib
import os
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

PATIENCE_SECONDS = 10.0


class NoDataError(CifarlabError):
    """The data is nowhere on this machine and cannot be downloaded."""


def keras_cache_folders() -> list[Path]:
    """Where `keras.datasets` keeps its files: in `$KERAS_HOME` or `~/.keras`, or in `/tmp` if that is not writable."""
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras")
    with contextlib.suppress(RuntimeError):  # there is no home
        home = home.expanduser()
    return [home / "datasets", Path("/tmp/.keras/datasets")]


def load_through_keras(name: str, url: str, advice: str) -> Any:
    """What `keras.datasets.<name>.load_data()` returns, after a download into Keras's cache where that lacks the data.

    Args:
        name: A module of `keras.datasets`.
        url: An address at the server that Keras will ask, or `""` if Keras's cache is known to hold the data.
        advice: How to give the data without a network; ends the message.

    Raises:
        NoDataError: If the server does not answer within `PATIENCE_SECONDS`, or the download breaks off.
        CifarlabError: If no backend is installed, which Keras needs even for this.
    """
    choose_backend()
    if url and (problem := _ask(url)):
        raise NoDataError(f"no {name} on this machine and no network ({problem}): {advice}")
    try:
        # Keras prints its progress to standard output, where --json is read.
        with contextlib.redirect_stdout(sys.stderr), _impatient_sockets():
            return importlib.import_module(f"keras.datasets.{name}").load_data()
    except Exception as error:  # Keras raises plain Exception for a failed download
        raise NoDataError(f"cannot get {name} through keras.datasets ({error}): {advice}") from error


def _ask(url: str) -> str:
    """Why the server cannot be reached, or `""`. In a thread, because a look-up of its name has no time limit."""
    answers: list[str] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
                answers.append("")
        except urllib.error.HTTPError as error:
            answers.append(f"{url} answered {error.code} {error.reason}")
            error.close()
        except (OSError, http.client.HTTPException) as error:
            answers.append(str(getattr(error, "reason", error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return answers[0] if answers else f"no answer within {PATIENCE_SECONDS:g} s"


@contextlib.contextmanager
def _impatient_sockets() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
