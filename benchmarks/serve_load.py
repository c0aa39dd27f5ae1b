"""How many requests a second `cifarlab serve` answers, how fast, and what it does when twice as many come.

    python benchmarks/serve_load.py --model runs/mlp2-seed0 --rounds 5
    python benchmarks/serve_load.py --model runs/mlp2-seed0 --overload --seconds 300

A bounded number of clients on this machine, each of which waits for its answer before it asks again, in turn against
our server and against a bare FastAPI handler that calls onnxruntime (`peers/bare_onnx_server.py`, on the event loop
and in threads), with the same pictures, one and several in a request. The peers need `onnx`, `onnxruntime` and
`tf2onnx`, which the extra `[web]` brings; where they are missing, ours is measured alone. "processor" is the server's
processor time for one request, which what else the machine does changes less than the rate. `--overload` asks for twice
what was answered a second just before, from more clients than the queue has places: every request must get an answer,
and the server's memory must not grow.
"""

import argparse
import io
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _load import LOST, Tally, apply_load, multipart, percentile
from _measure import begin, compare_rates, errors_in_one_line, in_turn, tell
from _servers import Starter, bare, growth, ours, processor_seconds, watched
from PIL import Image
from predict_throughput import export_onnx, missing_packages

from cifarlab.models.pretrained.builtin import NAME
from cifarlab.runs import open_run
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

