"""The table of runs: found, sorted, in columns of any setting, grouped, and as CSV."""

import csv
import io

import pytest
from starlette.datastructures import QueryParams

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
    assert list(found.columns)[3:7] == ["data", "set.learning_rate", "set.model.depth", "accuracy"]
    assert found.summaries[0].name == "large-seed0"
    # What has no value is last either way.
    assert names(runs, "set=model.depth&sort=set.model.depth")[0] == "large-seed0"
    assert names(runs, "set=model.depth&sort=-set.model.depth")[0] == "large-seed0"
    assert found.offered == (["learning_rate", "model.depth", "seed"], ["flip", "model"])


@pytest.mark.parametrize("query", ["set=nothing", "sort=set.learning_rate", "sort=-size"])
def test_a_column_that_is_none_is_refused(runs, query):
    with pytest.raises(CifarlabError, match="unknown"):
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
