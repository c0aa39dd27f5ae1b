"""`/v1/runs/{id}/history`: the numbers of `history.csv`, and which runs differ in the seed alone."""

import math

import pytest

from cifarlab.utils import files


@pytest.fixture
def told(make_client, make_run, tmp_path):
    for name, epochs in (("one", 3), ("two", 2)):
        make_run(tmp_path / "runs", name, epochs=epochs)
    return make_client()


def test_every_column_of_the_history_and_every_epoch(told, tmp_path):
    answer = told.get("/v1/runs/one/history").json()
    lines = (tmp_path / "runs" / "one" / "history.csv").read_text().splitlines()
    names = lines[0].split(",")
    assert list(answer["columns"]) == names
    for place, name in enumerate(names):
        assert answer["columns"][name] == [float(line.split(",")[place]) for line in lines[1:]]


def test_runs_that_differ_in_the_seed_alone_are_told(told, tmp_path):
    def key(name):
        return told.get(f"/v1/runs/{name}/history").json()["same_but_seed"]

    recipe = tmp_path / "runs" / "two" / "recipe.json"
    files.write_json(recipe, {**files.read_json(recipe), "seed": 7})
    assert told.get("/v1/runs/two/history").json()["seed"] == 7
    assert key("one") == key("two")
    files.write_json(recipe, {**files.read_json(recipe), "learning_rate": 0.123})
    assert key("one") != key("two")


def test_what_is_not_finite_is_null_and_a_damaged_history_is_one_sentence(told, tmp_path):
    file = tmp_path / "runs" / "one" / "history.csv"
    header, first, *_ = file.read_text().splitlines()
    place = header.split(",").index("train_loss")
    cells = first.split(",")
    cells[place] = str(math.nan)
    file.write_text("\n".join([header, ",".join(cells)]) + "\n")
    assert told.get("/v1/runs/one/history").json()["columns"]["train_loss"] == [None]
    file.write_text("epoch,train_loss\n1,many\n")
    answer = told.get("/v1/runs/one/history")
    assert answer.status_code == 404
    assert "history.csv" in answer.json()["detail"]
    assert told.get("/v1/runs/absent/history").status_code == 404
