"""Every reader that needs no TensorFlow, on mutated files: what it answers, refuses, and must not do.

    python benchmarks/fuzz.py --mutations 100000
    python benchmarks/fuzz.py --readers pictures json --seed 7 --keep found/

A mutation is of the bytes, or of what they mean: a value in JSON, an array's header in an archive, a cell of a table, a
layer of a network, a chunk of a picture. A reader may answer, or raise the one error that means bad input; whatever
else it raises, and whatever takes longer than the bound, is a bug: told with its seed, and its file kept with --keep.
"""

import argparse
import importlib.util
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _measure import begin, errors_in_one_line

MUTATIONS = Path(__file__).parents[1] / "tests" / "faults" / "mutations.py"
TOLD = ("answered", "refused", "slow", "bugs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=100_000, metavar="N", help="of all readers together")
    parser.add_argument("--readers", nargs="+", metavar="NAME", help="by default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where files that show a bug are kept")
    arguments = begin(parser)
    with errors_in_one_line():
        fuzzer = _load()
        names = arguments.readers or list(fuzzer.READERS)
        with TemporaryDirectory(prefix="cifarlab-fuzz-") as folder:
            total = sum((_tell(fuzzer, name, arguments, len(names), Path(folder)) for name in names), Counter[str]())
        print(f"all: {total['tried']:,} tried, " + ", ".join(f"{total[what]:,} {what}" for what in TOLD))
        raise SystemExit(1 if total["bugs"] or total["slow"] else 0)


def _tell(fuzzer: Any, name: str, arguments: argparse.Namespace, names: int, folder: Path) -> Counter[str]:
    began, counts = time.perf_counter(), Counter[str]()
    for number in range(arguments.mutations // names):
        outcome = fuzzer.try_one(name, f"{arguments.seed}-{number}", folder)
        counts.update(("tried", outcome.kind))
        if outcome.kind in ("bugs", "slow"):
            print(f"  {name} {arguments.seed}-{number}: {outcome.what}", file=sys.stderr)
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name}-{arguments.seed}-{number}").write_bytes(outcome.data)
    told = ", ".join(f"{counts[what]:,} {what}" for what in TOLD)
    print(f"{name}: {counts['tried']:,} tried, {told}; {time.perf_counter() - began:.0f} s", flush=True)
    return counts


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("mutations", MUTATIONS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
