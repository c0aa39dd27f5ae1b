"""Which recipes are rungs, in which order, and what they change."""

import dataclasses

import pytest

from cifarlab.evaluation.ladder.rungs import Rung, changes, find_rungs, is_training_of, ladder_names, rung_below
from cifarlab.recipes import Recipe
from cifarlab.utils.errors import CifarlabError

PLAIN = Recipe(model="mlp", model_args={"widths": (8,)}, epochs=3)
RUNGS = ("dense1.py", "dense2.py", "dense3.py", "dense_taught.py")


def test_numbered_recipes_come_by_number_and_then_those_beside():
    names = ["convnet94", "dense1", "dense10", "dense2", "dense_distilled", "dense", "densely1", "mlp1"]
    assert ladder_names(names) == ["dense1", "dense2", "dense10", "dense_distilled"]


def test_a_rung_says_what_its_file_says(folder):
    first, *_, side = find_rungs(RUNGS)
    assert (first.name, first.title, first.expected, first.reason) == (
        "dense1",
        "A plain dense network",
        "Expect nothing of it.",
        "",
    )
    assert side.reason == "a convolutional network taught it."


def test_a_rung_brings_the_commands_that_its_file_shows(folder):
    shown = (
        '"""A plain dense network.\n\n    cifarlab train dense1 --seeds 3\n    cifarlab evaluate runs/dense1-seed*\n'
    )
    file = folder / "dense1.py"
    file.write_text(file.read_text().replace('"""A plain dense network.\n', shown))
    first, second, *_ = find_rungs(RUNGS)
    assert first.commands == ("cifarlab train dense1 --seeds 3", "cifarlab evaluate runs/dense1-seed*")
    assert second.commands == ()


def test_a_rung_beside_the_ladder_must_say_why(folder):
    side = folder / "dense_taught.py"
    side.write_text(side.read_text().replace("Does not count", "Counts"))
    with pytest.raises(CifarlabError, match=r"dense_taught.py stands beside .* does not say why"):
        find_rungs(RUNGS)


def test_a_rung_is_given_once(folder):
    with pytest.raises(CifarlabError, match="two rungs have the name dense1"):
        find_rungs(["dense1.py", "./dense1.py"])


def test_changes_are_named_as_set_names_them():
    after = dataclasses.replace(PLAIN, model_args={"widths": (8,), "dropout": 0.2}, epochs=5, seed=7)
    found = [(each.setting, each.before, each.after) for each in changes(PLAIN, after)]
    assert found == [("model.dropout", None, 0.2), ("epochs", 3, 5)]


def test_a_list_and_a_tuple_are_one_setting():
    assert changes(PLAIN, dataclasses.replace(PLAIN, model_args={"widths": [8]})) == []


def test_a_training_in_any_seed_is_the_rungs_and_one_of_other_settings_is_not():
    assert is_training_of(dataclasses.replace(PLAIN, seed=5), PLAIN)
    assert not is_training_of(dataclasses.replace(PLAIN, learning_rate=0.1), PLAIN)
    assert not is_training_of(dataclasses.replace(PLAIN, data="digits"), PLAIN)


def test_automatic_precision_was_resolved_in_the_run():
    automatic = dataclasses.replace(PLAIN, precision="auto")
    bfloat16 = dataclasses.replace(PLAIN, precision="bfloat16")
    assert is_training_of(bfloat16, automatic)
    assert not is_training_of(bfloat16, PLAIN)


def test_a_rung_beside_is_held_against_the_one_with_the_fewest_other_settings():
    def rung(name, reason="", **settings):
        return Rung(name, name, dataclasses.replace(PLAIN, **settings), name, reason=reason)

    first, second = rung("dense1"), rung("dense2", flip="random")
    third = rung("dense3", flip="random", epochs=9, mixup_alpha=0.2)
    beside = rung("dense_taught", "a teacher", flip="random", label_smoothing=0.1)
    rungs = [first, second, third, beside]
    assert rung_below(first, rungs) is None
    assert rung_below(third, rungs) == second
    assert rung_below(beside, rungs) == second
    # As far from the second as from the third: the higher one.
    as_far = rung("dense_other", "a teacher", flip="random", epochs=9)
    assert [len(changes(each.recipe, as_far.recipe)) for each in (second, third)] == [1, 1]
    assert rung_below(as_far, [*rungs[:3], as_far]) == third
    assert rung_below(beside, [beside]) is None
