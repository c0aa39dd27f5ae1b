import dataclasses
import hashlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from cifarlab.datasets import NoDataError, _download, _keras_sets, load_data
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

NAMES = ["cifar100", "fashion_mnist", "mnist"]
ANSWERED = ""


@pytest.fixture
def keras(tmp_path, monkeypatch):
    """A Keras that, asked for a data set, writes the expected files into its cache and returns tiny arrays."""
    cache = tmp_path / "keras" / "datasets"
    fake = SimpleNamespace(cache=cache, downloads=[], answer=ANSWERED)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(_keras_sets, "keras_cache_folders", lambda: _download.keras_cache_folders()[:1])
    monkeypatch.setattr(_download, "choose_backend", lambda: "tensorflow")
    monkeypatch.setattr(_download, "_ask", lambda url: fake.answer)
    for name in NAMES:
        module = discovery.load("datasets", name)
        files = dict.fromkeys(module.load.expected, f"sha256:{hashlib.sha256(b'whole').hexdigest()}")
        monkeypatch.setattr(module, "load", dataclasses.replace(module.load, expected=files))

        def load(name=name, files=files):
            shape = (4, 32, 32, 3) if name == "cifar100" else (4, 28, 28)
            labels = np.array([[0], [1], [0], [1]] if name == "cifar100" else [0, 1, 0, 1], np.uint8)
            for file in files:
                path = cache / file
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(b"whole")
                    fake.downloads.append(file)
            return (np.zeros(shape, np.uint8), labels), (np.ones(shape, np.uint8), labels)

        monkeypatch.setitem(sys.modules, f"keras.datasets.{name}", SimpleNamespace(load_data=load))
    monkeypatch.setitem(sys.modules, "keras.datasets", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace())
    return fake


@pytest.mark.parametrize("name", NAMES)
def test_downloaded_once_then_found_in_the_cache(keras, name):
    first = load_data(name)
    keras.answer = "no network now"
    again = load_data(name, download=False)
    assert first.source.how == "downloaded through keras.datasets"
    assert again.source.how == "found in Keras's cache"
    assert first.train.image_shape == ((32, 32, 3) if name == "cifar100" else (28, 28, 1))
    assert again.test.labels.tolist() == [0, 1, 0, 1]
    assert again.test.ids[0] == "test-00000"
    assert set(again.source.checksums) == set(keras.downloads)


@pytest.mark.parametrize("name", NAMES)
def test_no_network(keras, name):
    keras.answer = "name not known"
    with pytest.raises(NoDataError, match=f"no {name} on this machine and no network"):
        load_data(name)
    with pytest.raises(NoDataError, match="downloading was not allowed"):
        load_data(name, download=False)
    assert not keras.downloads


def test_a_wrong_file_is_reported_and_left_alone(keras):
    path = keras.cache / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"who")
    with pytest.raises(CifarlabError, match="truncated or altered") as caught:
        load_data("mnist")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"who"


def test_class_names():
    names = {name: discovery.load("datasets", name).CLASS_NAMES for name in NAMES}
    assert [len(names[name]) for name in NAMES] == [100, 10, 10]
    assert list(names["cifar100"]) == sorted(set(names["cifar100"]))
    assert (names["cifar100"][39], names["cifar100"][99]) == ("keyboard", "worm")
    assert (names["fashion_mnist"][0], names["fashion_mnist"][9]) == ("T-shirt/top", "Ankle boot")
