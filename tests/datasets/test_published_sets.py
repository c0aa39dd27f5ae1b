"""SVHN and STL-10, from tiny files in the published layouts."""

import hashlib

import numpy as np
import pytest
import scipy.io

from cifarlab.datasets import NoDataError, load_data, stl10, svhn
from cifarlab.utils.errors import CifarlabError

COUNTS = {"train": 40, "test": 20}


@pytest.fixture
def pixels():
    """Pictures of noise by split, by size."""
    random = np.random.default_rng(0)
    return lambda size: {
        split: random.integers(0, 256, (count, size, size, 3), dtype=np.uint8) for split, count in COUNTS.items()
    }


@pytest.fixture
def written(tmp_path, monkeypatch, pixels):
    """Writes a data set's files as they are published, and takes their checksums for the published ones."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CIFARLAB_DATA", raising=False)

    def write(name, folder):
        folder.mkdir(parents=True, exist_ok=True)
        module = {"svhn": svhn, "stl10": stl10}[name]
        images = pixels(module.IMAGE_SHAPE[0])
        for split, each in images.items():
            labels = np.arange(len(each)) % 10 + 1
            if name == "svhn":
                content = {"X": each.transpose(1, 2, 3, 0), "y": labels[:, None].astype(np.uint8)}
                scipy.io.savemat(folder / f"{split}_32x32.mat", content, do_compression=True)
            else:
                # As Matlab writes it: all red column by column, then green, then blue.
                each.transpose(0, 3, 2, 1).tofile(folder / f"{split}_X.bin")
                labels.astype(np.uint8).tofile(folder / f"{split}_y.bin")
        for file in module.load.expected:
            digest = hashlib.md5((folder / file).read_bytes(), usedforsecurity=False).hexdigest()
            monkeypatch.setitem(module.load.expected, file, digest)
        return images

    return write


@pytest.mark.parametrize(("name", "own"), [("svhn", ""), ("svhn", "SVHN"), ("stl10", "stl10_binary"), ("stl10", "")])
def test_pictures_and_labels(tmp_path, written, monkeypatch, name, own):
    images = written(name, tmp_path / own)
    splits = load_data(name, data_dir=tmp_path, validation_fraction=0)
    for split, expected in images.items():
        np.testing.assert_array_equal(splits[split].images, expected)
        # SVHN calls the digit 0 ten; STL-10 counts its classes from 1.
        first = [(1, 2), (0, 1)][name == "stl10"]
        assert tuple(splits[split].labels[:2]) == first
        assert splits[split].labels[9] == (9 if name == "stl10" else 0)
    assert splits.test.ids[3] == "test-00003"
    monkeypatch.setenv("CIFARLAB_DATA", str(tmp_path))
    again = load_data(name, validation_fraction=0)
    assert again.train.fingerprint == splits.train.fingerprint
    assert again.source.how == "found with $CIFARLAB_DATA"


def test_stl10_says_what_is_not_used(tmp_path, written):
    written("stl10", tmp_path)
    assert "folds are not used" in load_data("stl10", data_dir=tmp_path).source.notices[0]


@pytest.mark.parametrize("name", ["svhn", "stl10"])
def test_files_that_are_missing_or_altered(tmp_path, written, name):
    with pytest.raises(NoDataError, match=r"not downloaded: put .* from http.* CIFARLAB_DATA=DIR"):
        load_data(name)
    with pytest.raises(NoDataError, match=f"named by --data-dir, holds no {name}"):
        load_data(name, data_dir=tmp_path / "none")
    written(name, tmp_path)
    last = list({"svhn": svhn, "stl10": stl10}[name].load.expected)[-1]
    content = (tmp_path / last).read_bytes()
    (tmp_path / last).write_bytes(content[:-1])
    with pytest.raises(CifarlabError, match=f"{last} is truncated or altered: expected MD5"):
        load_data(name, data_dir=tmp_path)
    (tmp_path / last).unlink()
    with pytest.raises(NoDataError, match=f"lacks {last}: put"):
        load_data(name, data_dir=tmp_path)
    with pytest.raises(CifarlabError, match="takes nothing after a colon"):
        load_data(f"{name}:x")
