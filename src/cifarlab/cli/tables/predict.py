"""What `cifarlab predict` answers: a table, JSON, CSV."""

import sys
from collections.abc import Callable, Sequence

from cifarlab.cli.output import print_json
from cifarlab.cli.tables.cells import as_percent, new_table
from cifarlab.displays.console import make_console
from cifarlab.inference.bulk import table
from cifarlab.inference.prediction import PicturePrediction
from cifarlab.runs.layout import with_tta
from cifarlab.utils.errors import CifarlabError

_Answers = Sequence[PicturePrediction]


def choose_writer(*, as_csv: bool, as_json: bool) -> Callable[[_Answers], None]:
    """How predictions are to be printed.

    Raises:
        CifarlabError: If both forms are wanted.
    """
    if as_csv and as_json:
        raise CifarlabError("--csv and --json exclude each other: give one of them")
    return print_json if as_json else _print_csv if as_csv else _print_table


def _print_table(answers: _Answers) -> None:
    table = new_table("image", "class", f"probability{with_tta(answers[0].tta)}")
    for answer in answers:
        for rank, guess in enumerate(answer.top):
            name = "" if rank else answer.image
            table.add_row(name, guess.class_name, as_percent(guess.probability), end_section=False)
        table.add_section()
    make_console().print(table)


def _print_csv(answers: _Answers) -> None:
    places = max((len(answer.top) for answer in answers), default=0)
    sys.stdout.write(table.header(places, with_tta=any(answer.tta for answer in answers)) + table.lines(answers))
