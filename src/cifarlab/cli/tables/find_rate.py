"""What `cifarlab find-rate` prints."""

from pathlib import Path

from cifarlab.cli.tables.cells import new_table
from cifarlab.displays.console import make_console, say
from cifarlab.training.rate_range import RateRange
from cifarlab.utils.text import counted


def print_rates(found: RateRange, folder: Path) -> None:
    """Print the suggestion in a sentence, then each rule's rate, then where the figure is."""
    console = make_console()
    tried = f"{counted(len(found.rates), 'step')} from {found.rates[0]:.2g} to {found.rates[-1]:.2g}"
    end = ", where the loss exploded" if found.has_diverged else ""
    say(console, f"{found.recipe}: {tried}{end}", _suggestion(found), "")
    if found.valley is not None:
        table = new_table("rule", "learning rate", "what it is", numbers=(1,))
        for name, rate, meaning in (
            ("valley", found.valley, "the middle of the longest fall of the loss"),
            ("steepest", found.steepest, "where the loss falls fastest"),
            ("minimum / 10", found.minimum, "a tenth of the rate with the lowest loss"),
            ("recipe", found.recipe_rate, "its own"),
        ):
            table.add_row(name, f"{rate:.2g}", meaning)
        console.print(table)
    print(folder / f"{found.recipe}.png")


def _suggestion(found: RateRange) -> str:
    if found.valley is None:
        return "the loss did not fall at any rate: try others by --low and --high, or more --steps"
    return f"suggested: --set learning_rate={found.valley:.2g}"
