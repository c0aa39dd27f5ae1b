"""What `cifarlab machine` prints."""

from cifarlab.cli.tables.cells import new_table
from cifarlab.displays.console import make_console, say
from cifarlab.training.machine_rates import Machine
from cifarlab.utils.text import counted


def print_machine(machine: Machine) -> None:
    """Print processor, choices and rates."""
    console = make_console()
    processor = machine.processor
    isa = f"; oneDNN computes with {machine.onednn_isa}" if machine.onednn_isa else ""
    say(
        console,
        f"{processor.name}, {processor.architecture}, {counted(machine.cores, 'core')}",
        f"features: {' '.join(processor.features) or 'not told by the system'}{isa}",
        f"backend: {machine.backend}, on {', '.join(machine.accelerators) or 'the processor'}",
        "",
    )
    table = new_table("setting", "chosen", "how", "why", numbers=())
    for choice in machine.choices:
        table.add_row(choice.setting, choice.value, choice.how, choice.why)
    console.print(table)
    console.print()
    rates = new_table("measured with", "precision", "matrix product, GFLOP/s", "convolutions, images/s", numbers=(2, 3))
    for each in machine.rates:
        name = " ".join(f"{key}={value}" for key, value in each.variables.items()) or "the defaults"
        for precision, rate in each.matrix.items():
            images = each.convolution.get(precision)
            rates.add_row(name, precision, f"{rate / 1e9:,.0f}", "" if images is None else f"{images:,.0f}")
    console.print(rates)
