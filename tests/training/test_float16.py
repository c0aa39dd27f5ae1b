"""Training in float16 with a scaled loss; the processor here computes it too, slowly, once it is not refused."""

import dataclasses

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, training
from cifarlab.training import preparation
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.training.optimizers.build import build_optimizer
from cifarlab.training.optimizers.schedules import WarmupThenDecay
from cifarlab.utils.environment import describe_environment

RECIPE = Recipe(
    model="mlp",
    model_args={"widths": (8,)},
    data="digits",
    epochs=2,
    batch_size=300,
    learning_rate=1e-2,
    precision="float16",
    ema=0.5,
)


@pytest.fixture
def gpu(monkeypatch):
    """As if there were one, for what asks before a training."""
    described = {**describe_environment(), "accelerators": ["made up"]}
    monkeypatch.setattr(preparation, "describe_environment", lambda: described)


def train(folder, recipe=RECIPE, **options):
    return training.train(recipe, runs_dir=folder, show=False, **{"until": 2, **options})


def test_a_processor_refuses_it_before_there_is_a_run(tmp_path):
    with pytest.raises(CifarlabError, match="float16 is for GPUs, and this backend sees none"):
        train(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_it_learns_what_float32_learns_and_resumes_bit_for_bit(gpu, tmp_path):
    whole, half = train(tmp_path), train(tmp_path, until=1)
    training.resume(half, show=False, until=2)
    pairs = zip(load_checkpoint(half).values, load_checkpoint(whole).values, strict=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)
    exact = train(tmp_path, dataclasses.replace(RECIPE, precision="float32"))
    for row, expected in zip(whole.history(), exact.history(), strict=True):
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=0.02)
    model = keras.saving.load_model(whole.model_file)
    assert {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Dense)} == {
        "float16",
        "float32",  # the logits
    }


def test_gradients_are_unscaled_and_those_that_overflow_left_out():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    recipe = dataclasses.replace(RECIPE, optimizer="sgd", optimizer_args={"momentum": 0.0, "nesterov": False})
    optimizer = build_optimizer(recipe, WarmupThenDecay(0.1, 10, 0, "constant"), model)
    before = [np.array(variable.numpy()) for variable in model.trainable_variables]
    scale = float(optimizer.scale_loss(1.0))
    assert scale > 1
    optimizer.apply([keras.ops.full(v.shape, 2 * scale) for v in model.trainable_variables], model.trainable_variables)
    after = [np.array(variable.numpy()) for variable in model.trainable_variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_allclose(new, old - 0.1 * 2, rtol=1e-5, atol=1e-6)
    infinite = [keras.ops.full(v.shape, np.inf) for v in model.trainable_variables]
    optimizer.apply(infinite, model.trainable_variables)
    for value, variable in zip(after, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert float(optimizer.scale_loss(1.0)) == scale / 2
