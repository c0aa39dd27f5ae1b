import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from cifarlab.inference import prediction
from cifarlab.inference.keras_bounds import (
    MOST_LAYERS,
    bounded_variables,
    check_layers,
    measure_weights,
    open_weights,
    read_config,
)
from cifarlab.inference.keras_files import load_keras
from cifarlab.utils.array_files import open_archive
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def model_file(tmp_path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(10, name="logits")(keras.layers.Dense(4)(keras.layers.Flatten()(inputs)))
    keras.Model(inputs, outputs).save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def change_config(path, change):
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    change(config["config"]["layers"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (content | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, data)


def test_weights_are_measured_without_being_read(model_file):
    assert measure_weights(model_file) == 4 * (192 * 4 + 4 + 4 * 10 + 10)
    assert len(read_config(model_file)["config"]["layers"]) == 4
    with open_archive(model_file) as archive, open_weights(archive) as weights:
        assert "layers" in weights
    assert load_keras(model_file).count_params() == 192 * 4 + 4 + 4 * 10 + 10


def test_a_layer_larger_than_the_weights_in_the_file_is_not_built(model_file):
    def grow(layers):
        layers[2]["config"]["units"] = 40_000_000  # 31 GB

    change_config(model_file, grow)
    with pytest.raises((ValueError, TypeError), match=r"variable of shape \(192, 40000000\).*do not belong together"):
        load_keras(model_file)


def test_only_this_threads_variables_are_counted_and_only_inside():
    with pytest.raises(ValueError, match="do not belong together"), bounded_variables(0):
        keras.Variable(np.zeros, shape=(5_000_000,))
    assert keras.Variable(lambda shape, dtype: np.zeros(shape, dtype), shape=(3,)).shape == (3,)


def test_so_many_layers_are_not_built():
    check_layers({"config": {"layers": [{}] * MOST_LAYERS}})
    with pytest.raises(ValueError, match="2,001 layers"):
        check_layers({"config": {"layers": [{"config": {"layers": [{}] * MOST_LAYERS}}]}})


@pytest.mark.parametrize("kind", ["external", "soft", "virtual", "elsewhere", "none"])
def test_weights_that_lie_elsewhere_are_refused(model_file, tmp_path, kind):
    with zipfile.ZipFile(model_file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.arange(3)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        if kind == "external":
            file["layers"] = h5py.ExternalLink(str(secret), "/numbers")
        elif kind == "soft":
            file["layers"] = h5py.SoftLink("/others")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3,), "i8")
            layout[:] = h5py.VirtualSource(str(secret), "numbers", (3,))
            file.create_virtual_dataset("layers", layout)
        elif kind == "elsewhere":
            file.create_dataset("layers", (3,), "i8", external=[(str(secret), 0, 24)])
        else:  # announced and never written
            file.create_dataset("layers", (10**10,), "f4", chunks=(1024,))
    content["model.weights.h5"] = (tmp_path / "weights.h5").read_bytes()
    with zipfile.ZipFile(model_file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises((ValueError, CifarlabError), match=r"points elsewhere|another file|announces 37\.3 GiB"):
        load_keras(model_file)


def test_a_run_with_such_a_model_is_refused_in_one_line(make_run, model_file, tmp_path):
    run = make_run(tmp_path, "theirs")

    def grow(layers):
        layers[2]["config"]["units"] = 40_000_000

    change_config(model_file, grow)
    model_file.replace(run.model_file)
    with pytest.raises(CifarlabError, match=r"cannot load the model .*do not belong together"):
        prediction.load_model(run)


@pytest.mark.parametrize("damage", [b"", b"PK", b"nonsense" * 100])
def test_what_is_no_model_is_said_in_one_line(make_run, tmp_path, damage):
    run = make_run(tmp_path, "theirs")
    run.model_file.write_bytes(damage)
    with pytest.raises(CifarlabError, match="cannot load the model"):
        prediction.load_model(run)
