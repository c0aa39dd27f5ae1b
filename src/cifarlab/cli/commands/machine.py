"""`cifarlab machine`: what this machine computes with, measured."""

from typing import Annotated

import typer

from cifarlab.cli import usage
from cifarlab.cli.options import Json

EPILOG = usage.examples("cifarlab machine", "cifarlab machine --again", "cifarlab machine --json")


def machine(
    again: Annotated[bool, typer.Option("--again", help="Measure also what was measured before.")] = False,
    as_json: Json = False,
) -> None:
    """Show the processor, what is chosen for it, and how fast that is.

    Measured once, in half a minute, and kept: kernels, precision and threads, with the reason for each.
    """
    from cifarlab.cli import output
    from cifarlab.cli.tables.machine import print_machine
    from cifarlab.displays.console import working
    from cifarlab.training.machine_rates import describe_machine

    with working("measuring this machine") as progress:
        described = describe_machine(again=again, progress=progress)
    output.print_json(described) if as_json else print_machine(described)
