import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from cifarlab.datasets import NoDataError, _download, cifar10, describe, load_data
from cifarlab.datasets._cifar10_files import BATCHES, OFFICIAL, Form, Published, find_form, read_form
from cifarlab.utils.errors import CifarlabError

COUNT = 3


def pickled(entry):
    """Protocol 4 writes bytes as they are; what Python 2 wrote is tested in `test_safe_pickle.py`."""
    return pickle.dumps({key.encode(): value for key, value in entry.items()}, protocol=4)


def made_batches():
    """Six tiny batches in both forms: file name to bytes."""
    random = np.random.default_rng(0)
    python, binary = {"batches.meta": b"made"}, {}
    for batch in BATCHES:
        pixels = random.integers(0, 256, (COUNT, 3072), dtype=np.uint8)
        labels = random.integers(0, 10, COUNT).tolist()
        python[batch] = pickled({"data": pixels, "labels": labels})
        binary[f"{batch}.bin"] = np.column_stack([np.array(labels, np.uint8), pixels]).tobytes()
    return python, binary


PYTHON, BINARY = made_batches()
MADE = Published(
    {name: hashlib.md5(data).hexdigest() for name, data in PYTHON.items()},
    {name: hashlib.md5(data).hexdigest() for name, data in BINARY.items()},
    images_per_batch=COUNT,
)


def write_folder(path, batches=PYTHON):
    path.mkdir(parents=True)
    for name, data in batches.items():
        (path / name).write_bytes(data)
    return path


def write_archive(path, batches=PYTHON, mode="w:gz", prefix="cifar-10-batches-py/"):
    with tarfile.open(path, mode) as archive:
        for name, data in batches.items():
            member = tarfile.TarInfo(f"{prefix}{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(autouse=True)
def _nowhere(tmp_path_factory, monkeypatch, request):
    """A machine without data, cache or network, unless the test asks for the real data."""
    if "data" not in request.keywords:
        monkeypatch.delenv("CIFARLAB_DATA", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        monkeypatch.setattr(cifar10, "keras_cache_folders", lambda: [tmp_path_factory.getbasetemp() / "none"])


@pytest.fixture
def four_forms(tmp_path):
    return [
        Form(write_folder(tmp_path / "cifar-10-batches-py"), binary=False),
        Form(write_folder(tmp_path / "cifar-10-batches-bin", BINARY), binary=True),
        Form(write_archive(tmp_path / "cifar-10-python.tar.gz"), binary=False),
        Form(write_archive(tmp_path / "cifar-10-binary.tar.gz", dict(reversed(BINARY.items()))), binary=True),
    ]


def test_all_forms_hold_the_same_images_in_the_same_order(four_forms):
    whole = [read_form(form, MADE) for form in four_forms]
    for arrays in whole:
        np.testing.assert_array_equal(arrays["images"], whole[0]["images"])
        np.testing.assert_array_equal(arrays["labels"], whole[0]["labels"])
    pixels = np.frombuffer(BINARY["data_batch_2.bin"], np.uint8)[1:3073]
    np.testing.assert_array_equal(whole[0]["images"][COUNT], pixels.reshape(3, 32, 32).transpose(1, 2, 0))


def test_splits_have_ids_and_the_second_load_comes_from_the_cache(four_forms, monkeypatch):
    first = cifar10.read_splits(four_forms[0], MADE)
    monkeypatch.setattr(cifar10, "read_form", None)
    for train, test in (first, cifar10.read_splits(four_forms[0], MADE)):
        assert (len(train), len(test)) == (5 * COUNT, COUNT)
        assert [*train.ids[:2], train.ids[-1], *test.ids[:1]] == [
            "train-00000",
            "train-00001",
            "train-00014",
            "test-00000",
        ]
        assert train.labels.dtype == np.int64
        assert train.class_names[0] == "airplane"


def test_find_form_prefers_what_is_complete(four_forms, tmp_path):
    assert find_form(tmp_path) == four_forms[0]
    assert find_form(four_forms[0].path) == four_forms[0]
    (four_forms[0].path / "data_batch_3").unlink()
    assert find_form(tmp_path) == four_forms[2]
    assert find_form(four_forms[3].path) == four_forms[3]
    with pytest.raises(CifarlabError, match="lacks data_batch_3"):
        read_form(four_forms[0], MADE)


@pytest.mark.parametrize("which", range(4))
def test_one_flipped_byte_is_found_even_after_the_data_was_cached(four_forms, which):
    form = four_forms[which]
    cifar10.read_splits(form, MADE)
    path = form.path if form.is_archive else form.path / ("data_batch_4.bin" if form.binary else "data_batch_4")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CifarlabError, match=r"altered|damaged") as caught:
        cifar10.read_splits(form, MADE)
    assert str(form.path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == data


@pytest.mark.parametrize("which", [2, 3])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.95])
def test_truncated_archives(four_forms, which, keep):
    path = four_forms[which].path
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(CifarlabError, match=r"truncated|lacks") as caught:
        read_form(four_forms[which], MADE)
    assert str(path) in str(caught.value)


