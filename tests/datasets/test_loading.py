import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import ImageSet, Source, Splits, describe, load_data, older_split
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.own_code import NotNamedError


@pytest.mark.parametrize("name", discovery.names("datasets"))
def test_every_data_set_file_keeps_the_contract(name):
    module = discovery.load("datasets", name)
    parameters = inspect.signature(module.load).parameters
    assert list(parameters) == ["data_dir", "argument", "download", "progress"]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert module.__doc__
    assert module.load.__doc__


def test_importing_every_data_set_file_imports_no_keras_and_no_sklearn():
    names = [f"cifarlab.datasets.{name}" for name in discovery.names("datasets")]
    code = f"import sys, {', '.join(names)}; print([name for name in ('keras', 'sklearn') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_users_own_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n"
        "from cifarlab.datasets import ImageSet, Source\n"
        "def load(*, data_dir, argument, download, progress=None):\n"
        "    images = np.zeros((20, 4, 4, 1), np.uint8)\n"
        "    part = lambda name: ImageSet(\n"
        "        images, np.arange(20) % 2, np.array([f'{name}-{i}' for i in range(20)]), ('a', 'b'))\n"
        "    return part('train'), part('test'), Source('mine', str(data_dir), 'made')\n"
    )
    with pytest.raises(NotNamedError, match="--code"):
        load_data(str(path), data_dir=tmp_path)
    splits = load_data(str(path), data_dir=tmp_path, code=[path])
    assert (splits.source.name, splits.source.data_dir) == (str(path), str(tmp_path))  # a run finds it again
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (18, 2, 20)
    assert splits.source.location == str(tmp_path)
    path.write_text("")
    with pytest.raises(CifarlabError, match="defines no load"):
        load_data(str(tmp_path / "mine.py"))


@pytest.mark.parametrize(
    ("side", "names", "ids", "message"),
    [
        (4, ("b", "a"), "test", r"the same classes in the same order. Received: a, b and b, a"),
        (5, ("a", "b"), "test", r"images of one shape. Received: \(4, 4, 1\) and \(5, 5, 1\)"),
    ],
)
def test_parts_of_a_users_own_file_that_are_not_of_one_are_refused(side, names, ids, message, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\n"
        "from cifarlab.datasets import ImageSet, Source\n"
        "def part(side, names, ids):\n"
        "    ids = np.array([f'{ids}-{i}' for i in range(20)])\n"
        "    return ImageSet(np.zeros((20, side, side, 1), np.uint8), np.arange(20) % 2, ids, names)\n"
        "def load(**options):\n"
        f"    return part(4, ('a', 'b'), 'train'), part({side}, {names}, {ids!r}), Source('mine', 'here', 'made')\n"
    )
    with pytest.raises(CifarlabError, match=message):
        load_data(str(path), code=[path])
    path.write_text(path.read_text().replace(f"part({side}, {names}, {ids!r})", "part(4, ('a', 'b'), 'train')"))
    (notice,) = load_data(str(path), code=[path]).source.notices
    assert "20 ids of" in notice


@pytest.mark.parametrize(
    ("body", "message"),
    [("return 1 / 0", "ZeroDivisionError"), ("return 1, 2, 3", "must return")],
)
def test_a_users_own_file_that_goes_wrong_is_one_line(body, message, tmp_path):
    (tmp_path / "mine.py").write_text(f"def load(**options): {body}\n")
    with pytest.raises(CifarlabError, match=message):
        load_data(str(tmp_path / "mine.py"), code=[tmp_path / "mine.py"])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cifar1", {}, "did you mean cifar10"),
        ("digits:x", {}, "nothing after a colon"),
        ("mnist:x", {}, "nothing after a colon"),
        ("cifar10:x", {}, "nothing after a colon"),
        ("digits", {"data_dir": "somewhere"}, "takes no --data-dir"),
        ("digits", {"validation_fraction": 1.0}, "validation_fraction"),
        ("digits", {"validation_fraction": float("nan")}, "validation_fraction"),
    ],
)
def test_wrong_requests(name, options, message):
    with pytest.raises(CifarlabError, match=message):
        load_data(name, **options)


def test_describe_counts_every_split_and_class_and_is_json():
    labels = np.array([0, 1, 1], np.int64)
    images = np.zeros((3, 2, 2, 1), np.uint8)
    train = ImageSet(images, labels, np.array(["a", "b", "c"]), ("x", "y"))
    empty = train.take(np.array([], int))
    described = describe(Splits(train, empty, train, Source("made", "here", "by hand", {"f": "md5:0"})))
    assert json.loads(json.dumps(described)) == described
    assert described["splits"]["train"] == {"count": 3, "per_class": {"x": 1, "y": 2}}
    assert described["splits"]["validation"] == {"count": 0, "per_class": {"x": 0, "y": 0}}
    assert described["image_shape"] == [2, 2, 1]
    assert described["checksums"] == {"f": "md5:0"}


def test_a_run_from_before_parts_followed_from_contents_is_told_so(tmp_path):
    for value in range(8):
        folder = tmp_path / "ab"[value % 2]
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (value, 0, 0)).save(folder / f"{value}.png")
    source = load_data(f"folder:{tmp_path}").source
    assert older_split({"name": source.name, "split": source.split}, source) == ""
    assert "older than the rule" in older_split({"name": source.name}, source)
    digits = load_data("digits").source
    assert older_split({"name": "digits"}, digits) == ""


def test_the_confirmation_part_is_set_aside_first_and_is_always_the_same():
    without, with_part, again = (load_data("digits", confirmation_fraction=share) for share in (0.0, 0.1, 0.1))
    assert without.confirmation is None
    part = with_part.confirmation
    assert part.ids.tolist() == again.confirmation.ids.tolist()
    parts = [set(each.ids.tolist()) for each in (with_part.train, with_part.validation, part)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert set.union(*parts) == {*without.train.ids.tolist(), *without.validation.ids.tolist()}
    whole = np.bincount([*without.train.labels, *without.validation.labels])
    assert np.abs(np.bincount(part.labels) - whole / 10).max() <= 0.5  # the same share of every class
    assert with_part.test.ids.tolist() == without.test.ids.tolist()
