"""Twenty thousand pictures through `cifarlab predict --engine ray`: speed, memory, and killed half-way.

    .venv/bin/python benchmarks/ray_predict.py FOLDER [--model RUN] [--jobs 2]

FOLDER is filled with CIFAR-10's test images and 10,000 of its training images as PNG files, where it is not there.
Three commands: undisturbed; killed by SIGKILL at half; the same again. Needs the extra `[ray]`, and Linux.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from _measure import begin
from PIL import Image

from cifarlab.datasets import load_data

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


def make_pictures(folder: Path) -> None:
    """20,000 PNG files in folders of a thousand."""
    splits = load_data("cifar10", validation_fraction=0.0)
    for part in ("test", "train"):
        for number, image in enumerate(splits[part].images[:10_000]):
            place = folder / part / f"{number // 1000:02d}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number:05d}.png")


def use(process: int) -> tuple[Counter[str], float]:
    """MiB of resident memory of a process, of those that classify, and of Ray's own below it.

    Returns:
        That, and the seconds of processor time that those which classify have taken.
    """
    parents: dict[int, int] = {}
    known: dict[int, tuple[str, float]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            own, _, rest = status.read_text().partition(" (")
            fields = rest.rpartition(") ")[2].split()
            parents[int(own)] = int(fields[1])
            known[int(own)] = (status.parent / "cmdline").read_text(), (int(fields[11]) + int(fields[12])) / TICKS
        except (OSError, ValueError):
            continue  # it has ended
    used: Counter[str] = Counter()
    seconds = 0.0
    for number, (name, took) in known.items():
        above = number
        while above not in (process, 0, 1):
            above = parents.get(above, 0)
        if above == process:
            kind = "command" if number == process else "classifying" if "MapWorker" in name else "Ray's own"
            seconds += took if kind == "classifying" else 0.0
            with contextlib.suppress(OSError, ValueError):
                used[kind] += round(int(Path(f"/proc/{number}/statm").read_text().split()[1]) * PAGE_MIB)
    return used, seconds


def answered(output: Path) -> int:
    """Pictures in finished parts."""
    return sum(file.read_bytes().count(b"\n") for file in output.with_name(f"{output.name}.parts").glob("*.csv"))


def run(words: list[str], output: Path, kill_at: int | None = None) -> tuple[float, float, int]:
    """One command, watched: its seconds, those of processors from the first part to the last, and the pictures between.

    Seconds of processors, since other work on the machine makes others longer.
    """
    began = shown = time.monotonic()
    command = [sys.executable, "-c", "from cifarlab.cli.main import main; raise SystemExit(main())"]
    process = subprocess.Popen([*command, *words, "--output", str(output)])
    before = answered(output)
    seen: list[tuple[float, int]] = []  # processors' seconds, pictures
    while process.poll() is None:
        time.sleep(0.5)
        now, there = time.monotonic(), answered(output)
        used, seconds = use(process.pid)
        if there > before and (not seen or there > seen[-1][1]):
            seen.append((seconds, there))
        if now - shown >= 5:
            shown = now
            told = ", ".join(f"{kind} {mib:,} MiB" for kind, mib in sorted(used.items()))
            print(f"  {now - began:4.0f} s  {there:6,} pictures  {told}", flush=True)
        if kill_at is not None and there >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"  killed at {there:,} pictures")
    if len(seen) < 2:
        return time.monotonic() - began, 0.0, 0
    return time.monotonic() - began, seen[-1][0] - seen[0][0], seen[-1][1] - seen[0][1]


def main() -> int:
    """Predict three times; 1 where the files differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--jobs", type=int, default=2)
    given = begin(parser)
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
            rate = f"; {pictures / span:,.0f} pictures a second of a core, reading them included" if span else ""
            print(f"  {seconds:.1f} s{rate}")
        lines = whole.read_bytes().splitlines()
        same = whole.read_bytes() == killed.read_bytes()
    print(f"{len(lines) - 1:,} lines; the files are {'the same' if same else 'NOT the same'}")
    return int(not same or len(lines) != 20_001)


if __name__ == "__main__":
    raise SystemExit(main())
