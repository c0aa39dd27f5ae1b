"""What each choice of kernels is worth on this processor: images a second of whole training steps, in turn.

    python benchmarks/kernels.py convnet94 mlp2 --rounds 5

Each variant is an environment and a precision, in a process of its own that stays, since a backend reads its variables
once. In every round each of them takes a few steps, A B C A B C, so that a slow minute of the machine hits all alike.
Prints the processor's features, images a second (median, smallest, largest) and the ratio to the first variant of its
recipe, round by round.

oneDNN can be limited to an older instruction set (`ONEDNN_MAX_CPU_ISA=AVX2`): so a processor with AVX-512 shows how an
older one would choose. Eigen, which computes where oneDNN is off, and XLA cannot be limited: they use what there is, so
that `off` flatters itself in these rows. bfloat16 cannot be tried there: TensorFlow asks the processor and not oneDNN
whether there is a kernel, and ends.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from _measure import describe_machine, errors_in_one_line, in_turn, ratios, spread

from cifarlab.recipes import load_recipe, override
from cifarlab.utils.environment import choose_backend

OFF, ON = {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"TF_ENABLE_ONEDNN_OPTS": "1"}
AVX2 = {**ON, "ONEDNN_MAX_CPU_ISA": "AVX2"}


@dataclass(frozen=True)
class Variant:
    """An environment, a precision, and settings of the recipe."""

    name: str
    variables: Mapping[str, str]
    precision: str = "float32"


VARIANTS = (
    Variant("Eigen (oneDNN off), float32", OFF),
    Variant("oneDNN limited to AVX2, float32", AVX2),
    Variant("oneDNN, float32", ON),
    Variant("oneDNN, bfloat16", ON, "bfloat16"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["convnet94", "mlp2"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pixels", type=int, default=32, help="height of the images")
    parser.add_argument("--steps", type=int, default=2, help="steps of each variant in a round")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the recipes")
    parser.add_argument("--only", default="", help="variants whose name holds this")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with errors_in_one_line():
        if arguments.child:
            serve(arguments.recipes[0], [*arguments.set, f"precision={arguments.child}"], arguments.pixels)
            return
        print(describe_machine())
        for recipe in arguments.recipes:
            compare(recipe, arguments)


def compare(recipe: str, arguments: argparse.Namespace) -> None:
    variants = [variant for variant in VARIANTS if arguments.only in variant.name]
    processes = {variant.name: start(variant, recipe, arguments) for variant in variants}
    try:
        rates = in_turn(
            {name: asking(process, arguments.steps) for name, process in processes.items()}, arguments.rounds
        )
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    print(f"{recipe}, {arguments.pixels} pixels, {arguments.rounds} rounds of {arguments.steps} steps")
    first = rates[variants[0].name]
    for name, values in rates.items():
        found, ratio = spread(values), ratios(values, first)
        print(
            f"  {name:34s}{found['median']:10,.0f} images/s ({found['min']:,.0f} to {found['max']:,.0f}), "
            f"{ratio['ratio']:.2f} times the first ({ratio['min']:.2f} to {ratio['max']:.2f})"
        )


def start(variant: Variant, recipe: str, arguments: argparse.Namespace) -> "subprocess.Popen[str]":
    """A process that has compiled its steps and waits to be asked for some."""
    words = [sys.executable, __file__, recipe, "--child", variant.precision, "--pixels", str(arguments.pixels)]
    words += [word for setting in arguments.set for word in ("--set", setting)]
    environment = {**os.environ, **variant.variables}
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if answer(process.stdout) != "ready":
        sys.exit(f"error: {variant.name} did not start")
    return process


def asking(process: "subprocess.Popen[str]", steps: int) -> Callable[[], float]:
    def ask() -> float:
        assert process.stdin is not None
        process.stdin.write(f"{steps}\n")
        process.stdin.flush()
        return float(json.loads(answer(process.stdout)))

    return ask


def answer(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def serve(name: str, settings: list[str], pixels: int) -> None:
    """In a variant's process: take as many steps as each line says."""
    recipe = override(load_recipe(name), settings)
    choose_backend()
    from cifarlab.training.step_rate import prepare_steps

    take = prepare_steps(recipe, pixels)
    print("ready", flush=True)
    for line in sys.stdin:
        print(take(int(line)), flush=True)


if __name__ == "__main__":
    main()
