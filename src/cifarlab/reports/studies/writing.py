"""Write what a study found: one page, and its figures as pictures and tables."""

import os
from pathlib import Path

from cifarlab.plots import to_png
from cifarlab.reports._places import page_place
from cifarlab.reports.studies.figures import StudyFigures
from cifarlab.reports.studies.page import render_study
from cifarlab.search.reading import read_study
from cifarlab.search.study import Study
from cifarlab.utils import files

__all__ = ["report_study"]


def report_study(study: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Write one self-contained HTML page about a study, finished or not.

    Each figure also is written as PNG, and its numbers as CSV, into the study's `figures/`.

    Args:
        study: Its folder.
        output: The page to write, or a folder for it; by default `report.html` inside the study.

    Returns:
        The page's path.

    Raises:
        CifarlabError: If it is no study, a file of it is damaged, or the page cannot be written; also if
            `report.html` in it, or in the folder given, is not a report of ours.
    """
    record = read_study(Path(study))
    path = page_place(output, record.study.report_file)  # before anything is written
    for figure in StudyFigures(record).all():
        place = record.study.path / "figures" / figure.name
        files.write_bytes(place.with_suffix(".png"), to_png(figure.draw()))
        rows = figure.rows()
        files.write_csv(place.with_suffix(".csv"), rows, dict.fromkeys(key for row in rows for key in row))
    return files.write_text(path, render_study(record))


def is_study(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is a study's."""
    return Study(Path(path)).about_file.is_file()
