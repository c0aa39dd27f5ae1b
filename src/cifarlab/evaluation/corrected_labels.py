"""Evaluating on labels that a labels file corrects, and what must be said of such numbers."""

import dataclasses
from typing import Any

from cifarlab.datasets import Splits
from cifarlab.datasets.verdicts import LabelsFile, correct_labels

_FLATTERS = (
    "Which labels were looked at was decided by models: where it was this one or one like it, corrected labels flatter "
    "it, as its mistakes were examined and its lucky hits were not. Report the score on the published labels beside it."
)


def correct_evaluated(splits: Splits, labels: LabelsFile, split: str) -> tuple[Splits, dict[str, Any]]:
    """The data with one split corrected, and what `scores.json`'s counterpart says of it.

    Args:
        splits: As the data set has them.
        labels: The verdicts.
        split: Which split is evaluated; the others stay as they are.

    Raises:
        CifarlabError: If the file does not fit the data, or says nothing of that split.
    """
    corrected, made = correct_labels(splits, labels, (split,))
    made.check_used(labels)
    source = dataclasses.replace(corrected.source, notices=(*corrected.source.notices, _FLATTERS))
    about = {"file": str(labels.path), "checksum": made.checksum, "left_out": made.left_out, **made.parts[split]}
    return dataclasses.replace(corrected, source=source), about
