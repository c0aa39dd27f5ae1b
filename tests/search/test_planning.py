import dataclasses

import numpy as np
import pytest

from cifarlab.datasets import load_data
from cifarlab.models.pretrained import builtin
from cifarlab.recipes import Recipe, from_dict
from cifarlab.runs.trained_images import TrainedImages, hash_images
from cifarlab.search.planning import Plan, default_epochs, plan_study, prepare, shortened
from cifarlab.search.rules import Rules
from cifarlab.training.starting_point import StartingPoint, check_news
from cifarlab.utils.errors import CifarlabError

RECIPE = Recipe(model="mlp", data="digits", epochs=100, warmup_epochs=5, image_pixels=(16, 16, 24, 24))


def test_a_shorter_training_warms_up_for_the_same_share():
    short = shortened(RECIPE, 50)
    assert (short.epochs, short.warmup_epochs, short.image_pixels) == (50, 2.5, (16, 24))
    assert shortened(RECIPE, 200).image_pixels == (16, 16, 16, 16, 24, 24, 24, 24)
    assert shortened(RECIPE, 100) == RECIPE
    assert shortened(dataclasses.replace(RECIPE, image_pixels=()), 20).warmup_epochs == pytest.approx(1.0)


def test_epochs_of_a_study_by_hand():
    rules = Rules(trials=9, epochs=9, pruner="halving", confirm_seeds=3)
    # Nine to epoch 1, three from there to 3, one from there to 9; then that one and the recipe as shipped, three times.
    assert plan_study(rules) == Plan(9 * 1 + 3 * 2 + 1 * 6, 3 * 2 * 9, 1)
    assert plan_study(rules, confirm=False).confirmation == 0
    assert plan_study(dataclasses.replace(rules, seeds_per_trial=2)).search == 2 * 21
    assert plan_study(dataclasses.replace(rules, trials=18)) == Plan(42, 3 * 3 * 9, 2)
    assert plan_study(dataclasses.replace(rules, pruner="none")) == Plan(81, 3 * 4 * 9, 3)


def test_epochs_where_nothing_is_asked_for():
    assert default_epochs(RECIPE) == 20
    assert default_epochs("smoke") == 3


def test_what_a_study_varies():
    found = prepare(RECIPE, Rules(epochs=50), ["batch_size=50"], confirm=0.2)
    assert (found.epochs, found.batch_size, found.confirmation_fraction) == (50, 50, 0.2)
    with pytest.raises(CifarlabError, match="--fix validation_fraction"):
        prepare(dataclasses.replace(RECIPE, validation_fraction=0.0), Rules())
    with pytest.raises(CifarlabError, match="did you mean batch_size"):
        prepare(RECIPE, Rules(), ["batchsize=50"])


def test_a_study_that_begins_with_trained_weights_keeps_to_them():
    card = builtin.read_card()
    found = prepare("finetune", Rules(epochs=5), ["data=digits"])
    assert found.start_checksum == f"sha256:{card['sizes']['weights_sha256']}"
    assert found.model_args == from_dict(card["recipe"]).model_args
    with pytest.raises(CifarlabError, match="name them too, such as start_from=builtin"):
        prepare("finetune", Rules(epochs=5), ["start_from="])


def test_trainings_are_not_compared_by_what_their_weights_have_learned_from(monkeypatch):
    splits = load_data("digits", validation_fraction=0.1, confirmation_fraction=0.1)
    learned = TrainedImages(np.array([]), hash_images(splits.confirmation.images[:30]), *[np.zeros(0, np.uint64)] * 2)
    monkeypatch.setattr(StartingPoint, "images", lambda _: learned)
    recipe = Recipe(model="convnet", start_from="builtin")
    with pytest.raises(CifarlabError, match=r"builtin have learned from 30 of the .* confirmation images"):
        check_news(recipe, splits)
    check_news(dataclasses.replace(recipe, start_from=""), splits)
    other = dataclasses.replace(splits, confirmation=None)
    check_news(recipe, other)
