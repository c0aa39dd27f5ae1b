"""The time from raw arrays in memory to a trained model, and the test accuracy it reaches, run after run.

    python benchmarks/time_to_accuracy.py convnet94 --target 0.94 --runs 3 --tta flip-shift
    python benchmarks/time_to_accuracy.py convnet94 --runs 3 --tta flip-shift --vs "torch-python \
        benchmarks/peers/airbench_on_cpu.py airbench94_muon.py --data-dir DIR --runs 1"

Each run is a training by `cifarlab.training.train`, with its number as its seed. After it, out of its time, the test
set is read once: without test-time augmentation, and with it where --tta names one. A peer is run in turn, A B A B.
See docs/benchmarks.md for what is in each number.
"""

import argparse
import dataclasses
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import (
    begin,
    errors_in_one_line,
    has_accelerator,
    matrix_rate,
    mean_interval,
    operations_per_image,
    peak_memory,
    ratios,
    spread,
    tell,
)
from _operations import count_operations
from _peer import PATTERN, PeerRun, compile_pattern, run_peer
from _training import TimedTraining, check_trains_on_all, record_calls, time_training
from numpy.typing import NDArray

from cifarlab.datasets import ImageSet, Splits
from cifarlab.inference import tta as views
from cifarlab.recipes import Recipe, load_recipe, override, to_dict
from cifarlab.runs import layout
from cifarlab.training.resolving import resolve_recipe
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend, describe_environment
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels

TEST_BATCH = 2000


def main() -> None:
    arguments = parse()
    with errors_in_one_line():
        pattern = compile_pattern(arguments.vs_pattern)
        recipe = override(load_recipe(arguments.recipe), arguments.set)
        check_trains_on_all(recipe)
        if arguments.json and not arguments.json.parent.is_dir():
            raise CifarlabError(f"no folder {arguments.json.parent}: make it first, or name another --json file")
        choose_backend()
        recipe = resolve_recipe(recipe, [], {})  # with the precision that is measured here, out of any run's time
        tell("loading the data, and measuring the machine's matrix rate")
        splits = load(recipe, arguments.data_dir)
        rates = {dtype: matrix_rate(dtype) for dtype in ("float32", "bfloat16")}
        calls = None
        if arguments.warm:
            tell("warming up: one untimed training on random labels")
            calls = record_calls(recipe, splits)
        ours: list[dict[str, Any]] = []
        peers: list[list[PeerRun]] = []
        for number, runs in enumerate(shares(arguments.runs, arguments.rounds or arguments.runs)):
            for seed in runs:
                row = {"round": number, **one_run(dataclasses.replace(recipe, seed=seed), splits, calls, arguments)}
                tell(shown_run(row))
                ours.append(row)
            if arguments.vs:
                peers.append(run_peer(arguments.vs, pattern))
        result = summarise(ours, peers, rates, arguments)
        environment = describe_environment()
        if arguments.json:
            about = {"recipe": to_dict(recipe), "environment": environment, "rounds": ours}
            files.write_json(arguments.json, {**result, **about})
        report(result, recipe, environment)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="a recipe's name, or the path of a file with one")
    parser.add_argument("--target", type=fraction, default=0.94, help="accuracy to be reached by the mean, in [0, 1]")
    parser.add_argument("--runs", type=at_least_one, default=3, help="trainings; the seed is the run's number")
    parser.add_argument("--rounds", type=at_least_one, help="turns that the runs are dealt to; by default one run each")
    parser.add_argument("--data-dir")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in cifarlab train")
    parser.add_argument(
        "--tta", choices=views.NAMES, default="none", help="test-time augmentation, beside the accuracy without"
    )
    parser.add_argument("--warm", action="store_true", help="compile before the clock starts, as GPU scripts do")
    parser.add_argument("--vs", metavar="COMMAND", help="a peer, run once a round after ours")
    parser.add_argument("--vs-pattern", default=PATTERN, help="regular expression with groups seconds and accuracy")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    return begin(parser)


def fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, such as 0.94. Received: {text}")
    return value


def at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Received: {text}")
    return value


def shares(runs: int, rounds: int) -> list[list[int]]:
    """The runs' numbers, dealt to at most so many rounds, in order and as evenly as they go."""
    return [part.tolist() for part in np.array_split(np.arange(runs), min(rounds, runs))]