OURS = "cifarlab serve"
PEERS = {"async": "bare FastAPI, on the event loop", "threads": "bare FastAPI, in threads"}
OVERLOAD_CLIENTS = 600
"""More than the 256 places of the queue."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=NAME, metavar="RUN", help="folder of a finished run, or builtin")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8], metavar="N", help="pictures in a request")
    parser.add_argument("--overload", action="store_true", help="twice the capacity, and the server's memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    arguments = begin(parser)
    with errors_in_one_line():
        print(f"{arguments.model}, {arguments.clients} clients")
        found = overload(arguments) if arguments.overload else compare(arguments)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ours and the peers in turn, one process at a time, at each number of pictures in a request."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="cifarlab-benchmark-") as folder:
        file = export(arguments.model, Path(folder))
        starters: dict[str, tuple[Starter, str]] = {OURS: (ours(arguments.model), "/v1/predict")}
        if file is not None:
            starters |= {name: (bare(file, style), "/predict") for style, name in PEERS.items()}
        for size in arguments.batch_sizes:
            loads: dict[str, list[Load]] = {name: [] for name in starters}
            contestants = {
                name: contestant(starter, request_of(path, arguments.model, size), arguments, loads[name])
                for name, (starter, path) in starters.items()
            }
            rates = in_turn(contestants, arguments.rounds)
            check_agreement({name: done[0].tally for name, done in loads.items()})
            found[str(size)] = report(size, rates, loads)
    return found


@dataclass(frozen=True)
class Load:
    """What a server answered, and what that took of the processor."""

    tally: Tally
    processor_seconds: float


def contestant(
    starter: Starter, request: bytes, arguments: argparse.Namespace, loads: list[Load]
) -> Callable[[], float]:
    """A function that starts a server, loads it, and returns its answered requests a second."""

    def measure() -> float:
        with starter() as server:
            apply_load(server.port, request, arguments.clients, 1.0)  # after this, everything is imported and compiled
            before = processor_seconds(server.process)
            tally = apply_load(server.port, request, arguments.clients, arguments.seconds)
            loads.append(Load(tally, processor_seconds(server.process) - before))
        if set(tally.statuses) != {200}:
            raise CifarlabError(f"not every request was answered with 200: {dict(tally.statuses)}")
        return answered_per_second(tally)

    return measure


def answered_per_second(tally: Tally) -> float:
    return len(tally.seconds) / tally.elapsed


def report(size: int, rates: dict[str, list[float]], loads: dict[str, list[Load]]) -> dict[str, Any]:
    print(f"{size} {'picture' if size == 1 else 'pictures'} in a request")
    found = {}
    for name, values in rates.items():
        seconds = [second for load in loads[name] for second in load.tally.seconds]
        half, most = percentile(seconds, 0.5), percentile(seconds, 0.99)
        busy = [1e3 * load.processor_seconds / len(load.tally.seconds) for load in loads[name]]
        found[name] = {"requests_per_second": values, "p50_ms": half, "p99_ms": most, "processor_ms": busy}
        more = f"p50 {half:.1f} ms, p99 {most:.1f} ms, processor {statistics.median(busy):.2f} ms"
        print(compare_rates(name, rates, OURS, "requests", more))
    return found


def overload(arguments: argparse.Namespace) -> dict[str, Any]:
    """Twice the capacity, for as long as asked, and the memory of the server meanwhile."""
    with ours(arguments.model)() as server:
        request = request_of("/v1/predict", arguments.model, arguments.batch_sizes[0])
        apply_load(server.port, request, arguments.clients, 1.0)
        capacity = answered_per_second(apply_load(server.port, request, arguments.clients, 10.0))
        clients = max(arguments.clients, OVERLOAD_CLIENTS)
        tell(f"{capacity:,.0f} requests/s; now {2 * capacity:,.0f} from {clients} clients for {arguments.seconds:g} s")
        with watched(server) as memory:
            tally = apply_load(server.port, request, clients, arguments.seconds, rate=2 * capacity)
        after = answered_per_second(apply_load(server.port, request, arguments.clients, 5.0))
    statuses = tally.statuses
    sent, half, most = statuses.total(), percentile(tally.seconds, 0.5), percentile(tally.seconds, 0.99)
    print(f"asked {sent / arguments.seconds:,.0f} requests/s of {clients} clients; capacity {capacity:,.0f} before")
    print(f"  answered {statuses[200]:,}, refused with 503 {statuses[503]:,}, without any answer {statuses[LOST]:,}")
    print(f"  other answers {sent - statuses[200] - statuses[503] - statuses[LOST]:,}")
    print(f"  503 without Retry-After {tally.without_retry_after:,}; answered: p50 {half:.1f} ms, p99 {most:.1f} ms")
    print(f"  memory {memory[0] / 2**20:,.0f} MiB at first, {max(memory) / 2**20:,.0f} MiB at most")
    print(f"  its last fifth is {growth(memory):.3f} times its second fifth; afterwards {after:,.0f} requests/s")
    return {
        "capacity": capacity,
        "statuses": dict(statuses),
        "memory_bytes": memory,
        "memory_growth": growth(memory),
        "p50_ms": half,
        "p99_ms": most,
        "afterwards": after,
    }


def request_of(path: str, model: str, size: int) -> bytes:
    """The same pictures for everybody, and to ours the model's name."""
    fields = {"model": NAME if model == NAME else Path(model).name} if path.startswith("/v1/") else {}
    return multipart(path, [png(seed) for seed in range(size)], fields)


def export(model: str, folder: Path) -> Path | None:
    """The model as ONNX; None, said in one line, where its packages are missing."""
    if missing := missing_packages(choose_backend()):
        tell(f"bare FastAPI is not measured: it needs pip install {' '.join(missing)}")
        return None
    from cifarlab.inference.prediction import load_model

    run = None if model == NAME else open_run(model, needs_model=True)
    return export_onnx(run, load_model(model), folder / "model.onnx")


def check_agreement(tallies: dict[str, Tally]) -> None:
    """Make sure that all find their best class as probable, up to rounding.

    Raises:
        CifarlabError: If a peer's probability is another than ours.
    """
    best = {}
    for name, tally in tallies.items():
        answers = json.loads(tally.first)["predictions"]
        best[name] = np.array([answer["top"][0]["probability"] for answer in answers])
    for name, values in best.items():
        if not np.allclose(values, best[OURS], atol=0.02):
            raise CifarlabError(f"{name} answers {values}, cifarlab {best[OURS]}: they do not compute the same")


def png(seed: int) -> bytes:
    """32 x 32 random pixels: what they cost to read hardly counts, so that the server's own work does."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


if __name__ == "__main__":
    main()
