"""Exported files from somebody else run no code: what could is refused before a runtime opens it."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cifarlab.exports.formats import savedmodel
from cifarlab.exports.formats._pt2 import check_archive
from cifarlab.utils.errors import CifarlabError

GRAPH = {
    "graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.relu.default"}]}},
    "sizes": {"as_expr": {"expr_str": "Symbol('s33', positive=True, integer=True)"}},
    "guards_code": [],
}


def archive(path: Path, graph: Any = GRAPH, **further: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("net/models/model.json", json.dumps(graph))
        members.writestr("net/data/weights/model_weights_config.json", '{"config": {"a": {"use_pickle": false}}}')
        for name, content in further.items():
            members.writestr(name, content)
    return path


def test_a_graph_of_operations_is_data(tmp_path: Path) -> None:
    check_archive(archive(tmp_path / "net.pt2"))


@pytest.mark.parametrize(
    "change",
    [
        {"graph_module": {"graph": {"nodes": [{"target": "torch.load"}]}}},
        {"graph_module": {"graph": {"nodes": [{"target": "torch.ops.aten.relu.default.x"}]}}},
        {"graph_module": {"graph": {"nodes": [{"target": "#mine:op"}]}}},
        {"sizes": {"as_expr": {"expr_str": "__import__('os').system('true')"}}},
        {"sizes": {"as_expr": {"expr_str": "Symbol.mro()"}}},
        {"guards_code": ["print()"]},
        {"weights": {"use_pickle": True}},
        {"inputs": [{"as_custom_obj": {"name": "x"}}]},
    ],
)
def test_a_graph_that_names_more_than_operations_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(CifarlabError, match="holds more than a network of cifarlab"):
        check_archive(archive(tmp_path / "net.pt2", {**GRAPH, **change}))


@pytest.mark.parametrize("member", ["net/data/aotinductor/net/net.so", "net/data/constants/custom_obj_0", "../x"])
def test_members_that_are_executed_are_refused(tmp_path: Path, member: str) -> None:
    with pytest.raises(CifarlabError, match="holds more than a network of cifarlab"):
        check_archive(archive(tmp_path / "net.pt2", **{member: b"machine code"}))


class Touching:
    """What unpickling makes a file of."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_example_inputs_are_not_unpickled(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    content = io.BytesIO()
    torch.save(Touching(tmp_path / "touched"), content, pickle_module=pickle)
    file = archive(tmp_path / "net.pt2", **{"net/data/sample_inputs/model.pt": content.getvalue()})
    with pytest.raises(CifarlabError, match="objects that are no tensors"):
        check_archive(file)
    assert not (tmp_path / "touched").exists()


def test_a_file_that_is_no_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(b"no archive")
    with pytest.raises(CifarlabError, match=r"is damaged, or no \.pt2 archive"):
        check_archive(tmp_path / "net.pt2")


def test_a_saved_model_that_writes_files_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    class Writing(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 2, 2, 3), tf.uint8)], autograph=False)
        def __call__(self, pixels: Any) -> Any:
            tf.io.write_file(str(tmp_path / "written"), "x")
            return {"logits": tf.cast(pixels, tf.float32), "probabilities": tf.cast(pixels, tf.float32)}

    module = Writing()
    tf.saved_model.save(module, str(tmp_path / "net"), signatures=module.__call__)
    with pytest.raises(CifarlabError, match="operations that no network of cifarlab needs: WriteFile"):
        savedmodel.open_answers(tmp_path / "net")
    assert not (tmp_path / "written").exists()
