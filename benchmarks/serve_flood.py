"""What `cifarlab serve` does among clients that mean it ill: idle, slow, malformed, or with pictures made to cost.

    python benchmarks/serve_flood.py
    python benchmarks/serve_flood.py --seconds 300 --uploads 1000 --json flood.json

Each part runs against a server of its own process while another client asks for `/healthz` all the time. Told are how
long that took, how far the server's memory rose, what was answered, and at the end how long SIGTERM took with a request
still coming in. The server must stay within the bounds printed beside each figure; else the exit code is 1.
"""

import argparse
import contextlib
import io
import json
import os
import random
import signal
import socket
import statistics
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from _load import ask, get, multipart, percentile
from _measure import begin, errors_in_one_line
from _servers import Server, ours, watched
from PIL import Image

from cifarlab.models.pretrained.builtin import NAME

IDLE, HALF, SLOW = 600, 300, 100
MOST_MILLISECONDS = 100.0
MOST_MEGABYTES = 300.0
MOST_STOP_SECONDS = 33.0
PAUSE = 0.02
LOST = "no answer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each part with idle or slow clients")
    parser.add_argument("--uploads", type=int, default=60, help="hostile pictures, ten at once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    arguments = begin(parser)
    with errors_in_one_line():
        found = flood(arguments.seconds, arguments.uploads)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        raise SystemExit(0 if all(part["within"] for part in found.values()) else 1)


def flood(seconds: float, uploads: int) -> dict[str, Any]:
    """Every part in turn, and what was measured in each."""
    found: dict[str, Any] = {}
    with ours(NAME)() as server:
        parts: dict[str, Callable[[], Counter[str]]] = {
            f"{IDLE} idle connections": lambda: hold(server, IDLE, b"", seconds),
            f"{HALF} half heads": lambda: hold(server, HALF, b"GET /runs HTTP/1.1\r\nHost: local", seconds),
            f"{SLOW} slow bodies": lambda: hold(server, SLOW, slow_body(), seconds),
            f"{uploads} hostile uploads": lambda: send_all(server, hostile_uploads(uploads)),
            "malformed requests": lambda: send_all(server, malformed(uploads)),
        }
        for path in ("/classify", "/v1/predict"):  # what the first answer compiles is not the flood's
            ask(server.port, multipart(path, [_small()]))
        for name, part in parts.items():
            found[name] = measure(server, name, part)
        found["SIGTERM"] = stop(server)
    return found


def measure(server: Server, name: str, part: Callable[[], Counter[str]]) -> dict[str, Any]:
    """One part, with a probe beside it."""
    with watched(server) as memory, probed(server) as probe:
        answers = part()
    rise = (max(memory) - memory[0]) / 1e6
    late = percentile(probe, 0.99)
    within = bool(late <= MOST_MILLISECONDS and rise <= MOST_MEGABYTES and len(probe) > 1)
    print(
        f"{name}: /healthz {1e3 * statistics.median(probe):.0f} ms, 99 % within {late:.0f} ms (at most "
        f"{MOST_MILLISECONDS:g}), memory up by {rise:.0f} MB (at most {MOST_MEGABYTES:g}); "
        + ", ".join(f"{count} x {what}" for what, count in sorted(answers.items()))
    )
    return {"median_ms": 1e3 * statistics.median(probe), "p99_ms": late, "rise_mb": rise, "within": within,
            "answers": dict(answers)}  # fmt: skip


@contextlib.contextmanager
def probed(server: Server) -> Iterator[list[float]]:
    """How long `/healthz` takes, asked again and again for as long as the block lasts; lost ones as infinity."""
    seconds, over = [], threading.Event()

    def probe() -> None:
        while not over.wait(PAUSE):
            began = time.perf_counter()
            try:
                is_well = ask(server.port, get("/healthz")).status == 200
            except (OSError, EOFError):
                is_well = False
            seconds.append(time.perf_counter() - began if is_well else float("inf"))

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield seconds
    finally:
        over.set()
        thread.join()


def hold(server: Server, count: int, data: bytes, seconds: float) -> Counter[str]:
    """So many connections that send a little and wait; how many the server had closed at the end."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
                client.sendall(data)
                clients.append(client)
        time.sleep(seconds)
        closed = sum(_is_closed(client) for client in clients)
    return Counter({"closed by the server": closed, "held": len(clients) - closed})


def _is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) in (b"", b"H")  # an answer closes it too
    except BlockingIOError:
        return False
    except OSError:
        return True


def slow_body() -> bytes:
    return b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n" + (
        b"Content-Length: 1000000\r\n\r\n--x\r\n"
    )


def send_all(server: Server, requests: list[bytes]) -> Counter[str]:
    """Requests, ten at once; how often each status was answered."""

    def send(request: bytes) -> str:
        try:
            return str(ask(server.port, request).status)
        except (OSError, EOFError, ValueError, IndexError):
            return LOST

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(send, requests))


def hostile_uploads(count: int) -> list[bytes]:
    """Pictures made to cost, to the page and to the API in turn."""
    pictures = [_large("RGB"), _large("RGBA"), _large("L", 16), _narrow(), _comments(), _plain(), _bomb(), _cut()]
    paths = ("/classify", "/v1/predict")
    return [multipart(paths[number % 2], [pictures[number // 2 % len(pictures)]]) for number in range(count)]


def _large(mode: str, bits: int = 8) -> bytes:
    file, side = io.BytesIO(), 6_300  # 39.7 megapixels: just within the limit
    picture = Image.fromarray(np.zeros((side, side), np.uint16)) if bits == 16 else Image.new(mode, (side, side))
    picture.save(file, "png")
    return file.getvalue()


def _small() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, "png")
    return file.getvalue()


def _narrow() -> bytes:
    file = io.BytesIO()
    Image.new("L", (39_000_000, 1)).save(file, "png")
    return file.getvalue()


def _comments() -> bytes:
    return b"P6\n" + b"#\n" * 1_000_000 + b"2 2\n255\n" + bytes(12)


def _plain() -> bytes:
    return b"P1\n6000 6000\n" + b"1 " * 1_000_000


def _bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _cut() -> bytes:
    return _large("RGB")[:50_000]


def malformed(count: int) -> list[bytes]:
    """Requests that are none, or in forms that nobody sends."""
    chance = random.Random(0)
    kinds: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(200) + b"\r\n\r\n",
        lambda: b"GET /runs?q=" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        lambda: b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        lambda: (
            b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"
        ),
        lambda: b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    ]
    return [kinds[number % len(kinds)]() for number in range(count)]


def stop(server: Server) -> dict[str, Any]:
    """SIGTERM while bodies still come in; how long the process then lives."""
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            client.sendall(slow_body())
        time.sleep(0.5)
        began = time.perf_counter()
        os.kill(server.process, signal.SIGTERM)
        while _is_alive(server.process) and time.perf_counter() - began < 2 * MOST_STOP_SECONDS:
            time.sleep(0.1)
    seconds = time.perf_counter() - began
    print(f"SIGTERM with ten requests half sent: {seconds:.1f} s (at most {MOST_STOP_SECONDS:g})")
    return {"seconds": seconds, "within": seconds <= MOST_STOP_SECONDS}


def _is_alive(process: int) -> bool:
    try:  # the last field but many: Z is a process that has ended and is not yet waited for
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    main()
