import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cifarlab import recipes, runs
from cifarlab.cli.usage import _repeat_greedy
from cifarlab.evaluation.comparison.pairs import compare
from cifarlab.evaluation.comparison.seeds import compare_every_two, compare_groups
from cifarlab.metrics.statistics import significance as plain
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


def make_run(root: Path, name: str, right: int, count: int = 200) -> Run:
    """A run whose first `right` of `count` answers are right."""
    run = runs.create_run(root, name)
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp")))
    files.write_json(run.data_file, {"name": "digits"})
    files.write_json(run.environment_file, {})
    labels = np.arange(count, dtype=np.int64) % 3
    predicted = np.where(np.arange(count) < right, labels, (labels + 1) % 3)
    ids = np.array([f"test-{index:05d}" for index in range(count)], dtype=str)
    logits = np.eye(3, dtype=np.float32)[predicted]
    Predictions(ids, labels, logits, ("cat", "dog", "frog")).save(run.predictions_file("test"))
    return run


def make_group(root: Path, name: str, rights: list[int]) -> list[Run]:
    return [make_run(root, f"{name}-seed{seed}", right) for seed, right in enumerate(rights)]


def count_splits(first: list[float], second: list[float]) -> float:
    """The share of all ways to deal the numbers whose means differ by at least as much."""
    values, size = [*first, *second], len(first)
    gaps = []
    for chosen in itertools.combinations(range(len(values)), size):
        own = sum(values[place] for place in chosen)
        gaps.append(abs(own / size - (sum(values) - own) / len(second)))
    found = abs(sum(first) / size - sum(second) / len(second))
    return sum(gap >= found - 1e-12 for gap in gaps) / len(gaps)


def test_the_permutation_test_counts_all_splits() -> None:
    random = np.random.default_rng(0)
    for sizes in ((3, 4), (5, 5), (2, 6), (4, 6)):
        # Rounded as accuracies are: many splits have the same difference, and none may be lost to rounding errors.
        first, second = (random.normal(0.6 + 0.05 * k, 0.05, size).round(2).tolist() for k, size in enumerate(sizes))
        found, test = plain.permutation_test(first, second)
        assert found == pytest.approx(count_splits(first, second), abs=1e-15)
        assert test == f"exact permutation test, {math.comb(sum(sizes), sizes[0])} splits"


def test_many_permutations_are_drawn_and_agree_with_the_exact_test() -> None:
    first, second = [0.61, 0.62, 0.60, 0.63, 0.65, 0.6, 0.6, 0.61, 0.61], [0.60, 0.62, 0.59, 0.61] * 2 + [0.60]
    drawn, test = plain.permutation_test(first, second)
    assert test == "permutation test, 20,000 drawn splits"
    assert drawn == pytest.approx(count_splits(first, second), abs=0.015)
    assert plain.permutation_test([0.0] * 9, [1.0] * 9)[0] >= 1 / 20_001


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_the_permutation_test_is_symmetric_and_never_below_its_least(first: list[float], second: list[float]) -> None:
    p, _ = plain.permutation_test(first, second)
    assert p == pytest.approx(plain.permutation_test(second, first)[0])
    assert plain.least_p_value(len(first), len(second)) - 1e-12 <= p <= 1


def test_welchs_interval_by_his_formula() -> None:
    first, second = [0.61, 0.62, 0.60, 0.63], [0.58, 0.62, 0.55]
    one, two = np.var(first, ddof=1) / 4, np.var(second, ddof=1) / 3
    half = stats.t.ppf(0.975, (one + two) ** 2 / (one**2 / 3 + two**2 / 2)) * np.sqrt(one + two)
    found, value = plain.welch_difference(first, second), np.mean(first) - np.mean(second)
    assert (found.value, found.low, found.high) == pytest.approx((value, value - half, value + half), abs=1e-14)
    assert plain.welch_difference([0.5, 0.5], [0.4, 0.4]).low is None


def test_images_needed_by_hand_and_by_simulation() -> None:
    # Connor 1987 with discordant rates 0.10 and 0.05: (1.960 sqrt(0.15) + 0.842 sqrt(0.15 - 0.0025))^2 / 0.0025.
    by_hand = (1.959964 * 0.15**0.5 + 0.841621 * 0.1475**0.5) ** 2 / 0.05**2
    needed = plain.images_needed(10, 5, 100)
    assert needed == int(np.ceil(by_hand)) == 469
    assert plain.images_needed(5, 10, 100) == needed
    assert plain.images_needed(7, 7, 100) is None
    random = np.random.default_rng(0)
    tables = random.multinomial(needed, [0.10, 0.05, 0.85], size=400)
    power = np.mean([plain.mcnemar(int(b), int(c)) < 0.05 for b, c, _ in tables])
    assert power == pytest.approx(0.8, abs=0.07)


