"""A whole evaluated run on digits, made by hand in a moment: real pictures, invented answers, no Keras."""

import dataclasses
import io
import json
import zipfile
from functools import cache
from pathlib import Path

import h5py
import numpy as np

from cifarlab import metrics, recipes, runs
from cifarlab.datasets import Splits, load_data
from cifarlab.evaluation.robustness.corruptions import benchmark_names, names
from cifarlab.evaluation.robustness.results import (
    OURS,
    AttackResult,
    CorruptionResult,
    Robustness,
    results_file,
)
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, create_run
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.scores import Activity, LayerActivity, Scores
from cifarlab.utils import files
from cifarlab.utils.json_data import json_data


def make_run(
    root: Path, name: str, *, skill: float = 2.0, epochs: int = 3, images: int = 120, fraction: float | None = None
) -> Run:
    """A run folder as training and evaluation leave it, on the first test (or validation) images of digits."""
    split = "test" if fraction is None else "validation"
    splits = _load_digits(fraction or 0.1)
    run = create_run(root, name)
    run.set_state("running")
    made_with = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", validation_fraction=fraction or 0.1)
    files.write_json(run.recipe_file, recipes.to_dict(made_with))
    files.write_json(run.data_file, dataclasses.asdict(splits.source))
    environment = {"python": "3.11", "processor": "<b>fast</b> & cool", "versions": {"keras": "3.15.1"}}
    files.write_json(run.environment_file, {**environment, "parameters": 24_674, "training_seconds": 12.5})
    files.write_text(run.command_file, f"cifarlab train mlp2 --name {name} --seed 0\n")
    run.write_history([_epoch(number) for number in range(1, epochs + 1)])
    write_model(run.model_file, splits.test.image_shape, units=8)
    predictions, measured = _answer(split, fraction or 0.1, images, skill, seed=len(name))
    predictions.save(run.predictions_file(split))
    looks = run.record_look(split, "cifarlab evaluate")
    activity = Activity(len(predictions), (LayerActivity("relu1", units=8, dead=2, active=0.4),))
    scores = dataclasses.replace(measured, run=run.name, data="digits", split=split, looks=looks, activity=activity)
    files.write_json(run.scores_file(split), scores)
    run.set_state("finished")
    return runs.open_run(run.path)


def write_model(
    path: Path, shape: tuple[int, int, int], units: int, first: str = "Rescaling", order: list[int] | None = None
) -> np.ndarray:
    """A `.keras` file in the layout of Keras 3.15, shuffling by `order`; returns the first kernel."""
    kernel = np.random.default_rng(1).normal(size=(int(np.prod(shape)), units)).astype(np.float32)
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, *shape], "name": "pixels"}},
        {"class_name": first, "config": {"name": "normalise"}},
        {"class_name": "Flatten", "config": {"name": "flatten"}},
        {"class_name": "Dense", "config": {"name": "dense1", "units": units}},
        {"class_name": "Dense", "config": {"name": "logits", "units": 10}},
    ]
    if order is not None:
        layers.insert(1, {"class_name": "ShufflePixels", "config": {"name": "shuffle_pixels", "order": order}})
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        # Keras names groups by class; the layer's own name is an attribute.
        for group, name, values in (("dense", "dense1", kernel), ("dense_1", "logits", np.zeros((units, 10)))):
            variables = file.create_group(f"layers/{group}/vars")
            variables.attrs["name"] = name
            variables["0"] = values
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Functional", "config": {"layers": layers}}))
        archive.writestr("model.weights.h5", weights.getvalue())
    return kernel


def write_robustness(run: Run, count: int = 120) -> None:
    """A measurement of every corruption, as `cifarlab robustness` leaves it; every share is made up."""
    share = Interval(0.5, 0.4, 0.6, "made up")
    by_severity = {str(severity): share for severity in range(1, 6)}
    measured = Robustness(
        run=run.name, data=run.data_name, count=count, seed=0, source=OURS, looks=1, clean=share,
        severities=(1, 2, 3, 4, 5), averaged=tuple(benchmark_names()),
        corruptions={name: CorruptionResult(name in benchmark_names(), 0.5, by_severity) for name in names()},
        mean_corruption_error=share, mean_error_over_all=share,
        consistency=dict.fromkeys(("flip", "shift_1", "shift_2"), share),
        attacks=(AttackResult("FGSM", "fgsm", "linf", 1.0, 1, 1000, share, share),), cifar101=None,
    )  # fmt: skip
    files.write_json(results_file(run), json_data(measured))


@cache
def _load_digits(fraction: float) -> Splits:
    return load_data("digits", validation_fraction=fraction)


@cache
def _answer(split: str, fraction: float, images: int, skill: float, seed: int) -> tuple[Predictions, Scores]:
    """Answers to the first images of a split and their scores, whose intervals take longest of all in a run."""
    asked = _load_digits(fraction)[split].take(np.arange(images))
    logits = np.random.default_rng(seed).normal(size=(len(asked), len(asked.class_names)))
    logits[np.arange(len(asked)), asked.labels] += skill
    predictions = Predictions(asked.ids, asked.labels, logits.astype(np.float32), asked.class_names)
    return predictions, metrics.score(predictions)


def _epoch(number: int) -> dict[str, float]:
    train = {"train_loss": 2 / number, "train_accuracy": 1 - 0.8 / number}
    validation = {"validation_loss": 2.1 / number, "validation_accuracy": 0.95 - 0.8 / number}
    return {"epoch": number, **train, **validation, "learning_rate": 0.001}
