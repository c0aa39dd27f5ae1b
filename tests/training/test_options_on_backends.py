"""The options of a training on every backend: each engine weighs classes, averages weights and scales the loss."""

PROGRAM = """
import dataclasses, tempfile
import keras, numpy as np
from cifarlab import Recipe, training
from cifarlab.training import preparation
from cifarlab.training.checkpoint import load_checkpoint

def train(recipe, until=2):
    return training.train(recipe, runs_dir=folder, show=False, until=until)

def same(ours, theirs):
    pairs = zip(load_checkpoint(ours).values, load_checkpoint(theirs).values, strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)

recipe = Recipe(
    model="mlp", model_args={"widths": (8,)}, data="digits", epochs=2, batch_size=300, optimizer="sgd",
    optimizer_args={"momentum": 0.0, "nesterov": False}, learning_rate=1e-2,
)
options = dict(ema=0.5, class_weight="balanced", select_by="balanced_accuracy", patience=5)
machine = {**preparation.describe_environment(), "accelerators": ["made up"]}
with tempfile.TemporaryDirectory() as folder:
    every = dataclasses.replace(recipe, **options)
    whole, half = train(every), train(every, until=1)
    training.resume(half, show=False, until=2)
    assert same(half, whole)
    # Twice the weight for all is twice the learning rate, and recorded losses know nothing of it.
    twice = dict.fromkeys(map(str, range(10)), 2.0)
    weighted = train(dataclasses.replace(recipe, class_weight=twice)).history()
    faster = train(dataclasses.replace(recipe, learning_rate=2e-2)).history()
    plain = train(recipe).history()
    for one, other in zip(weighted, faster, strict=True):
        assert abs(one["train_loss"] - other["train_loss"]) < 1e-4 * other["train_loss"]
    assert abs(weighted[1]["train_loss"] - plain[1]["train_loss"]) > 1e-2
    # The average of weights that do not move is these weights: the same is validated.
    still = dataclasses.replace(recipe, learning_rate=1e-30)
    rows = [train(dataclasses.replace(still, ema=ema)).history()[1] for ema in (0.0, 0.9)]
    assert abs(rows[0]["validation_loss"] - rows[1]["validation_loss"]) < 1e-5
    averaged = train(dataclasses.replace(recipe, ema=0.9)).history()
    assert averaged[1]["train_loss"] == plain[1]["train_loss"]
    assert averaged[1]["validation_loss"] != plain[1]["validation_loss"]
    preparation.describe_environment = lambda: machine
    half_precision = train(dataclasses.replace(recipe, precision="float16")).history()
    assert abs(half_precision[1]["train_loss"] - plain[1]["train_loss"]) < 0.02 * plain[1]["train_loss"]
print(keras.backend.backend())
"""


def test_options_on_every_backend(run_on_backend):
    run_on_backend(PROGRAM)
