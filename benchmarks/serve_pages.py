"""Time and size of every page of the app, with 10,000 images and 100 runs behind it.

    python benchmarks/serve_pages.py --json pages.json

The images and the runs are made up, in a temporary folder: no data and no training is needed. The app serves on
loopback in another process; each page is asked for several times, each time in another way where it has ways (another
run, another image, another filter), first by a server that has seen nothing, then once more. A time is that from the
request's first byte to the answer's last, over one kept connection. In brackets stand the parts of pages that a
script asks for after them, because their figures must be drawn. "processor" is the server's processor time for one
answer, on the mean, which what else the machine does changes little. Ends with 1 where that is more than 25 ms when a
page is asked for again, or a page is larger than 150 kB.
"""

import argparse
import dataclasses
import http.client
import itertools
import json
import multiprocessing
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin, errors_in_one_line, tell
from _servers import processor_seconds

from cifarlab import metrics, recipes
from cifarlab.datasets import Splits, load_data
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, create_run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files, own_code
from cifarlab.web.pages.data_set import slug_of

MOST_PROCESSOR_SECONDS = 0.025
MOST_BYTES = 150_000
TIMES = 15

DATA_FILE = '''"""Made-up pictures of ten classes."""
import numpy as np
from cifarlab.datasets import ImageSet, Source

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(*, data_dir=None, argument="", download=True, progress=None):
    return part("train", 50_000, 1), part("test", {images}, 2), Source(__file__, "made up", "made up")


def part(split, count, seed):
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    images = blocks.repeat(4, axis=1).repeat(4, axis=2)
    images += random.integers(0, 24, images.shape, dtype=np.uint8)
    ids = np.array([f"{{split}}-{{row:05d}}" for row in range(count)])
    return ImageSet(images, np.arange(count, dtype=np.int64) % 10, ids, NAMES)
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--without-figures", action="store_true", help="leave out the parts in brackets")
    parser.add_argument("--json", type=Path, help="also write the numbers there")
    options = begin(parser)
    with errors_in_one_line(), tempfile.TemporaryDirectory(prefix="cifarlab-pages-") as folder:
        place = Path(folder)
        data = place / "made_up.py"
        data.write_text(DATA_FILE.format(images=options.images))
        own_code.allow(str(data))
        tell(f"making {options.runs} runs over {options.images:,} images")
        make_runs(place / "runs", str(data), options.runs)
        results = measure(place / "runs", str(data), options.images, not options.without_figures)
    show(results)
    if options.json:
        files.write_json(options.json, {"images": options.images, "runs": options.runs, "pages": results})
    held = {name: row for name, row in results.items() if not name.startswith("(")}
    slow = [name for name, row in held.items() if row["processor"]["again"] > MOST_PROCESSOR_SECONDS]
    large = [name for name, row in held.items() if row["bytes"] > MOST_BYTES]
    if slow or large:
        sys.exit(f"too slow: {', '.join(slow) or 'none'}; too large: {', '.join(large) or 'none'}")


def measure(runs_dir: Path, data: str, images: int, with_figures: bool) -> dict[str, dict[str, Any]]:
    """Page to its times when first asked for and when asked for again, and to its largest size."""
    results: dict[str, dict[str, Any]] = {}
    server = Serving(runs_dir, data)
    with server as connection:
        for name, addresses in pages(runs_dir, slug_of(data), images).items():
            if name.startswith("(") and not with_figures:
                continue
            tell(name)
            before = server.processor_seconds()
            first = [ask(connection, address) for address in addresses]
            between = server.processor_seconds()
            again = [ask(connection, address) for address in addresses]
            after = server.processor_seconds()
            results[name] = {
                "first": _spread([seconds for seconds, _ in first]),
                "again": _spread([seconds for seconds, _ in again]),
                "processor": {"first": (between - before) / len(first), "again": (after - between) / len(again)},
                "bytes": max(size for _, size in first + again),
            }
    return results


def pages(runs_dir: Path, slug: str, images: int) -> dict[str, list[str]]:
    """Page to the addresses at which it is asked for."""
    names = sorted(path.name for path in runs_dir.iterdir())
    chosen = [names[number * len(names) // TIMES] for number in range(TIMES)]
    classes = ("airplane", "automobile", "bird", "cat", "deer")
    ids = [f"test-{number * images // TIMES:05d}" for number in range(TIMES)]
    columns = ("name", "-accuracy", "loss", "-best", "-epochs", "-seconds", "started", "model", "state", "data")
    return {
        "runs": [f"/runs?sort={columns[number % len(columns)]}" for number in range(TIMES)],
        "runs: seeds as one": ["/runs?group=seed", "/runs?group=seed&sort=-best", "/runs?group=seed&sort=name"],
        "runs: settings": [f"/runs?set=learning_rate&set=model.widths&sort={name}" for name in columns],
        "run": [f"/runs/{name}" for name in chosen],
        "run: images": [f"/runs/{name}/mistakes?sort=confidence" for name in chosen],
        "run: a cell": [f"/runs/{name}/mistakes?true={true}&said=dog" for name in chosen[:3] for true in classes],
        "run: calibration": [f"/runs/{name}/calibration" for name in chosen],
        "run: how it was made": [f"/runs/{name}/making" for name in chosen],
        "(live part)": [f"/runs/{name}/live" for name in chosen],
        "compare": [f"/compare?run={one}&run={other}" for one, other in itertools.pairwise(chosen)],
        "data": [f"/data/{slug}?split=test&page={number + 1}" for number in range(TIMES)],
        "data: by doubt": [f"/data/{slug}?sort=doubt&class={name}&page={page}" for name in classes for page in (1, 2)],
        "data: figures": [f"/data/{slug}/figures"] * 3,
        # What a page leaves to the script because drawing takes long: no page, and no limit.
        "(curves)": [f"/sections/training_curves?split=&run={name}" for name in chosen],
        "(scores of classes)": [f"/sections/class_metrics?split=test&run={name}" for name in chosen],
        "(calibration)": [f"/sections/calibration?split=test&run={name}" for name in chosen],
        "image": [
            f"/images/{slug}/{image_id}?in={name}&shown=all&sort=loss"
            for image_id, name in zip(ids, chosen, strict=True)
        ],
        "a training's form": ["/trainings/new?recipe=mlp2"] * TIMES,
    }


class Serving:
    """The app in another process, which has answered once; gives a connection to it."""

    def __init__(self, runs_dir: Path, data: str) -> None:
        listener = socket.socket()
        # asyncio does this itself only where it opens the socket; without it answers wait 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(str(runs_dir), data, listener), daemon=True)
        self._process.start()

    def __enter__(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        for _ in range(600):
            try:
                ask(connection, "/runs")
                break
            except (ConnectionError, http.client.HTTPException):
                connection.close()
                time.sleep(0.2)
        # What is loaded beside the first visitors is loaded by then.
        ask(connection, "/data", follow=True)
        time.sleep(3)
        return connection

    def processor_seconds(self) -> float:
        """Of the server so far."""
        return processor_seconds(self._process.pid or 0)

    def __exit__(self, *problem: object) -> None:
        self._process.terminate()
        self._process.join()


def ask(connection: http.client.HTTPConnection, address: str, follow: bool = False) -> tuple[float, int]:
    """Seconds that an answer takes, and its bytes.

    Raises:
        ConnectionError: If it is no page.
    """
    began = time.perf_counter()
    connection.request("GET", address, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    if follow and answer.status == 307:
        return ask(connection, str(answer.getheader("location")))
    if answer.status != 200:
        raise ConnectionError(f"{address}: {answer.status} {body[:300]!r}")
    return seconds, len(body)


def _serve(runs_dir: str, data: str, listener: socket.socket) -> None:
    import uvicorn

    from cifarlab.web.server.application import create_app
    from cifarlab.web.settings import Settings

    app = create_app(Settings(runs_dir=Path(runs_dir), data=data))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def make_runs(root: Path, data: str, count: int) -> None:
    """Runs of four skills, each copied until there are enough, with other histories."""
    own_code.allow(data)
    splits = load_data(data)
    originals = [_make_run(root, f"original-{number}", splits, data, skill=2.0 + number) for number in range(4)]
    for number in range(count - len(originals)):
        original = originals[number % len(originals)]
        copy = Run(root / f"recipe{number % 7}-seed{number:03d}")
        shutil.copytree(original.path, copy.path)
        copy.write_history(list(_history(80 + number)))


def _make_run(root: Path, name: str, splits: Splits, data: str, skill: float) -> Run:
    run = create_run(root, name)
    run.set_state("running")
    made_with = Recipe(model="mlp", model_args={"widths": (512, 256, 128)}, data=data)
    files.write_json(run.recipe_file, recipes.to_dict(made_with))
    files.write_json(run.data_file, {**dataclasses.asdict(splits.source), "class_names": list(splits.class_names)})
    files.write_json(run.environment_file, {"parameters": 1_700_000, "training_seconds": 84.0})
    files.write_text(run.command_file, f"cifarlab train mlp2 --name {name}\n")
    run.write_history(list(_history(100)))
    random = np.random.default_rng(round(skill))
    test = splits.test
    logits = random.normal(size=(len(test), 10)).astype(np.float32)
    logits[np.arange(len(test)), test.labels] += skill
    predictions = Predictions(test.ids, test.labels, logits, test.class_names)
    predictions.save(run.predictions_file("test"))
    looks = run.record_look("test", "cifarlab evaluate")
    scores = dataclasses.replace(metrics.score(predictions), run=name, data=data, split="test", looks=looks)
    files.write_json(run.scores_file("test"), scores)
    run.set_state("finished")
    return run


def _history(epochs: int) -> Iterator[dict[str, float]]:
    for epoch in range(1, epochs + 1):
        row = {"epoch": float(epoch), "train_loss": 2 / epoch + 0.3, "train_accuracy": 0.9 - 0.6 / epoch}
        yield {**row, "validation_loss": 2 / epoch + 0.5, "validation_accuracy": 0.7 - 0.4 / epoch}


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"median": statistics.median(seconds), "max": max(seconds)}


def show(results: dict[str, dict[str, Any]]) -> None:
    """A table: the median and the slowest of the first answers, the median of the later ones, the size."""
    columns = f"{'first, median':>15}{'slowest':>10}{'again, median':>15}{'processor':>12}{'again':>8}{'largest':>10}"
    print(f"{'page':24}{columns}")
    for name, row in results.items():
        times = [f"{1000 * value:.0f} ms" for value in (*row["first"].values(), row["again"]["median"])]
        busy = [f"{1000 * value:.0f} ms" for value in row["processor"].values()]
        size = f"{row['bytes'] / 1000:,.0f} kB"
        print(f"{name:24}{times[0]:>15}{times[1]:>10}{times[2]:>15}{busy[0]:>12}{busy[1]:>8}{size:>10}")
    print(
        json.dumps({"slowest median": max(row["first"]["median"] for name, row in results.items() if name[0] != "(")})
    )


if __name__ == "__main__":
    main()
