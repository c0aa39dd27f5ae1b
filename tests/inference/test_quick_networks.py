"""What answers without Keras answers as Keras does, and is asked only where that is sure."""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifarlab import recipes
from cifarlab.datasets import load_data
from cifarlab.inference import onnx, prediction, quick_networks
from cifarlab.inference.onnx_session import OnnxNetwork, open_network
from cifarlab.inference.prediction import PicturePrediction, predict
from cifarlab.inference.quick_networks import find, keep
from cifarlab.inference.tta import NAMES
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run, create_run
from cifarlab.utils import discovery, files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.environment import versions as installed_versions
from cifarlab.utils.errors import CifarlabError

pytestmark = pytest.mark.skipif(not onnx._are_installed(), reason="onnx, onnxruntime or tf2onnx is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where networks are kept."""
    monkeypatch.setattr(quick_networks, "cache_home", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "networks"


@pytest.fixture
def network() -> Any:
    return build(np.random.default_rng(0))


@pytest.fixture
def run(tmp_path: Path, network: Any) -> Run:
    run = create_run(tmp_path / "runs", "tiny")
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp")))
    files.write_json(run.data_file, {"name": "digits", "class_names": [f"class {number}" for number in range(10)]})
    files.write_json(run.environment_file, {})
    network.save(run.model_file)
    return run


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(1)
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(path)
    return paths


def build(rng: np.random.Generator) -> Any:
    choose_backend()
    network = discovery.load("models", "mlp").build((32, 32, 3), 10, widths=(8,))
    network.set_weights([rng.normal(0, 0.3, weight.shape) for weight in network.get_weights()])
    return network


def with_keras(photos: list[str], run: Run | str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
    with monkeypatch.context() as patch:
        patch.setattr(quick_networks, "find", lambda *_: None)
        patch.setattr(quick_networks, "keep", lambda *_: None)
        return predict(photos, run, **options)


def without_keras(photos: list[str], run: Run | str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
    with monkeypatch.context() as patch:
        patch.setattr(prediction, "load_model", lambda *_: pytest.fail("Keras was asked"))
        return predict(photos, run, **options)


def check_same(answers: list[PicturePrediction], expected: list[PicturePrediction]) -> None:
    assert [(each.image, each.tta) for each in answers] == [(each.image, each.tta) for each in expected]
    for answer, wanted in zip(answers, expected, strict=True):
        assert [each.class_name for each in answer.top] == [each.class_name for each in wanted.top]
        chances = [[each.probability for each in one.top] for one in (answer, wanted)]
        np.testing.assert_allclose(*chances, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tta", NAMES)
def test_the_built_in_network_answers_as_keras_does(
    tta: str, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = without_keras(photos, "builtin", monkeypatch, tta=tta, top=10)
    check_same(answers, with_keras(photos, "builtin", monkeypatch, tta=tta, top=10))


def test_the_built_in_network_has_no_weights_of_its_own() -> None:
    exported, weights = builtin.read_network()
    assert len(exported) < 20_000
    model = builtin.load_model()
    for given, wanted in zip(weights.values(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(given, wanted)
    assert hashlib.sha256(exported).hexdigest() == builtin.read_card()["sizes"]["network_sha256"]


@pytest.mark.data
def test_the_built_in_network_answers_real_pictures_as_keras_does(cifar10_dir: Path) -> None:
    images = load_data("cifar10", data_dir=str(cifar10_dir)).test.images[:300]
    expected = prediction.compute_logits(builtin.load_model(), images)
    np.testing.assert_allclose(find("builtin").forward(images), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("tta", NAMES)
def test_a_run_is_exported_once_and_then_answers_without_keras(
    tta: str, run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = with_keras(photos, run, monkeypatch, tta=tta, top=10)
    assert not cache.exists()
    first = predict(photos, run, tta=tta, top=10)
    assert {file.suffix for file in cache.iterdir()} == {".json", ".onnx"}
    assert without_keras(photos, run, monkeypatch, tta=tta, top=10) == first  # to the last digit
    check_same(first, expected)


def test_a_calibrated_run_answers_at_its_temperature(
    run: Run, photos: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "stored_temperature", lambda run: 3.0)
    predict(photos, run)
    check_same(without_keras(photos, run, monkeypatch), with_keras(photos, run, monkeypatch))


def test_nothing_comes_from_the_runs_folder(
    run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody puts beside a model cannot answer in its place."""
    predict(photos, run)
    for file in cache.iterdir():
        shutil.copy(file, run.path / file.name)
        shutil.copy(file, run.path / f"network{file.suffix}")
    shutil.rmtree(cache)
    assert find(run) is None


def test_a_retrained_run_is_not_answered_by_what_was_kept(run: Run, photos: list[str]) -> None:
    predict(photos, run)
    assert find(run) is not None
    other = build(np.random.default_rng(7))
    other.save(run.model_file)
    assert find(run) is None
    expected = prediction.compute_logits(other, np.zeros((1, 32, 32, 3), np.uint8))
    predict(photos, run)
    np.testing.assert_allclose(find(run).forward(np.zeros((1, 32, 32, 3), np.uint8)), expected, atol=1e-4)


def test_a_copy_of_a_run_is_known_by_its_model(run: Run, photos: list[str], tmp_path: Path) -> None:
    predict(photos, run)
    shutil.copytree(run.path, tmp_path / "copy")
    assert find(Run(tmp_path / "copy")) is not None


def test_other_versions_are_compared_anew(run: Run, photos: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    predict(photos, run)
    versions = installed_versions(quick_networks._PACKAGES)
    assert {"keras", "onnx", "onnxruntime", "tf2onnx"} <= versions.keys()
    monkeypatch.setattr(quick_networks, "versions", lambda _: {**versions, "onnxruntime": "99"})
    assert find(run) is None


@pytest.mark.parametrize("damage", [b"", b"other"])
def test_what_is_damaged_in_the_cache_is_made_anew(
    damage: bytes, run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predict(photos, run)
    (exported,) = cache.glob("*.onnx")
    exported.write_bytes(damage)
    assert find(run) is None
    assert predict(photos, run) == expected
    assert without_keras(photos, run, monkeypatch) == expected
    (verdict,) = cache.glob("*.json")
    for wrong in (damage, b"{}", b"[]", b'{"why_not": null}', b'{"sha256": 3}'):
        verdict.write_bytes(wrong)
        check_same(predict(photos, run), expected)
        assert without_keras(photos, run, monkeypatch) == expected
    exported.unlink()
    assert predict(photos, run) == expected
    assert without_keras(photos, run, monkeypatch) == expected


def test_what_answers_otherwise_is_left_to_keras_and_tried_once(
    run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cifarlab")
    expected = with_keras(photos, run, monkeypatch)
    other = onnx.export(build(np.random.default_rng(7)))
    monkeypatch.setattr(onnx, "export", lambda network: other)
    assert predict(photos, run) == expected
    assert "other classes than Keras" in caplog.text
    monkeypatch.setattr(onnx, "export", lambda network: pytest.fail("tried again"))
    assert predict(photos, run) == expected
    assert [file.suffix for file in cache.iterdir()] == [".json"]


def test_logits_that_differ_a_little_too_much_are_refused(network: Any) -> None:
    pictures = np.zeros((1, 32, 32, 3), np.uint8)
    exported = open_network(onnx.export(network), 1)

    def moved(by: float) -> OnnxNetwork:
        return OnnxNetwork(exported.input_shape, exported.output_shape, lambda images: exported.forward(images) + by)

    onnx.check_is_the_same(moved(np.float32(5e-5)), network, pictures)
    with pytest.raises(CifarlabError, match=r"differ from Keras's by up to 0\.0002\d*: expected at most 0\.0001"):
        onnx.check_is_the_same(moved(np.float32(2e-4)), network, pictures)


def test_what_cannot_be_exported_fails_no_command(
    run: Run, photos: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cifarlab")

    def break_down(network: Any) -> bytes:
        raise RuntimeError("no such operation: Fancy\nand much more about it")

    monkeypatch.setattr(onnx, "export", break_down)
    check_same(predict(photos, run), with_keras(photos, run, monkeypatch))
    assert "no such operation: Fancy" in caplog.text


def test_an_interrupted_export_is_no_verdict(
    run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(network: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(onnx, "export", interrupt)
    with pytest.raises(KeyboardInterrupt):
        predict(photos, run)
    assert list(cache.iterdir()) == []


def test_where_nothing_can_be_kept_nothing_is_exported(
    run: Run, photos: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.write_text("a file where the folder would be")
    monkeypatch.setattr(onnx, "export", lambda network: pytest.fail("exported in vain"))
    check_same(predict(photos, run), with_keras(photos, run, monkeypatch))
    monkeypatch.setattr(quick_networks, "cache_home", lambda name: None)
    assert find(run) is None
    check_same(predict(photos, run), with_keras(photos, run, monkeypatch))


def test_bfloat16_own_layers_and_other_backends_stay_with_keras(
    run: Run, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    pictures = np.zeros((1, 32, 32, 3), np.uint8)
    half = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    half.layers[-1].dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    assert keep(run, half, pictures) is None
    assert keep("builtin", network, pictures) is None
    with monkeypatch.context() as patch:
        patch.setattr(quick_networks, "needs_own_code", lambda path: ["mine>Scale"])
        assert keep(run, network, pictures) is None
    assert keep(run, network, pictures) is not None
    with monkeypatch.context() as patch:
        patch.setattr(quick_networks, "needs_own_code", lambda path: ["mine>Scale"])
        assert find(run) is None
    for backend in ("jax", "torch"):
        monkeypatch.setenv("KERAS_BACKEND", backend)
        assert find(run) is None
        assert find("builtin") is None
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert find(run) is not None


def test_many_pictures_of_a_run_are_keras_again(run: Run, network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_networks, "MOST_PICTURES", 2)
    assert keep(run, network, np.zeros((3, 32, 32, 3), np.uint8)) is None
    assert keep(run, network, np.zeros((2, 32, 32, 3), np.uint8)) is not None
    assert find(run, 2) is not None
    assert find(run, 3) is None
    assert find("builtin", 3) is not None  # which needs no backend at all


def test_only_the_latest_are_kept(run: Run, cache: Path, network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_networks, "MOST_KEPT", 2)
    cache.mkdir(parents=True)
    for age, name in enumerate(["new", "old"]):
        for suffix in (".json", ".onnx"):
            (cache / name).with_suffix(suffix).write_text("{}")
            os.utime((cache / name).with_suffix(suffix), (1000 - age, 1000 - age))
    keep(run, network, np.zeros((1, 32, 32, 3), np.uint8))
    assert find(run) is not None
    assert sorted(file.name for file in cache.iterdir() if len(file.stem) < 10) == ["new.json", "new.onnx"]


def test_damage_in_the_package_is_keras_or_one_line(
    tmp_path: Path, photos: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cifarlab")
    expected = predict(photos)
    folder = tmp_path / "package"
    shutil.copytree(builtin.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(builtin, "FOLDER", folder)
    assert predict(photos) == expected
    for damage in ((folder / "network.onnx").write_bytes, lambda _: (folder / "network.onnx").unlink()):
        damage(b"other")
        check_same(predict(photos), expected)
    assert "not the network of the card" in caplog.text
    assert "No such file" in caplog.text
    card = builtin.read_card()
    (folder / "network.onnx").write_bytes(b"no ONNX")
    sizes = {**card["sizes"], "network_sha256": files.checksum(folder / "network.onnx", "sha256")}
    files.write_json(folder / "card.json", {**card, "sizes": sizes})
    check_same(predict(photos), expected)


def test_the_answers_in_json_are_those_of_keras_key_by_key(run: Run, photos: list[str], tmp_path: Path) -> None:
    """And the second command loads no Keras."""
    program = """
import sys
from cifarlab.cli.main import main
code = main(sys.argv[1:])
print(*{"keras", "tensorflow", "scipy", "sklearn", "matplotlib"} & set(sys.modules), file=sys.stderr)
sys.exit(code)
"""
    words = ["predict", *photos, "--model", str(run.path), "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "home")}
    answers = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert done.stderr.split() == []
    assert answers[0] == answers[1]
    assert [answer.keys() for answer in answers[0]] == [{"image", "top"}] * 3
