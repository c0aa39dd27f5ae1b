"""The whole ladder: what is shown of which rung, and the gains, recomputed by hand."""

import dataclasses
import statistics

import pytest
from scipy import stats

from cifarlab.evaluation.ladder.description import describe_ladder
from cifarlab.evaluation.ladder.measurements import read_result
from cifarlab.evaluation.ladder.results import Results, load_results, save_results
from cifarlab.evaluation.ladder.rungs import Change, ladder_names
from cifarlab.utils import discovery

RUNGS = ("dense1.py", "dense2.py", "dense3.py", "dense_taught.py")


@pytest.fixture
def kept(folder, make_run):
    """Three seeds of dense1, two of dense2, one of the rung beside them, none of dense3."""
    groups = {
        "dense1": [make_run("dense1.py", seed, each) for seed, each in enumerate((0.50, 0.52, 0.51))],
        "dense2": [make_run("dense2.py", seed, each, training_seconds=200.0) for seed, each in enumerate((0.60, 0.62))],
        "dense_taught": [make_run("dense_taught.py", 0, 0.7)],
    }
    read = {name: read_result(runs, petaflop=0.03) for name, runs in groups.items()}
    rungs = {name: dataclasses.replace(result, limit_flop_per_second=6e11) for name, result in read.items()}
    path = folder / "kept.json"
    save_results(Results(rungs), path)
    return path


def by_name(ladder):
    return {rung.name: rung for rung in ladder.rungs}


def test_what_is_kept_is_shown_with_its_spread_and_its_share_of_the_limit(kept):
    first = by_name(describe_ladder(RUNGS, kept=kept))["dense1"].result
    low, high = stats.t.interval(0.95, 2, 0.51, 0.01 / 3**0.5)
    assert (first.accuracy.value, first.accuracy.low, first.accuracy.high) == pytest.approx((0.51, low, high))
    assert first.accuracy.method == "Student's t 95 %"
    assert first.standard_deviation == pytest.approx(0.01)
    # 0.03 PFLOP in 100 s are 300 GFLOP/s, half of 600.
    assert first.gigaflop_per_second == pytest.approx(300)
    assert first.share_of_limit == pytest.approx(0.5)
    assert (first.parameters, first.training_seconds, first.images) == (24_714, 100.0, 1000)


def test_the_gain_is_welchs_where_both_have_seeds(kept):
    rungs = by_name(describe_ladder(RUNGS, kept=kept))
    assert rungs["dense1"].result.gain is None
    gain = rungs["dense2"].result.gain
    # Standard errors squared: 0.0001 / 3 and 0.0002 / 2.
    parts = (0.0001 / 3, 0.0001)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 1)
    half = stats.t.ppf(0.975, freedom) * sum(parts) ** 0.5
    assert gain.value == pytest.approx(0.10)
    assert (gain.low, gain.high) == pytest.approx((0.10 - half, 0.10 + half))


def test_one_run_has_wilsons_interval_and_a_gain_without_one(kept):
    side = by_name(describe_ladder(RUNGS, kept=kept))["dense_taught"]
    interval = stats.binomtest(700, 1000).proportion_ci(method="wilson")
    assert (side.result.accuracy.low, side.result.accuracy.high) == pytest.approx(tuple(interval))
    assert side.result.standard_deviation is None
    assert side.below == "dense2"
    assert side.result.gain.value == pytest.approx(0.7 - statistics.fmean((0.60, 0.62)))
    assert side.result.gain.low is None


def test_a_rung_without_a_result_says_how_to_get_one(kept):
    third = by_name(describe_ladder(RUNGS, kept=kept))["dense3"]
    assert third.result is None
    assert third.commands == ["cifarlab train dense3.py", "cifarlab evaluate runs/dense3-seed*"]
    assert third.changes == [Change("flip", "none", "random")]


def test_a_result_of_other_settings_is_not_shown_as_the_rungs(kept, folder):
    recipe = folder / "dense1.py"
    recipe.write_text(recipe.read_text().replace("epochs=3", "epochs=4"))
    rungs = by_name(describe_ladder([*RUNGS[:3], RUNGS[3]], kept=kept))
    assert rungs["dense1"].result is None
    assert rungs["dense2"].result is not None
    assert rungs["dense2"].result.gain is None


def test_own_runs_stand_beneath_and_are_held_against_own_runs(kept, folder):
    rungs = by_name(describe_ladder(RUNGS, runs_dir=folder / "runs", kept=kept))
    own = rungs["dense2"].own
    assert own.seeds == [0, 1]
    assert own.gain.value == pytest.approx(0.10)
    assert own.petaflop == 0.03  # the same settings take the same operations
    assert own.share_of_limit is None  # but nobody measured what this machine can do at most
    assert rungs["dense3"].own is None


def test_without_anything_kept_only_own_runs_are_shown(folder, make_run):
    make_run("dense1.py", 0, 0.5)
    rungs = by_name(describe_ladder(RUNGS, runs_dir=folder / "runs", kept=folder / "none.json"))
    assert [rung.result for rung in rungs.values()] == [None] * 4
    assert rungs["dense1"].own.petaflop is None
    assert rungs["dense1"].own.share_of_limit is None


def test_no_gain_between_results_on_other_data(folder, make_run):
    other = folder / "dense2.py"
    other.write_text(other.read_text().replace('data="digits"', 'data="mnist"'))
    for source in RUNGS[:2]:
        make_run(source, 0, 0.5)
    rungs = by_name(describe_ladder(RUNGS[:2], runs_dir=folder / "runs", kept=folder / "none.json"))
    assert rungs["dense2"].own.gain is None


def test_the_packages_own_rungs_say_what_they_are_and_every_kept_result_has_one():
    names = ladder_names(discovery.names("recipes"))
    assert set(load_results().rungs) <= set(names)
    described = describe_ladder(names).rungs if names else []
    assert [rung.name for rung in described if not rung.title] == []
    assert [rung.name for rung in described if rung.result and not rung.expected] == []
