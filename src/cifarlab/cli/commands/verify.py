"""`cifarlab verify`: does this machine get a run's weights, bit for bit?"""

from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, Json, argument, option

EPILOG = usage.examples("cifarlab verify runs/mlp2-seed0", "cifarlab verify runs/mlp2-seed0 --steps 4 --json")


def verify(
    run: Annotated[str, argument("RUN", "Folder of a run.", completion.runs)],
    steps: Annotated[int, option("N", "Take so many steps at most.", min=1, max=16)] = 16,
    data_dir: DataDir = None,
    code: Code = None,
    as_json: Json = False,
) -> None:
    """Take a run's first steps again and compare the weights, bit for bit.

    Ends with exit code 0 where they are the same and with 1 where they are not; says then from which step on, by how
    much, and what of the machine is not as it was. Nothing is written.
    """
    from cifarlab.cli import output
    from cifarlab.cli.tables.verify import print_verification
    from cifarlab.displays.console import working
    from cifarlab.training import verification

    with working("taking the first steps again") as progress:
        found = verification.verify(run, steps=steps, data_dir=data_dir, code=code or (), progress=progress)
    output.print_json(found) if as_json else print_verification(found)
    if not found.is_same:
        raise typer.Exit(1)