def test_a_truncated_batch_file(four_forms):
    path = four_forms[0].path / "test_batch"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CifarlabError, match=r"test_batch .* truncated or altered: expected MD5"):
        read_form(four_forms[0], MADE)


def test_an_altered_meta_file(four_forms):
    (four_forms[0].path / "batches.meta").write_bytes(b"other")
    with pytest.raises(CifarlabError, match=r"batches\.meta .* truncated or altered"):
        read_form(four_forms[0], MADE)


class Attack:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def test_a_malicious_pickle_is_refused_by_its_checksum_and_even_without(tmp_path):
    mark = tmp_path / "it_ran"
    attack = {**PYTHON, "data_batch_1": pickled({"data": Attack(mark), "labels": []})}
    form = Form(write_folder(tmp_path / "cifar-10-batches-py", attack), binary=False)
    with pytest.raises(CifarlabError, match="altered"):
        read_form(form, MADE)
    digest = hashlib.md5(attack["data_batch_1"]).hexdigest()
    with pytest.raises(CifarlabError, match=r"system, but only NumPy arrays are admitted"):
        read_form(form, Published({**MADE.python, "data_batch_1": digest}, {}, COUNT))
    assert not mark.exists()


@pytest.mark.parametrize(
    "entry", [{"data": 1, "labels": []}, {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]}, {"labels": [1]}]
)
def test_a_batch_that_holds_something_else(tmp_path, entry):
    other = {**PYTHON, "data_batch_1": pickled(entry)}
    form = Form(write_folder(tmp_path / "cifar-10-batches-py", other), binary=False)
    digest = hashlib.md5(other["data_batch_1"]).hexdigest()
    with pytest.raises(CifarlabError, match="data_batch_1"):
        read_form(form, Published({**MADE.python, "data_batch_1": digest}, {}, COUNT))


def test_archives_write_nothing_to_disk_whatever_their_members_are_called(tmp_path):
    batches = {**PYTHON, "../../outside": b"x", "/tmp/absolute": b"x"}
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", batches, prefix="../../")
    assert len(read_form(Form(path, binary=False), MADE)["labels"]) == 6 * COUNT
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("by", ["--data-dir", "$CIFARLAB_DATA"])
@pytest.mark.parametrize("state", ["missing", "empty"])
def test_a_named_folder_without_data_is_an_error_and_nothing_else_is_tried(tmp_path, monkeypatch, by, state):
    monkeypatch.setattr(cifar10, "load_through_keras", None)
    folder = tmp_path / "data"
    if state == "empty":
        folder.mkdir()
    if by == "$CIFARLAB_DATA":
        monkeypatch.setenv("CIFARLAB_DATA", str(folder))
    with pytest.raises(CifarlabError, match=r"cifar-10-python\.tar\.gz") as caught:
        load_data(data_dir=folder if by == "--data-dir" else None)
    assert by in str(caught.value)
    assert str(folder) in str(caught.value)
    assert not isinstance(caught.value, NoDataError)


def test_the_order_of_places(tmp_path, monkeypatch):
    given, env, keras = (write_folder(tmp_path / name / "cifar-10-batches-py").parent for name in ("a", "b", "keras"))
    monkeypatch.setattr(cifar10, "keras_cache_folders", lambda: [keras])
    assert cifar10.locate(None, download=False)[0].path == keras / "cifar-10-batches-py"
    assert cifar10.locate(None, download=False)[2] is None
    monkeypatch.setenv("CIFARLAB_DATA", str(env))
    assert cifar10.locate(None, download=False)[0].path == env / "cifar-10-batches-py"
    assert cifar10.locate(given, download=False)[0].path == given / "cifar-10-batches-py"
    assert cifar10.locate(given, download=False)[2] == str(given)


