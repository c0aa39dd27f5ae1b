"""`/v1/models`, `/v1/runs`, `/v1/runs/{id}/scores`."""

import json
import shutil

import numpy as np
import pytest

from cifarlab.web.predictions.model_store import ModelStore


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("listed") / "runs"
    make_run(folder, "first")
    made = make_run(folder, "second", skill=4.0)
    names = {**made.data, "class_names": [str(number) for number in range(10)]}
    made.data_file.write_text(json.dumps(names))
    return folder


@pytest.fixture
def runs_dir(made_runs, tmp_path):
    return shutil.copytree(made_runs, tmp_path / "runs")


@pytest.fixture
def told(make_client, runs_dir):
    return make_client(
        store=ModelStore(runs_dir, lambda *_: pytest.fail("nothing is loaded for a list")), runs_dir=runs_dir
    )


def test_runs_are_listed_with_their_numbers(told, runs_dir):
    first, second = told.get("/v1/runs").json()["runs"]
    assert (first["id"], second["id"]) == ("first", "second")
    assert first["state"] == "finished"
    assert first["data"] == "digits"
    assert first["epochs"] == 3
    assert first["evaluated_on"] == ["test"]
    stored = json.loads((runs_dir / "second" / "scores.json").read_text())
    assert second["test_accuracy"] == stored["accuracy"] > first["test_accuracy"]


def test_models_are_listed(make_client, runs_dir, fakes):
    store = fakes.FakeModelStore()
    real = ModelStore(runs_dir)
    store.names = real.names
    store.versions |= {"first": 1, "second": 1}
    client = make_client(store=store, runs_dir=runs_dir)
    models = {each["name"]: each for each in client.get("/v1/models").json()["models"]}
    assert set(models) == {"builtin", "second"}  # `first` does not tell its classes: it could not name any
    assert models["builtin"]["class_names"][0] == "airplane"
    assert models["builtin"]["data"] == "cifar10"
    assert 0.9 < models["builtin"]["accuracy"] < 1
    assert (models["second"]["in_memory"], models["second"]["engine"]) == (False, None)


def test_a_model_in_memory_tells_what_computes_it(make_client, encode):
    client = make_client()
    picture = encode(np.zeros((8, 8, 3), np.uint8))
    assert client.post("/v1/predict", files={"images": picture}).status_code == 200
    models = {each["name"]: each for each in client.get("/v1/models").json()["models"]}
    assert (models["builtin"]["in_memory"], models["builtin"]["engine"]) == (True, "by hand")


def test_scores_are_those_of_the_file(told, runs_dir):
    stored = json.loads((runs_dir / "first" / "scores.json").read_text())
    answer = told.get("/v1/runs/first/scores")
    assert answer.status_code == 200
    assert answer.json() == stored


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/runs/third/scores", 404),
        ("/v1/runs/..%2Ffirst/scores", 404),
        ("/v1/runs/%2e%2e/scores", 404),
        ("/v1/runs/first/scores?split=validation", 404),
        ("/v1/runs/first/scores?tta=flip", 404),
        ("/v1/runs/first/scores?tta=nonsense", 404),
        ("/v1/runs/first/scores?split=nonsense", 422),
    ],
)
def test_what_is_not_there_is_said(told, path, status):
    answer = told.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_missing_scores_are_called_by_their_split_and_augmentation(told):
    detail = told.get("/v1/runs/first/scores?split=validation&tta=flip-shift").json()["detail"]
    assert "has no scores on validation with TTA flip-shift" in detail
    assert detail.endswith("/first --split validation --tta flip-shift")


def test_damaged_scores_are_no_server_error(told, runs_dir):
    (runs_dir / "first" / "scores.json").write_text('{"accuracy": 0.5, "scores": 3}')
    assert told.get("/v1/runs/first/scores").status_code == 404
    (runs_dir / "first" / "scores.json").write_text("{")
    assert told.get("/v1/runs/first/scores").status_code == 404
    assert told.get("/v1/runs").status_code == 200


def test_no_runs_at_all(client):
    assert client.get("/v1/runs").json() == {"runs": []}