def test_two_recipes_that_differ(tmp_path: Path) -> None:
    first = make_group(tmp_path, "mlp1", [100, 102, 98, 101])
    second = make_group(tmp_path, "mlp2", [120, 118, 121, 125])
    result = compare_groups(first, [run.path for run in second])
    assert result.p_value == pytest.approx(2 / 70)
    assert [group.name for group in result.groups] == ["mlp1", "mlp2"]
    assert result.difference.value == pytest.approx((401 - 484) / 800)
    assert result.sentence.startswith("mlp2 is more accurate than mlp1 on average, by 10.38 percentage points (4 ag")
    assert result.seeds_needed == 4
    assert json.loads(json.dumps(json_data(result), allow_nan=False)) == json_data(result)
    assert result.sentence in str(result)
    swapped = compare_groups(second, first)
    assert swapped.p_value == result.p_value
    assert swapped.sentence.startswith("mlp2 is more accurate")


def test_few_seeds_are_told_that_they_cannot_tell(tmp_path: Path) -> None:
    first, second = (make_group(tmp_path, name, rights) for name, rights in (("a", [100, 101]), ("b", [150, 151])))
    result = compare_groups(first, second)
    assert result.p_value == result.least_p_value == pytest.approx(1 / 3)
    assert result.sentence.endswith("So few seeds cannot: their p value is never under 0.33.")


def test_seeds_that_do_not_tell_learn_how_many_would(tmp_path: Path) -> None:
    first = make_group(tmp_path, "a", [100, 110, 105, 95])
    second = make_group(tmp_path, "b", [102, 111, 104, 99])
    result = compare_groups(first, second)
    assert result.p_value > 0.05
    assert f"it would take about {result.seeds_needed:,} seeds each" in result.sentence


def test_a_pair_that_is_not_told_apart_learns_how_many_images_would(tmp_path: Path) -> None:
    one, two = make_run(tmp_path, "one", 100), make_run(tmp_path, "two", 104)
    (pair,) = compare([one, two]).pairs
    assert pair.images_needed == plain.images_needed(0, 4, 200)
    needed = int(float(f"{pair.images_needed:.2g}"))
    assert f"about {needed:,} images to see it with a chance of 80 %" in pair.sentence


def test_what_cannot_be_grouped_is_refused(tmp_path: Path) -> None:
    first, second = (make_group(tmp_path, name, [10, 11]) for name in ("a", "b"))
    with pytest.raises(CifarlabError, match="second group has 1 run: expected at least two"):
        compare_groups(first, second[:1])
    with pytest.raises(CifarlabError, match="given more than once"):
        compare_groups(first, [first[0], second[0]])


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a b --against c d --json", "a b --against c --against d --json"),
        ("--against c --against d a", "--against c --against d --against a"),
        ("a --split test b --against", "a --split test b --against"),
        ("a --against c -- d", "a --against c -- d"),
    ],
)
def test_words_after_against_are_all_its_own(given: str, read: str) -> None:
    assert _repeat_greedy(given.split()) == read.split()


def test_seeds_without_spread_do_not_say_how_many_it_would_take(tmp_path: Path) -> None:
    first, second = (make_group(tmp_path, name, rights) for name, rights in (("a", [100, 100]), ("b", [101, 101])))
    result = compare_groups(first, second)
    assert result.seeds_needed is None
    assert result.difference.low is None
    assert [group.mean.method for group in result.groups] == ["no interval: all 2 seeds have the same value"] * 2


def test_of_more_than_two_groups_the_p_values_are_adjusted_by_holm(tmp_path: Path) -> None:
    rights = {"low": [100, 101, 102, 103, 104], "same": [101, 102, 100, 104, 103], "high": [140, 141, 142, 143, 144]}
    groups = [make_group(tmp_path, name, right) for name, right in rights.items()]
    found = compare_every_two(groups)
    alone = [compare_groups(*two) for two in itertools.combinations(groups, 2)]
    assert [each.p_value for each in found] == pytest.approx(plain.holm([each.p_value for each in alone]))
    assert [tuple(group.name for group in each.groups) for each in found] == [
        ("low", "same"), ("low", "high"), ("same", "high"),
    ]  # fmt: skip
    assert "high is more accurate than low" in found[1].sentence
    assert "252 splits, adjusted for 3 pairs, p = 0.02" in found[1].sentence
    assert found[0].least_p_value == pytest.approx(3 * 2 / 252)
    assert compare_every_two(groups[:2]) == alone[:1]


def test_seeds_that_did_not_tell_are_not_said_to_be_enough(tmp_path: Path) -> None:
    """The estimate is from the normal approximation, and the verdict from an exact test: they may contradict."""
    first = make_group(tmp_path, "a", [100, 101, 102, 110])
    second = make_group(tmp_path, "b", [108, 111, 112, 113])
    result = compare_groups(first, second)
    assert result.p_value == pytest.approx(4 / 70)
    assert result.seeds_needed == 4
    assert "would take" not in result.sentence


def test_what_it_would_take_follows_the_adjusted_level() -> None:
    assert plain.images_needed(10, 5, 100, pairs=10) > 1.5 * plain.images_needed(10, 5, 100)
    first, second = [0.50, 0.51, 0.52, 0.53], [0.51, 0.52, 0.53, 0.54]
    assert plain.seeds_needed(first, second, pairs=10) > 1.5 * plain.seeds_needed(first, second)


def test_equal_seeds_have_no_interval_whatever_their_mean_rounds_to() -> None:
    assert plain.welch_difference([0.1, 0.1, 0.1], [0.2, 0.2, 0.2]).low is None
