"""What `cifarlab tune` prints at its end."""

from typing import Any

from cifarlab.displays.console import make_console
from cifarlab.search import Tuned
from cifarlab.utils.files import plain


def print_study(tuned: Tuned) -> None:
    """The best settings, the verdict, and what to do next."""
    console = make_console()
    for trial in tuned.trials:
        print(trial)
    if tuned.verdict:
        console.print(tuned.verdict.sentence, soft_wrap=True)
    print(tuned.study.path)


def summarise(tuned: Tuned) -> dict[str, Any]:
    """The same as plain values."""
    return plain({"study": str(tuned.study.path), "trials": tuned.trials, "verdict": tuned.verdict})
