"""What `cifarlab verify` prints."""

from cifarlab.cli.tables.cells import new_table
from cifarlab.displays.console import make_console, say
from cifarlab.training.verification import Verification
from cifarlab.utils.text import counted


def print_verification(found: Verification) -> None:
    """Print the verdict in a sentence, then each compared step, and what of the machine is not as it was."""
    console = make_console()
    say(console, _verdict(found), "")
    table = new_table("after step", "weights", "largest difference", "of the weights' size", "loss in the run", "here")
    for each in found.comparisons:
        losses = ["" if loss is None else f"{loss:.7g}" for loss in (each.loss, each.loss_here)]
        sizes = ("", "") if each.is_same else (f"{each.difference:.1e}", f"{each.relative_difference:.1e}")
        table.add_row(str(each.step), "the same" if each.is_same else "others", *sizes, *losses)
    console.print(table)
    if found.differs:
        say(console, "", f"not as it was: {'; '.join(found.differs)}")


def _verdict(found: Verification) -> str:
    first, last = found.first_difference, found.comparisons[-1]
    if first is None:
        return f"{found.run}: the same weights, bit for bit, after {counted(last.step, 'step')}"
    if first.step == 0:
        return f"{found.run}: other weights from the beginning on: the initial ones differ"
    before = max(each.step for each in found.comparisons if each.step < first.step)
    since = f"step {first.step}" if first.step == before + 1 else f"one of the steps {before + 1} to {first.step}"
    return (
        f"{found.run}: other weights from {since} on; after {last.step} steps by up to {last.difference:.1e} "
        f"({last.relative_difference:.1e} of the weights' size)"
    )
