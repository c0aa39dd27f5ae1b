"""Twenty thousand pictures through `cifarlab predict --engine ray`: speed, memory, and killed half-way.

    .venv/bin/python benchmarks/ray_predict.py FOLDER [--model RUN] [--jobs 2]

FOLDER is filled with CIFAR-10's test images and 10,000 of its training images as PNG files, where it is not there. Three
commands: undisturbed; killed by SIGKILL at half; the same again. Needs the extra `[ray]`, and Linux for the memory.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from cifarlab.datasets import load_data

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


def make_pictures(folder: Path) -> None:
    """20,000 PNG files in folders of a thousand."""
    splits = load_data("cifar10", validation_fraction=0.0)
    for part in ("test", "train"):
        for number, image in enumerate(splits[part].images[:10_000]):
            place = folder / part / f"{number // 1000:02d}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:05d}.png")


def memory(process: int) -> Counter[str]:
    """MiB of resident memory of a process, of those that classify, and of Ray's own below it."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = status.read_text().partition(" (")
            parents[int(number)] = int(rest.rpartition(") ")[2].split()[1])
            names[int(number)] = (status.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue  # it has ended
    used: Counter[str] = Counter()
    for number in parents:
        above = number
        while above not in (process, 0, 1):
            above = parents.get(above, 0)
        if above == process:
            kind = "command" if number == process else "classifying" if "MapWorker" in names[number] else "Ray's own"
            try:
                pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            except (OSError, ValueError):
                continue
            used[kind] += round(pages * PAGE_MIB)
    return used


def answered(output: Path) -> int:
    """Pictures in finished parts."""
    return sum(file.read_bytes().count(b"\n") for file in output.with_name(f"{output.name}.parts").glob("*.csv"))


def run(words: list[str], output: Path, kill_at: int | None = None) -> tuple[float, float, int]:
    """One command, watched: its seconds, those from the first part on, and the pictures that these took."""
    began = time.monotonic()
    command = [sys.executable, "-c", "from cifarlab.cli.main import main; raise SystemExit(main())"]
    process = subprocess.Popen([*command, *words, "--output", str(output)], stderr=subprocess.DEVNULL)
    before, first, last = answered(output), (0.0, 0), (0.0, 0)
    shown = began
    while process.poll() is None:
        time.sleep(0.5)
        now, there = time.monotonic(), answered(output)
        if there > before and there > last[1]:
            last = now, there
            first = first if first[1] else last
        if now - shown >= 5:
            shown = now
            used = ", ".join(f"{kind} {mib:,} MiB" for kind, mib in sorted(memory(process.pid).items()))
            print(f"  {now - began:4.0f} s  {there:6,} pictures  {used}", flush=True)
        if kill_at is not None and there >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"  killed at {there:,} pictures")
    return time.monotonic() - began, last[0] - first[0], last[1] - first[1]


def main() -> int:
    """Predict three times; 1 where the files differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if not given.folder.is_dir():
        make_pictures(given.folder)
    words = ["predict", str(given.folder), "--model", given.model, "--engine", "ray", "--jobs", str(given.jobs)]
    with tempfile.TemporaryDirectory() as scratch:
        whole, killed = Path(scratch) / "whole.csv", Path(scratch) / "killed.csv"
        for name, output, kill_at in (
            ("undisturbed", whole, None),
            ("killed", killed, 10_000),
            ("again", killed, None),
        ):
            print(name)
            seconds, span, pictures = run(words, output, kill_at)
            rate = f"; between its parts {pictures / span / given.jobs:,.0f} pictures a second a core" if span else ""
            print(f"  {seconds:.1f} s{rate}")
        lines = whole.read_bytes().splitlines()
        same = whole.read_bytes() == killed.read_bytes()
    print(f"{len(lines) - 1:,} lines; the files are {'the same' if same else 'NOT the same'}")
    return int(not same or len(lines) != 20_001)


if __name__ == "__main__":
    raise SystemExit(main())
