"""Servers as processes of their own: started, waited for, watched, ended."""

import contextlib
import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from _load import ask, get

from cifarlab.models.pretrained.builtin import NAME
from cifarlab.utils.errors import CifarlabError

PROGRAM = "import sys; from cifarlab.cli.main import main; sys.exit(main())"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        port: On 127.0.0.1.
        process: Its number.
    """

    port: int
    process: int


Starter = Callable[[], AbstractContextManager[Server]]


def ours(model: str) -> Starter:
    """Starts `cifarlab serve` with the folder of runs that the model is in.

    Args:
        model: Folder of a run, or `"builtin"`.
    """
    runs_dir = "runs" if model == NAME else str(Path(model).parent)
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0", "--data", "digits", "--runs-dir", runs_dir]
    return lambda: _started(command, r":(\d+)/", "/readyz")


def bare(file: Path, style: str) -> Starter:
    """Starts the bare FastAPI handler.

    Args:
        file: The model as ONNX.
        style: `"async"` or `"threads"`.
    """
    command = [sys.executable, str(HERE / "peers" / "bare_onnx_server.py"), str(file), "--style", style]
    return lambda: _started(command, r"^(\d+)$", "/docs")


@contextlib.contextmanager
def watched(server: Server) -> Iterator[list[int]]:
    """The server's resident memory in bytes, once a second, in a list that grows for as long as the block lasts."""
    samples, over = [_resident(server.process)], Event()

    def watch() -> None:
        while not over.wait(1.0):
            samples.append(_resident(server.process))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def processor_seconds(process: int) -> float:
    """User and system time of a process so far, in steps of 10 ms; NaN where the system does not tell (Linux does).

    Args:
        process: Its number.
    """
    path = Path(f"/proc/{process}/stat")
    if not path.is_file():
        return math.nan
    user, system = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def growth(samples: list[int]) -> float:
    """The median of the last fifth of the samples over that of the second fifth: 1 is flat."""
    fifth = max(1, len(samples) // 5)
    return statistics.median(samples[-fifth:]) / statistics.median(samples[fifth : 2 * fifth] or samples)


@contextlib.contextmanager
def _started(command: list[str], pattern: str, ready_path: str) -> Iterator[Server]:
    """A process whose first line tells its port, from the moment when a path is answered with 200."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline().strip() if process.stdout else ""
            found = re.search(pattern, line)
            if found is None:
                raise CifarlabError(f"{' '.join(command[:3])} did not start. It printed: {line!r}")
            server = Server(int(found[1]), process.pid)
            _wait_until_ready(server, ready_path)
            yield server
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(server: Server, path: str, seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, EOFError):
            if ask(server.port, get(path)).status == 200:
                return
        time.sleep(0.2)
    raise CifarlabError(f"the server was not ready within {seconds:g} s")


def _resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0