def test_no_data_and_no_network(monkeypatch):
    with pytest.raises(NoDataError, match="CIFARLAB_DATA"):
        load_data(download=False)
    monkeypatch.setattr(_download, "_ask", lambda url: "no route to host")
    with pytest.raises(NoDataError, match="no network") as caught:
        load_data()
    assert "--data-dir" in str(caught.value)


@pytest.mark.data
def test_real_data_splits(cifar10_dir):
    splits = load_data("cifar10", data_dir=cifar10_dir)
    described = describe(splits)["splits"]
    assert set(described["train"]["per_class"].values()) == {4500}
    assert set(described["validation"]["per_class"].values()) == {500}
    assert set(described["test"]["per_class"].values()) == {1000}
    assert not set(splits.train.ids) & set(splits.validation.ids)
    assert [*splits.train.ids] == sorted(splits.train.ids)
    assert hashlib.sha256("".join(splits.validation.ids).encode()).hexdigest() == (
        "09b0e2c7762ae5804ac891ec6ef4e384b76152265f743eef68c04ed5800f360d"
    )
    again = load_data("cifar10", data_dir=cifar10_dir)
    np.testing.assert_array_equal(splits.validation.images, again.validation.images)
    assert {f"md5:{digest}" for digest in (*OFFICIAL.python.values(), *OFFICIAL.binary.values())} >= {
        *splits.source.checksums.values()
    }


@pytest.mark.data
@pytest.mark.thorough
def test_real_data_has_the_true_mean_and_deviation(cifar10_dir):
    splits = load_data("cifar10", data_dir=cifar10_dir, validation_fraction=0)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (50_000, 0, 10_000)
    counts = [np.bincount(splits.train.images[..., channel].ravel(), minlength=256) for channel in range(3)]
    values = np.arange(256) / 255
    means = [np.average(values, weights=count) for count in counts]
    deviations = [
        np.average((values - mean) ** 2, weights=count) ** 0.5 for mean, count in zip(means, counts, strict=True)
    ]
    assert np.round(means, 4).tolist() == [0.4914, 0.4822, 0.4465]
    assert np.round(deviations, 4).tolist() == [0.2470, 0.2435, 0.2616]


@pytest.mark.data
@pytest.mark.thorough
def test_real_data_is_the_same_in_every_form(cifar10_dir, tmp_path):
    form = find_form(cifar10_dir)
    assert form is not None
    if form.is_archive or form.binary:
        pytest.skip(f"needs the python batches as a folder, not {form.path}")
    whole = read_form(form)
    rows = whole["images"].transpose(0, 3, 1, 2).reshape(-1, 3072)
    labelled = np.column_stack([whole["labels"].astype(np.uint8), rows]).reshape(6, 10_000, 3073)
    binary = {f"{batch}.bin": labelled[index].tobytes() for index, batch in enumerate(BATCHES)}
    python = {path.name: path.read_bytes() for path in form.files}
    for name, batches in (("cifar-10-python.tar.gz", python), ("cifar-10-binary.tar.gz", binary)):
        path = write_archive(tmp_path / name, batches, mode="w")
        again = find_form(path)
        assert again is not None
        restored = read_form(again)
        path.unlink()
        assert all(np.array_equal(restored[key], whole[key]) for key in ("images", "labels"))


@pytest.mark.data
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux only")
def test_the_second_load_takes_no_more_memory_than_the_arrays(cifar10_dir):
    load_data("cifar10", data_dir=cifar10_dir)
    code = (
        "import resource, sys; from cifarlab.datasets import cifar10, load_data\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); splits = load_data('cifar10', data_dir=sys.argv[1])\n"
        "parts = (splits.train, splits.validation, splits.test)\n"
        "arrays = sum(array.nbytes for part in parts for array in (part.images, part.labels, part.ids))\n"
        "print((peak() - before) / arrays)"
    )
    ran = subprocess.run([sys.executable, "-c", code, cifar10_dir], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 1.1


def test_a_damaged_xz_archive_is_one_line(tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        member = tarfile.TarInfo("data_batch_1")
        member.size = 300_000
        archive.addfile(member, io.BytesIO(np.random.default_rng(0).integers(0, 9, member.size, np.uint8).tobytes()))
    damaged = bytearray(packed.getvalue())
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(damaged)
    with pytest.raises(CifarlabError, match=r"truncated or damaged \(Corrupt"):
        cifar10.load(data_dir=tmp_path)
