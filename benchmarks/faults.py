"""Whatever stops a training, it goes on as if nothing had happened: tried again and again, and counted.

    python benchmarks/faults.py --kills 100 --convnet-kills 20
    python benchmarks/faults.py --fast         # as the tests do it: seconds

kills     SIGKILL at random moments of a training on the real CIFAR-10, some of them again while it is resumed; then it
          goes on to its end
writes    each open, write, rename, link, new folder and fsync of a training fails once: no room, an error of the disk,
          a quota, a short write; a library does so that is loaded before all others (needs a C compiler)
power     all that a training writes is recorded, and what a power cut may leave after each step is laid out: data and
          names that were not synced are there or not, in any order; a training goes on from each
pairs     two commands at once on one run, whose training is in its midst

A training that went on is compared with one that was not disturbed: weights, optimizer, history but for its seconds,
every image's loss and answer in every epoch, and the saved model. What cannot go on must say so in one line.
Counts are printed once a minute, and on an interrupt.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _measure import describe_machine

SOURCE = Path(__file__).with_name("faults_shim.c")
PARTS = ("kills", "pairs", "writes", "power")


def main() -> None:
    """Try all, print counts; the exit code is 1 where anything did not survive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, help="of a dense network (100; with --fast 6)")
    parser.add_argument("--convnet-kills", type=int, default=20, help="of a convolutional one (20)")
    parser.add_argument("--every", type=int, default=1, help="every so-manieth operation, or state after a cut (1)")
    parser.add_argument("--first", type=int, default=1, help="begin with this one: to go on after an interrupt (1)")
    parser.add_argument("--ways", type=int, default=4, help="in so many of four ways each operation fails, in turn (4)")
    parser.add_argument("--cuts", type=int, default=4, help="random states beside the extremes at each cut (4)")
    parser.add_argument("--pairs", type=int, default=20, help="how often two commands run at once (20)")
    parser.add_argument("--fast", action="store_true", help="few of each, on the digits alone")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--json", type=Path, help="write the counts here too")
    arguments = parser.parse_args()
    if "writes" in arguments.only or "power" in arguments.only:
        start_with_shim()
    print(describe_machine())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that counts are told then too
    import _fault_parts  # which loads Keras: after this program may have been started anew

    counts: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for part in arguments.only:
            counts |= getattr(_fault_parts, part)(Path(scratch), arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps({name: vars(count) for name, count in counts.items()}, indent=2))
    sys.exit(1 if any(count.wrong for count in counts.values()) else 0)


def start_with_shim() -> None:
    """Start this program again with the library in it, where it is not yet.

    Raises:
        SystemExit: If there is no C compiler.
    """
    if hasattr(ctypes.CDLL(None), "faults_arm"):
        library = Path(os.environ.pop("LD_PRELOAD"))  # loaded already; what this program starts needs none
        shutil.rmtree(library.parent)
        return
    library = Path(tempfile.mkdtemp(prefix="cifarlab-faults-")) / "shim.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("error: no C compiler (cc): the library that lets writes fail cannot be made")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl", "-pthread"]
    subprocess.run(command, check=True)
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "LD_PRELOAD": str(library)})


if __name__ == "__main__":
    main()
