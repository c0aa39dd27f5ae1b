"""What `cifarlab predict` answers: a table, JSON, CSV."""

import csv
import sys
from collections.abc import Callable
from typing import Any

from cifarlab.cli.output import print_json
from cifarlab.cli.tables.cells import as_percent, new_table
from cifarlab.displays.console import make_console
from cifarlab.runs.layout import with_tta
from cifarlab.utils.errors import CifarlabError


def choose_writer(*, as_csv: bool, as_json: bool) -> Callable[[list[dict[str, Any]]], None]:
    """How predictions are to be printed.

    Raises:
        CifarlabError: If both forms are wanted.
    """
    if as_csv and as_json:
        raise CifarlabError("--csv and --json exclude each other: give one of them")
    return print_json if as_json else _print_predictions_csv if as_csv else _print_predictions


def _print_predictions(answers: list[dict[str, Any]]) -> None:
    table = new_table("image", "class", f"probability{with_tta(answers[0].get('tta'))}")
    for answer in answers:
        for rank, guess in enumerate(answer["top"]):
            name = "" if rank else str(answer["image"])
            table.add_row(name, guess["class_name"], as_percent(guess["probability"]), end_section=False)
        table.add_section()
    make_console().print(table)


def _print_predictions_csv(answers: list[dict[str, Any]]) -> None:
    places = range(1, max((len(answer["top"]) for answer in answers), default=0) + 1)
    named = ["tta"] if any("tta" in answer for answer in answers) else []
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["image", *named, *(f"{key}_{place}" for place in places for key in ("class", "probability"))])
    for answer in answers:
        guesses = [(guess["class_name"], f"{guess['probability']:.6f}") for guess in answer["top"]]
        writer.writerow(
            [answer["image"], *(answer[key] for key in named), *(value for guess in guesses for value in guess)]
        )
