"""Exported ONNX files as models: they answer as their run, and what is no such file is said in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifarlab.inference import onnx, onnx_files
from cifarlab.inference.bulk.classifier import Classifier, Question
from cifarlab.inference.bulk.writing import predict_to_file
from cifarlab.inference.prediction import load_model, predict
from cifarlab.utils.errors import CifarlabError

pytestmark = pytest.mark.skipif(not onnx._are_installed(), reason="onnx, onnxruntime or tf2onnx is not installed")
NAMES = ["day", "night"]


@pytest.fixture
def picture(tmp_path: Path) -> str:
    Image.new("RGB", (6, 4), (250, 250, 250)).save(tmp_path / "bright.png")
    return str(tmp_path / "bright.png")


def write(path: Path, told: object, outputs: tuple[str, ...] = ("logits", "probabilities")) -> Path:
    """A network whose first logit is the mean of all pixels, and whose second is 100."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    constant = numpy_helper.from_array(np.array([[100.0]], np.float32), "hundred")
    temperature = numpy_helper.from_array(np.array(50.0, np.float32), "temperature")
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "hundred"], ["second"]),
        helper.make_node("Concat", ["mean", "second"], [outputs[0]], axis=1),
        helper.make_node("Div", [outputs[0], "temperature"], ["cool"]),
        helper.make_node("Softmax", ["cool"], [outputs[1]], axis=1),
    ]
    zero = numpy_helper.from_array(np.array(0.0, np.float32), "zero")
    graph = helper.make_graph(
        nodes,
        "made-by-hand",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 2, 2, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in outputs],
        [constant, temperature, zero],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"cifarlab": told if isinstance(told, str) else json.dumps(told)})
    save_model(model, path)
    return path


def about(**changes: object) -> dict[str, object]:
    return {"class_names": NAMES, "image_shape": [2, 2, 3], "temperature": 50.0, **changes}


def test_predict_takes_classes_shape_and_temperature_from_the_file(tmp_path: Path, picture: str) -> None:
    (found,) = predict([picture], str(write(tmp_path / "sky.onnx", about())))
    assert [each.class_name for each in found.top] == ["day", "night"]
    expected = 1 / (1 + np.exp(-(250 - 100) / 50))
    assert np.isclose(found.top[0].probability, expected, atol=1e-5)


def test_many_pictures_are_answered_by_the_file_too(tmp_path: Path, picture: str) -> None:
    piece = Classifier(Question(str(write(tmp_path / "sky.onnx", about())), top=1)).classify([picture])
    assert "day,0.95" in piece.lines


def test_a_file_of_predictions_is_written_by_the_file_too(tmp_path: Path, picture: str) -> None:
    model, output = write(tmp_path / "sky.onnx", about()), tmp_path / "predictions.csv"
    predict_to_file([picture], output, Question(str(model), top=1))
    assert "day,0.95" in output.read_text(encoding="utf-8").splitlines()[1]


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "sky.onnx", about())
    assert onnx_files.open_file(path).class_names == ("day", "night")
    write(path, about(class_names=["bright", "dark, as at night"]))
    assert onnx_files.open_file(path).class_names[0] == "bright"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("no JSON", "does not say which classes it names"),
        ("[" * 100_000, "does not say which classes it names"),
        ({}, "does not say which classes it names"),
        (about(temperature=0), "its class names or temperature"),
        (about(temperature="NaN"), "its class names or temperature"),
        (about(class_names=[]), "its class names or temperature"),
    ],
)
def test_what_a_file_says_of_itself_is_checked(tmp_path: Path, told: object, why: str) -> None:
    with pytest.raises(CifarlabError, match=why):
        onnx_files.open_file(write(tmp_path / "sky.onnx", told))


def test_another_network_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CifarlabError, match="is no file of cifarlab export: its inputs and outputs are pixels, a, b"):
        onnx_files.open_file(write(tmp_path / "sky.onnx", about(), ("a", "b")))


def test_a_damaged_file_and_a_missing_one_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(CifarlabError, match="is damaged, or no ONNX model"):
        onnx_files.open_file(tmp_path / "broken.onnx")
    with pytest.raises(CifarlabError, match=r"cannot read .*nowhere\.onnx"):
        predict(["picture.png"], str(tmp_path / "nowhere.onnx"))


def test_it_holds_no_keras_model(tmp_path: Path) -> None:
    with pytest.raises(CifarlabError, match=r"no run at .*: expected a folder"):
        load_model(str(write(tmp_path / "sky.onnx", about())))
