import numpy as np
import pytest

from cifarlab.evaluation.robustness import published
from cifarlab.utils.errors import CifarlabError

COUNT = 50_000


def write(path, shape, dtype=np.uint8):
    """A sparse file: 150 MB of zeros that take no room on the disk."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    array.flush()
    return array


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cifar10c")
    fog = write(path / "fog.npy", (COUNT, 32, 32, 3))
    fog[2 * 10_000 + 7] = 93  # image 7 at severity 3
    fog.flush()
    np.save(path / "labels.npy", np.tile(np.arange(10_000, dtype=np.uint8) % 10, 5))
    return path


def test_a_severity_is_ten_thousand_images_further_on(folder):
    files = published.open_cifar10c(folder)
    assert files.names == ("fog",)
    assert files.labels.shape == (10_000,)
    assert files.labels.dtype == np.int64
    images = files.images("fog", 3, np.array([6, 7, 8]))
    assert images.shape == (3, 32, 32, 3)
    assert images[:, 0, 0, 0].tolist() == [0, 93, 0]
    assert not files.images("fog", 2, np.array([7])).any()


def test_corruptions_that_are_not_there_are_named(folder):
    files = published.open_cifar10c(folder)
    assert published.choose_corruptions(files, None) == ["fog"]
    with pytest.raises(CifarlabError, match="did you mean fog"):
        published.choose_corruptions(files, ["frog"])


@pytest.mark.parametrize(
    ("shape", "dtype"), [((10_000, 32, 32, 3), np.uint8), ((COUNT, 3072), np.uint8), ((10, 32, 32, 3), np.float32)]
)
def test_wrong_shapes_are_shown(tmp_path, shape, dtype):
    np.save(tmp_path / "labels.npy", np.zeros(COUNT, np.uint8))
    write(tmp_path / "fog.npy", shape, dtype)
    with pytest.raises(CifarlabError, match=r"expected \(50000, 32, 32, 3\) uint8"):
        published.open_cifar10c(tmp_path)


def test_what_is_missing_or_broken_is_said(tmp_path):
    with pytest.raises(CifarlabError, match=r"expected labels\.npy"):
        published.open_cifar10c(tmp_path)
    np.save(tmp_path / "labels.npy", np.zeros(COUNT, np.uint8))
    with pytest.raises(CifarlabError, match=r"expected files such as fog\.npy"):
        published.open_cifar10c(tmp_path)
    (tmp_path / "fog.npy").write_bytes(b"not an array")
    with pytest.raises(CifarlabError, match="NumPy's format"):
        published.open_cifar10c(tmp_path)


def test_labels_differ_between_severities(tmp_path, folder):
    (tmp_path / "fog.npy").symlink_to(folder / "fog.npy")
    np.save(tmp_path / "labels.npy", np.arange(COUNT) % 9)
    with pytest.raises(CifarlabError, match="same labels at every severity"):
        published.open_cifar10c(tmp_path)


@pytest.mark.parametrize("version", ["v4", "v6"])
def test_cifar101(tmp_path, version):
    images = np.arange(5 * 3072, dtype=np.uint8).reshape(5, 32, 32, 3)
    np.save(tmp_path / f"cifar10.1_{version}_data.npy", images)
    np.save(tmp_path / f"cifar10.1_{version}_labels.npy", np.array([0, 9, 3, 3, 1], np.int32))
    found = published.load_cifar101(tmp_path)
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [0, 9, 3, 3, 1]
    assert found.ids[1] == f"cifar10.1-{version}-00001"
    assert found.class_names[9] == "truck"


def test_cifar101_that_is_not(tmp_path):
    with pytest.raises(CifarlabError, match=r"no CIFAR-10\.1"):
        published.load_cifar101(tmp_path)
    np.save(tmp_path / "cifar10.1_v6_data.npy", np.zeros((4, 32, 32, 3), np.uint8))
    with pytest.raises(CifarlabError, match="no labels"):
        published.load_cifar101(tmp_path)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.array([0, 1, 2, 10]))
    with pytest.raises(CifarlabError, match="labels from 0 to 10"):
        published.load_cifar101(tmp_path)
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.zeros(3, np.int64))
    with pytest.raises(CifarlabError, match=r"expected \(4,\) whole numbers"):
        published.load_cifar101(tmp_path)
