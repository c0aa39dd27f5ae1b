"""cifarlab: a laboratory for CIFAR-10 image classification in Keras 3.

    import cifarlab as cl
    run = cl.train("mlp2")
    cl.evaluate(run)
    cl.report(run)

Importing this package loads neither Keras nor a backend; each function brings what it needs.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "CifarlabError": "cifarlab.utils.errors",
    "HardPredictions": "cifarlab.runs.predictions",
    "ImageSet": "cifarlab.datasets",
    "Predictions": "cifarlab.runs.predictions",
    "Recipe": "cifarlab.recipes",
    "RobustnessSettings": "cifarlab.evaluation.robustness.suite",
    "RobustnessSuite": "cifarlab.evaluation.robustness.suite",
    "Run": "cifarlab.runs",
    "Splits": "cifarlab.datasets",
    "TrainingDisplay": "cifarlab.displays.progress",
    "TuningRules": "cifarlab.search",
    "append_verdicts": "cifarlab.datasets.verdicts",
    "calibrate": "cifarlab.evaluation.calibration",
    "choose_space": "cifarlab.search",
    "compare": "cifarlab.evaluation.comparison.pairs",
    "compare_groups": "cifarlab.evaluation.comparison.seeds",
    "compare_with_humans": "cifarlab.evaluation.human_labels",
    "describe_data": "cifarlab.datasets",
    "evaluate": "cifarlab.evaluation.scoring",
    "evaluate_files": "cifarlab.evaluation.external.scoring",
    "examine_labels": "cifarlab.evaluation.label_errors",
    "explain_image": "cifarlab.evaluation.explanation.image",
    "explain_images": "cifarlab.evaluation.explanation.image",
    "export": "cifarlab.exports.exporting",
    "explore": "cifarlab.reports.exploration.folder",
    "find_rate": "cifarlab.training.rate_range",
    "list_recipes": "cifarlab.recipes",
    "load_data": "cifarlab.datasets",
    "load_human_labels": "cifarlab.evaluation.human_labels",
    "load_model": "cifarlab.inference.prediction",
    "load_recipe": "cifarlab.recipes",
    "measure_robustness": "cifarlab.evaluation.robustness.suite",
    "new_verdict": "cifarlab.datasets.verdicts",
    "open_run": "cifarlab.runs.pretrained_run",
    "predict": "cifarlab.inference.prediction",
    "predictions_from_files": "cifarlab.evaluation.external.reading",
    "read_labels": "cifarlab.datasets.verdicts",
    "report": "cifarlab.reports.writing",
    "report_study": "cifarlab.reports.studies.writing",
    "resume": "cifarlab.training",
    "shared_mistakes": "cifarlab.evaluation.human_labels",
    "slice_accuracy": "cifarlab.evaluation.slices",
    "summarise_folds": "cifarlab.evaluation.fold_summary",
    "sweep": "cifarlab.search",
    "tell_stories": "cifarlab.evaluation.explanation.image",  # what `explain_images` was called
    "tell_story": "cifarlab.evaluation.explanation.image",  # what `explain_image` was called
    "train": "cifarlab.training",
    "tune": "cifarlab.reports.studies.tuning",
    "verify_export": "cifarlab.exports.verifying",
}
_NAMES_AT_HOME = {
    "RobustnessSuite": "RobustnessSettings",
    "TuningRules": "Rules",
    "describe_data": "describe",
    "tell_stories": "explain_images",
    "tell_story": "explain_image",
    "verify_export": "verify_file",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cifarlab' has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    value = getattr(module, _NAMES_AT_HOME.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
