"""Verdicts on labels: the labels file that people write, and a data set with its labels corrected by it."""

from cifarlab.datasets.verdicts._applying import Corrections, correct_labels
from cifarlab.datasets.verdicts._reading import LabelsFile, read_labels
from cifarlab.datasets.verdicts._verdict import COLUMNS, VERDICTS, Verdict, content_checksum, new_verdict
from cifarlab.datasets.verdicts._writing import append_verdicts

__all__ = [
    "COLUMNS",
    "VERDICTS",
    "Corrections",
    "LabelsFile",
    "Verdict",
    "append_verdicts",
    "content_checksum",
    "correct_labels",
    "new_verdict",
    "read_labels",
]
