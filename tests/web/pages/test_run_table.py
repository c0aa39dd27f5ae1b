"""The table of runs: found, sorted, in columns of any setting, grouped, and as CSV."""

import csv
import io
from dataclasses import replace

import pytest
from scipy import stats
from starlette.datastructures import QueryParams

from cifarlab.metrics.statistics.intervals import wilson, wilson_limits
from cifarlab.runs import Run
from cifarlab.runs.notes import Notes
from cifarlab.runs.scores import Scores
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.pages.run_table import read_table


@pytest.fixture
def runs(tmp_path):
    def make(name, accuracy, rate, seed=0, notes=None, **recipe):
        scores = {"test": Scores(accuracy=accuracy, loss=0.5, scores={})}
        fields = {"model": "mlp", "learning_rate": rate, "seed": seed, "flip": "none", **recipe}
        return RunSummary(
            Run(tmp_path / name), (), "finished", started=f"2026-01-0{seed + 1}T00:00:00+00:00", data="digits",
            recipe=fields, scores=scores, notes=notes or Notes(),
        )  # fmt: skip

    return [
        make("small-seed0", 0.5, 0.001),
        make("small-seed1", 0.6, 0.001, 1, Notes(("base line",), "=the best Überlauf")),
        make("large-seed0", 0.9, 0.01, **{"model.depth": 2}),
    ]


def table(runs, query=""):
    return read_table(runs, QueryParams(query))


def names(runs, query):
    return [run.name for run in table(runs, query).summaries]


def test_runs_are_found_by_name_tag_and_note(runs):
    assert names(runs, "sort=name&q=SMALL seed1") == ["small-seed1"]
    assert names(runs, "q=überlauf") == ["small-seed1"]
    assert names(runs, "q=line seed1") == ["small-seed1"]
    assert names(runs, "tag=base line") == ["small-seed1"]
    assert names(runs, "tag=base") == []


def test_settings_are_columns_and_sorted_by_their_values(runs):
    found = table(runs, "set=learning_rate&set=model.depth&sort=-set.learning_rate")
    assert found.settings == ["learning_rate", "model.depth"]
    assert list(found.columns)[:2] == ["name", "accuracy"]
    assert list(found.columns)[4:8] == ["data", "set.learning_rate", "set.model.depth", "loss"]
    assert found.summaries[0].name == "large-seed0"
    # What has no value is last either way.
    assert names(runs, "set=model.depth&sort=set.model.depth")[0] == "large-seed0"
    assert names(runs, "set=model.depth&sort=-set.model.depth")[0] == "large-seed0"
    assert list(found.differing) == ["learning_rate", "model.depth", "seed"]
    assert found.others == ["flip", "model"]


@pytest.mark.parametrize("query", ["set=nothing", "group=set.nothing", "group=size", "sort=set.nothing", "sort=-size"])
def test_a_column_that_is_none_is_refused(runs, query):
    with pytest.raises(CifarlabError, match=r"unknown|group is seed"):
        table(runs, query)


def test_a_group_shows_every_value_of_a_setting_in_which_its_runs_differ(runs):
    found = table(runs, "group=seed&set=seed&set=learning_rate")
    shown = {group.name: found.columns["set.seed"].value(group) for group in found.groups}
    assert shown == {"large-seed0": 0, "small": "0, 1"}
    assert "0, 1" in found.to_csv()


def test_grouped_by_seed_the_differing_settings_stand_there_by_themselves(runs):
    found = table(runs, "group=seed")
    assert found.settings == ["learning_rate", "model.depth"]
    assert [(group.name, len(group.runs)) for group in found.groups] == [("large-seed0", 1), ("small", 2)]
    assert [group.name for group in table(runs, "group=seed&sort=-seeds").groups] == ["small", "large-seed0"]
    assert table(runs, "group=seed&sort=-started").sort == "-accuracy"  # a group has begun at no one time


def test_columns_that_chose_themselves_are_of_the_rows_shown_and_no_ticks(runs):
    found = table([*runs, *(_other(runs, seed) for seed in range(2))], "group=seed&q=small")
    assert (found.settings, found.asked) == ([], [])  # among those shown the seed alone differs
    assert found.others == ["flip", "learning_rate", "model", "model.depth"]
    assert table(runs, "group=seed&q=small&set=model.depth").asked == ["model.depth"]
    # A sorting that its column is no longer there for is none.
    assert table(runs, "group=seed&q=small&sort=set.learning_rate").sort == "-accuracy"


def _other(runs, seed):
    recipe = {**runs[0].recipe, "seed": seed, "flip": "random"}
    return replace(runs[0], run=Run(runs[0].run.path.with_name(f"other-{seed}")), recipe=recipe)


def test_rows_of_one_setting_are_over_all_others(runs):
    found = table(runs, "group=set.learning_rate")
    assert [(group.name, len(group.runs)) for group in found.groups] == [
        ("learning_rate = 0.01", 1),
        ("learning_rate = 0.001", 2),
    ]
    low, high = stats.t.interval(0.95, 1, loc=0.55, scale=stats.sem([0.5, 0.6]))
    mean = found.groups[1].accuracy.mean
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.55, max(0, low), min(1, high)))
    assert [group.name for group in table(runs, "group=set.model.depth").groups] == ["model.depth = 2"]


def test_an_accuracy_at_least_keeps_what_the_table_shows_as_it(runs):
    runs[0] = replace(runs[0], scores={"test": Scores(accuracy=0.59996, loss=1.0, scores={})})
    assert names(runs, "sort=name&least=60") == ["large-seed0", "small-seed0", "small-seed1"]
    assert names(runs, "least=60.01") == ["large-seed0"]
    for percent in (17.6, 35.2, 70.4):  # of which the hundredth is a little more than the share
        runs[0] = replace(runs[0], scores={"test": Scores(accuracy=round(percent * 100) / 10_000, loss=1.0, scores={})})
        assert "small-seed0" in names(runs, f"least={percent}")
    with pytest.raises(CifarlabError, match="percentage"):
        table(runs, "least=200")


def test_the_file_holds_the_interval_of_a_runs_accuracy(runs):
    runs[2].scores["test"].scores["accuracy"] = wilson(90, 100)
    large, small, _ = csv.DictReader(io.StringIO(table(runs, "sort=name").to_csv()))
    assert (float(large["accuracy_low"]), float(large["accuracy_high"])) == pytest.approx(wilson_limits(90, 100))
    assert (small["accuracy_low"], small["accuracy_high"]) == ("", "")


def test_the_file_holds_what_is_shown(runs):
    rows = list(csv.DictReader(io.StringIO(table(runs, "set=learning_rate&sort=name").to_csv())))
    assert [row["name"] for row in rows] == ["large-seed0", "small-seed0", "small-seed1"]
    assert [float(row["accuracy"]) for row in rows] == [0.9, 0.5, 0.6]
    assert [float(row["set.learning_rate"]) for row in rows] == [0.01, 0.001, 0.001]
    assert (rows[2]["tags"], rows[2]["note"]) == ("base line", "'=the best Überlauf")  # no formula for a spreadsheet
    (large, small) = csv.DictReader(io.StringIO(table(runs, "group=seed").to_csv()))
    assert (float(small["accuracy"]), small["seeds"], small["accuracy_runs"]) == (0.55, "2", "2")
    assert float(small["accuracy_deviation"]) == pytest.approx(0.0707, abs=1e-4)
    assert (large["accuracy_low"], large["set.model.depth"]) == ("", "2")