def load(recipe: Recipe, data_dir: str | None) -> Splits:
    from cifarlab.datasets import load_data

    splits = load_data(recipe.data, data_dir=data_dir, **recipe.held_out)
    if recipe.batch_size > len(splits.train):
        raise CifarlabError(
            f"batch_size {recipe.batch_size} is more than the {len(splits.train)} training images of {recipe.data}: "
            f"add --set batch_size={max(1, len(splits.train) // 10)}"
        )
    return splits


def one_run(recipe: Recipe, splits: Splits, calls: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, then look at the test set; every number of the run by its name."""
    timed = time_training(recipe, splits, calls)
    wanted = dict.fromkeys((layout.NO_TTA, arguments.tta))
    tested = {name: test(timed.model, name, splits.test, arguments.warm) for name in wanted}
    work = sum(operations_per_image(timed.model, pixels) * images for pixels, images in timed.images_by_height.items())
    # A forward pass of the trained network is `inference_flops`, not a third of a training step's.
    tta_work = count_operations(timed.model).inference_flops * tested[arguments.tta][2]
    seconds = timed_seconds(timed, arguments.warm)
    return {
        "seed": recipe.seed,
        "seconds": seconds,
        "seconds_with_tta": seconds + (tested[arguments.tta][1] if arguments.tta != "none" else 0.0),
        "prepare_seconds": timed.prepare_seconds,
        "train_seconds": timed.train_seconds,
        "compile_seconds": timed.compile_seconds,
        "first_dispatch_seconds": timed.dispatches[0].seconds,
        "images_per_second": timed.images / seconds,
        "petaflop": work / 1e15,
        "tta_petaflop": tta_work / 1e15 if arguments.tta != "none" else None,
        "accuracy": tested["none"][0],
        "accuracy_tta": tested[arguments.tta][0] if arguments.tta != "none" else None,
        "tta_seconds": tested[arguments.tta][1] if arguments.tta != "none" else None,
    }


def timed_seconds(timed: TimedTraining, warm: bool) -> float:
    """What counts: all of it, or with --warm what peers time: whitening, and all from the first compiled step on."""
    return timed.adapt_seconds + timed.train_seconds if warm else timed.prepare_seconds + timed.train_seconds


def test(model: Any, tta: str, images: ImageSet, warm: bool) -> tuple[float, float, int]:
    """Share of the test images that are classified right, the seconds that it took, and the images that were seen."""
    from cifarlab.inference.forward import compile_forward

    size = min(TEST_BATCH, len(images))
    once, seen = compile_forward(model), []

    def counted(batch: Pixels) -> NDArray[np.float32]:
        seen.append(len(batch))
        return once(batch)

    forward = views.averaged(counted, tta)
    if warm:
        forward(np.zeros((size, *images.image_shape), np.uint8))
    seen.clear()
    right = 0
    began = time.perf_counter()
    for start in range(0, len(images), size):
        batch, labels = images.images[start : start + size], images.labels[start : start + size]
        padded = np.concatenate([batch, np.zeros((size - len(batch), *images.image_shape), np.uint8)])
        right += int((forward(padded)[: len(batch)].argmax(axis=1) == labels).sum())
    return right / len(images), time.perf_counter() - began, sum(seen)


def shown_run(row: dict[str, Any]) -> str:
    tta = "" if row["accuracy_tta"] is None else f", TTA {row['accuracy_tta']:.2%} ({row['tta_seconds']:.2f} s)"
    return (
        f"run {row['seed']}: seconds {row['seconds']:.2f} (of them compiling {row['compile_seconds']:.2f}), "
        f"accuracy {row['accuracy']:.2%} without TTA{tta}"
    )


def summarise(
    ours: list[dict[str, Any]],
    peers: list[list[PeerRun]],
    rates: dict[str, float],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Every number of the report by its name."""
    totals = "seconds_with_tta" if arguments.tta != "none" else "seconds"
    decisive = "accuracy_tta" if arguments.tta != "none" else "accuracy"
    memory, memory_of = peak_memory()
    result: dict[str, Any] = {
        "target": arguments.target,
        "tta": arguments.tta,
        "warm": arguments.warm,
        "runs": len(ours),
        "accuracy": mean_interval([row["accuracy"] for row in ours]),
        "accuracy_tta": mean_interval([row["accuracy_tta"] for row in ours]) if arguments.tta != "none" else None,
        "reached": statistics.fmean(row[decisive] for row in ours) >= arguments.target,
        "matrix_rates": rates,
        "peak_memory_bytes": memory,
        "peak_memory_of": memory_of,
        "vs": None,
    }
    for name in ("seconds", "seconds_with_tta", "prepare_seconds", "train_seconds", "compile_seconds"):
        result[name] = spread([row[name] for row in ours])
    for name in ("first_dispatch_seconds", "images_per_second", "petaflop"):
        result[name] = spread([row[name] for row in ours])
    for name in ("tta_seconds", "tta_petaflop"):
        result[name] = spread([row[name] for row in ours]) if arguments.tta != "none" else None
    if peers:
        by_round = [[row[totals] for row in ours if row["round"] == number] for number in range(len(peers))]
        theirs = [run for runs in peers for run in runs]
        result["vs"] = {
            "command": arguments.vs,
            "seconds": spread([run.seconds for run in theirs]),
            "accuracy": mean_interval([run.accuracy for run in theirs]),
            "rounds": [[dataclasses.asdict(run) for run in runs] for runs in peers],
            "compared": totals,
            **ratios(
                [statistics.median(seconds) for seconds in by_round],
                [statistics.median(run.seconds for run in runs) for runs in peers],
            ),
            # Of all runs, for rounds may have unequal numbers of them.
            "ratio": statistics.median(row[totals] for row in ours) / statistics.median(run.seconds for run in theirs),
        }
    return result


def report(result: dict[str, Any], recipe: Recipe, environment: dict[str, Any]) -> None:
    machine = ", ".join(environment["accelerators"]) if has_accelerator() else f"{environment['cores']} cores"
    print(f"{machine}, {environment['backend']}, {recipe.precision}")
    clock = "after compilation" if result["warm"] else "compilation included"
    for label, name in (
        (f"seconds, {clock}", "seconds"),
        ("  before the first step", "prepare_seconds"),
        ("  from the first step on", "train_seconds"),
        ("  of them the first dispatch", "first_dispatch_seconds"),
        ("  of them compiling, about", "compile_seconds"),
        (f"seconds of TTA {result['tta']}", "tta_seconds"),
        ("seconds, training and TTA", "seconds_with_tta" if result["tta_seconds"] else ""),
    ):
        if name and result[name]:
            print(f"{label:34s}{between(result[name], '10.2f')}")
    work, seconds = result["petaflop"]["median"], result["seconds"]["median"]
    print(f"{'images/s':34s}{between(result['images_per_second'], '10,.0f')}")
    print(f"{'PFLOP':34s}{work:10.3g}")
    if result["tta_petaflop"]:
        with_tta = work + result["tta_petaflop"]["median"]
        print(f"{'PFLOP, training and TTA':34s}{with_tta:10.3g}")
    for dtype, rate in result["matrix_rates"].items():
        share = 1e15 * work / seconds / rate
        print(f"{f'share of the {dtype} matrix rate':34s}{share:10.1%}  of the measured {rate / 1e12:.3g} TFLOP/s")
    print(f"{'peak memory, ' + result['peak_memory_of']:34s}{result['peak_memory_bytes'] / 2**30:10.2f}  GiB")
    print(f"{'accuracy, without TTA':34s}{interval(result['accuracy'])}, {result['runs']} runs")
    if result["accuracy_tta"]:
        print(f"{'accuracy, TTA ' + result['tta']:34s}{interval(result['accuracy_tta'])}, {result['runs']} runs")
    judged = f"TTA {result['tta']}" if result["accuracy_tta"] else "without TTA"
    print(f"the mean {'reaches' if result['reached'] else 'does not reach'} {result['target']:.2%} ({judged})")
    if result["vs"]:
        report_peer(result["vs"])


def report_peer(peer: dict[str, Any]) -> None:
    print(f"peer: {peer['command']}")
    print(f"{'  seconds, as it times itself':34s}{between(peer['seconds'], '10.2f')}")
    runs = sum(len(each) for each in peer["rounds"])
    print(f"{'  accuracy, as it measures it':34s}{interval(peer['accuracy'])}, {runs} runs")
    with_tta = ", with TTA" if peer["compared"] == "seconds_with_tta" else ""
    print(
        f"ratio of the medians, ours{with_tta} to the peer's: {peer['ratio']:.3f} "
        f"({peer['min']:.3f} to {peer['max']:.3f} over {len(peer['rounds'])} rounds)"
    )


def between(values: dict[str, float], form: str) -> str:
    low, high = (format(values[key], form.removeprefix("10")) for key in ("min", "max"))
    return f"{values['median']:{form}}  ({low} to {high})"


def interval(values: tuple[float, float | None, float | None]) -> str:
    mean, low, high = values
    limits = "no interval from one run" if low is None else f"95 % t-interval {low:.2%} to {high:.2%}"
    return f"{mean:10.2%}  {limits}"


if __name__ == "__main__":
    main()
