import math

import keras
import pytest

from cifarlab.recipes import Recipe
from cifarlab.training.optimizers.schedules import WarmupThenDecay, build_schedule


def rate(schedule, step):
    return float(keras.ops.convert_to_numpy(schedule(step)))


def test_rise_then_half_a_cosine():
    schedule = WarmupThenDecay(peak=2.0, total_steps=10, warmup_steps=4, decay="cosine")
    assert [rate(schedule, step) for step in range(4)] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert rate(schedule, 4) == pytest.approx(2.0)
    assert rate(schedule, 7) == pytest.approx(1.0)
    assert rate(schedule, 9) == pytest.approx(1 + math.cos(math.pi * 5 / 6))
    assert rate(schedule, 10) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("decay", "middle", "end"), [("constant", 3.0, 3.0), ("linear", 1.5, 0.3)])
def test_other_decays(decay, middle, end):
    schedule = WarmupThenDecay(peak=3.0, total_steps=10, warmup_steps=0, decay=decay)
    assert rate(schedule, 0) == pytest.approx(3.0)
    assert rate(schedule, 5) == pytest.approx(middle)
    assert rate(schedule, 9) == pytest.approx(end)


def test_a_recipes_schedule_ends_with_its_last_step():
    recipe = Recipe(model="mlp", epochs=3, warmup_epochs=0.5, schedule="linear", learning_rate=1.0)
    schedule = build_schedule(recipe, steps_per_epoch=8)
    assert (schedule.total_steps, schedule.warmup_steps) == (24, 4)
    assert rate(schedule, 23) == pytest.approx(1 / 20)
    assert rate(schedule, 24) == 0.0


def test_configuration_describes_it_whole():
    schedule = WarmupThenDecay(1.0, 10, 2, "cosine")
    assert WarmupThenDecay(**schedule.get_config()).get_config() == schedule.get_config()
