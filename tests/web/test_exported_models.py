"""Exported files as models of the app: named by their file, asked as runs are, described by what they bring."""

import numpy as np
import pytest

from cifarlab.cli.main import main
from cifarlab.inference import onnx_files
from cifarlab.web.predictions.model_store import ModelStore

CLASSES = ["red", "green", "blue"]


@pytest.fixture
def file(tmp_path, made_up_onnx):
    about = {
        "class_names": CLASSES,
        "image_shape": [made_up_onnx.SIZE, made_up_onnx.SIZE, 3],
        "temperature": 1.0,
        "data": {"name": "colours"},
        "accuracy": {"value": 0.75},
    }
    path = tmp_path / "colours.onnx"
    path.write_bytes(made_up_onnx.network(3, 3, about))
    return path


@pytest.fixture
def client(make_client, tmp_path, file):
    return make_client(store=ModelStore(tmp_path / "runs", files={file.name: onnx_files.open_file(file)}))


def test_it_is_listed_with_what_it_says_of_itself(client):
    (found,) = [each for each in client.get("/v1/models").json()["models"] if each["name"] == "colours.onnx"]
    assert (found["class_names"], found["data"], found["accuracy"]) == (CLASSES, "colours", 0.75)
    page = client.get("/classify").text
    assert "colours.onnx" in page
    assert "75" in page


def test_it_answers_as_the_network_computes(client, encode):
    picture = encode(np.full((30, 30, 3), (10, 200, 30), np.uint8))
    answer = client.post("/v1/predict", files={"images": ("green.png", picture)}, data={"model": "colours.onnx"}).json()
    (first, *_) = answer["predictions"][0]["top"]
    assert first["class_name"] == "green"
    powers = np.exp(np.array([1.0, 20.0, 3.0]))  # a tenth of the channels' means
    assert first["probability"] == pytest.approx(powers[1] / powers.sum())


def test_its_page_explains_what_it_can(client, encode):
    picture = encode(np.full((30, 30, 3), (10, 20, 230), np.uint8))
    page = client.post(
        "/classify",
        files={"picture": ("blue.png", picture)},
        data={"model": "colours.onnx"},
        headers={"Origin": "http://127.0.0.1:8000"},
    )
    assert page.status_code == 200
    assert "blue" in page.text


@pytest.mark.parametrize("damage", [b"", b"no network"])
def test_a_damaged_file_is_refused_before_the_server_starts(tmp_path, capsys, damage):
    (path := tmp_path / "broken.onnx").write_bytes(damage)
    assert main(["serve", "--port", "0", "--model", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "broken.onnx is damaged" in line


def test_two_files_of_one_name_are_refused(tmp_path, capsys, file):
    (tmp_path / "other").mkdir()
    (other := tmp_path / "other" / file.name).write_bytes(file.read_bytes())
    assert main(["serve", "--port", "0", "--model", str(file), "--model", str(other)]) == 2
    assert "rename one" in capsys.readouterr().err
