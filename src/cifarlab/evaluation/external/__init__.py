"""Models trained elsewhere: their predictions and labels, read from the files that other tools write.

Text is taken apart in `_text`, its numbers in `_numbers`; `_columns` decides what each column is, `_arrays` what the
arrays of NumPy's files are; `_scores` tells logits from probabilities, `_labels` brings labels into their order, and
`reading` and `scoring` are the doors.
"""

from cifarlab.evaluation.external.reading import KINDS, External, predictions_from_files, read_external
from cifarlab.evaluation.external.scoring import check_alone, evaluate_files

__all__ = ["KINDS", "External", "check_alone", "evaluate_files", "predictions_from_files", "read_external"]
