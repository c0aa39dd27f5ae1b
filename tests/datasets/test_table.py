"""A table of paths and labels as a data set: its columns, its parts, and what is refused of it."""

import csv
import importlib.util

import numpy as np
import pytest
from PIL import Image

from cifarlab.datasets import image_shape, load_data
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def album(tmp_path, noise):
    """Six cats and six dogs in folders that say nothing of their classes; returns their paths with their labels."""
    noise(tmp_path / "imgs" / "x", 6)
    noise(tmp_path / "imgs" / "y", 6, size=(40, 64))
    return [
        (f"imgs/{part}/{number:03d}.png", label) for part, label in (("x", "dog"), ("y", "cat")) for number in range(6)
    ]


@pytest.fixture
def write(tmp_path):
    """Writes `labels.csv` and returns the data set's name."""

    def make(rows, header=("file", "label"), delimiter=",", encoding="utf-8", options=""):
        path = tmp_path / "labels.csv"
        with path.open("w", newline="", encoding=encoding) as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *rows])
        return f"table:{path}{options}"

    return make


def labels_of(splits):
    """Image id to class name, over all parts."""
    parts = (splits.train, splits.validation, splits.test)
    return {
        image_id: part.class_names[label]
        for part in parts
        for image_id, label in zip(part.ids.tolist(), part.labels.tolist(), strict=True)
    }


@pytest.mark.parametrize(
    ("header", "delimiter", "encoding"),
    [
        (("file", "label"), ",", "utf-8"),
        (("File Name", "Class"), ";", "utf-8-sig"),
        (("image_path", "target"), "\t", "utf-16"),
        (("filename", "category"), "|", "utf-8"),
    ],
)
def test_ids_are_paths_and_classes_are_labels(album, write, header, delimiter, encoding):
    splits = load_data(write(album, header, delimiter, encoding))
    assert splits.class_names == ("cat", "dog")
    assert labels_of(splits) == dict(album)
    assert splits.source.how == "read from a table"
    assert splits.source.pictures["fitted"] == {"cropped": 6, "enlarged": 0, "shrunk": 6, "unchanged": 6}


def test_the_pictures_and_the_parts_are_those_of_a_folder(tmp_path, album, write, parts):
    splits = load_data(write(album))
    assert {f"imgs/{name}": part for name, part in parts(tmp_path / "imgs").items()} == {
        image_id: part for part in ("train", "validation", "test") for image_id in splits[part].ids.tolist()
    }
    folder = load_data(f"folder:{tmp_path / 'imgs'}")
    np.testing.assert_array_equal(
        splits.test.images[splits.test.labels == 0], folder.test.images[folder.test.labels == 1]
    )


def test_the_order_of_the_rows_decides_nothing(album, write):
    first = load_data(write(album)).train.fingerprint
    assert load_data(write(album[::-1])).train.fingerprint == first


def test_columns_that_are_named(album, write):
    rows = [(label, number, path) for number, (path, label) in enumerate(album)]
    name = write(rows, ("what & why", "label", "where"), options="?label=what %26 why&path=where")
    assert labels_of(load_data(name)) == dict(album)


def test_numbers_stay_in_their_order(album, write):
    rows = [(path, str(9 + index // 4)) for index, (path, _) in enumerate(album)]
    assert load_data(write(rows)).class_names == ("9", "10", "11")


def test_a_split_column(album, write):
    rows = [(*row, "Test" if index % 3 == 0 else "training") for index, row in enumerate(album)]
    splits = load_data(write(rows, ("file", "label", "split")), validation_fraction=0)
    assert sorted(splits.test.ids) == [row[0] for row in rows if row[2] == "Test"]
    rows = [(*row, ("val", "train", "train")[index % 3]) for index, row in enumerate(album)]
    splits = load_data(write(rows, ("file", "label", "split")), validation_fraction=0)
    assert sorted(splits.test.ids) == [row[0] for row in rows if row[2] == "val"]
    assert "validation rows are the test part" in splits.source.notices[0]
    rows = [(*row, ("val", "train", "test")[index % 3]) for index, row in enumerate(album)]
    splits = load_data(write(rows, ("file", "label", "split")), validation_fraction=0)
    assert sorted(splits.train.ids) == [row[0] for row in rows if row[2] != "test"]
    rows = [(*row, "test") for row in album]
    splits = load_data(write(rows, ("file", "label", "split")))
    assert (len(splits.train), len(splits.test)) == (0, 12)


def test_a_table_as_imagenette_has_it(album, write):
    rows = [(path, label, index % 3 == 0) for index, (path, label) in enumerate(album)]
    name = write(rows, ("path", "noisy_labels_0", "is_valid"), options="?label=noisy_labels_0")
    assert sorted(load_data(name).test.ids) == [path for path, _, is_valid in rows if is_valid]
    rows = [(path, label, "True" if index % 3 else 2) for index, (path, label) in enumerate(album)]
    with pytest.raises(CifarlabError, match=r"of an unknown part: row 2 \(2\)"):
        load_data(write(rows, ("path", "label", "is_valid")))


def test_a_size_and_grey(album, write):
    name = write(album, options="?size=28&channels=1")
    assert load_data(name).test.image_shape == image_shape(name) == (28, 28, 1)


def test_a_root_elsewhere_and_absolute_paths_below_it(tmp_path, album, write):
    (tmp_path / "tables").mkdir()
    rows = [(path.removeprefix("imgs/"), label) for path, label in album]
    name = write(rows, options="?root=imgs")
    assert labels_of(load_data(name)) == dict(rows)
    absolute = [(str(tmp_path / path), label) for path, label in album]
    assert labels_of(load_data(write(absolute))) == dict(album)


def test_paths_as_windows_writes_them(album, write):
    rows = [(path.replace("/", "\\"), label) for path, label in album]
    assert labels_of(load_data(write(rows))) == dict(album)


def test_repeated_rows_are_read_once(album, write):
    splits = load_data(write([*album, album[0], ("./" + album[1][0], album[1][1])]))
    assert labels_of(splits) == dict(album)
    assert splits.source.notices == ("2 rows left out: they repeat another one.",)


def test_a_relative_table_is_found_again_from_elsewhere(tmp_path, album, write, monkeypatch):
    write(album)
    monkeypatch.chdir(tmp_path)
    source = load_data("table:labels.csv?size=16").source
    monkeypatch.chdir("/")
    assert load_data(source.name, data_dir=source.data_dir).source.location == str(tmp_path / "labels.csv")


PATHS = {
    "https://x.org/a.png": r"1 row with an address: row 14 \(https://x.org/a.png\)",
    "/etc/passwd": r"1 row that lead out of the folder: row 14 \(/etc/passwd\); .*root=DIR",
    "imgs/../../a.png": "lead out of the folder",
    "..": "lead out of the folder",
    ".": "lead out of the folder",
    "imgs/x": r"whose picture is not there: row 14 \(imgs/x\)",
    "none.png": "whose picture is not there",
    "a\0b.png": "whose picture is not there",
    "n" * 4000: "whose picture is not there",
    "n" * 5000: r"a text of 5,000 characters",
    "": "1 row without a path: row 14",
}


@pytest.mark.parametrize("path", PATHS)
def test_hostile_paths(album, write, path):
    with pytest.raises(CifarlabError, match=PATHS[path]) as raised:
        load_data(write([*album, (path, "cat")]))
    assert len(str(raised.value)) < 6000
    assert "\n" not in str(raised.value)


def test_what_is_wrong_is_named_all_at_once(album, write):
    rows = [(path, "" if index in (2, 5) else label) for index, (path, label) in enumerate(album)]
    with pytest.raises(CifarlabError, match="2 rows without a label: row 4, row 7; fill"):
        load_data(write(rows))
    rows = [(path if index else "none.png", label) for index, (path, label) in enumerate(album)]
    with pytest.raises(CifarlabError, match=r"row 2 \(none.png\)"):
        load_data(write(rows))


def test_contradictions(album, write):
    with pytest.raises(CifarlabError, match=r"imgs/x/000.png is dog .* in row 2 and cat .* in row 14"):
        load_data(write([*album, (album[0][0], "cat")]))
    rows = [(*row, "train") for row in album]
    with pytest.raises(CifarlabError, match=r"\(train\) in row 2 and dog \(test\) in row 14"):
        load_data(write([*rows, (*album[0], "test")], ("file", "label", "split")))
    with pytest.raises(CifarlabError, match="no test rows of cat"):
        load_data(write([(*album[0], "test"), *rows[1:]], ("file", "label", "split")))
    with pytest.raises(CifarlabError, match=r"of an unknown part: row 2 \(nothing\)"):
        load_data(write([(*album[0], ""), *rows[1:]], ("file", "label", "split")))


def test_classes(album, write):
    with pytest.raises(CifarlabError, match=r"one class \(cat\)"):
        load_data(write([(path, "cat") for path, _ in album]))
    with pytest.raises(CifarlabError, match=r"labels 1, 1\.0 are one number"):
        load_data(write([(path, ("1", "1.0", "2")[index % 3]) for index, (path, _) in enumerate(album)]))
    splits = load_data(write([(path, ("Cat", "cat")[index % 2]) for index, (path, _) in enumerate(album)]))
    assert splits.class_names == ("Cat", "cat")
    assert "differ in capitals alone" in splits.source.notices[0]
    with pytest.raises(CifarlabError, match=r"class eel .* one picture"):
        load_data(write([*album[1:], (album[0][0], "eel")]))


def test_columns_that_are_missing_or_may_be_meant_twice(album, write):
    with pytest.raises(CifarlabError, match=r"no column called path.*its columns are a, label; .*\?path=COLUMN"):
        load_data(write(album, ("a", "label")))
    rows = [(*row, 3) for row in album]
    with pytest.raises(CifarlabError, match=r"may be the label: label, class; .*\?label=label"):
        load_data(write(rows, ("file", "label", "class")))
    with pytest.raises(CifarlabError, match="two columns 'label'"):
        load_data(write(rows, ("file", "label", "label")))
    with pytest.raises(CifarlabError, match="no column 'kind', named by label="):
        load_data(write(album, options="?label=kind"))


def test_options(album, write):
    for options, message in {
        "?labels=label": "did you mean label",
        "?size=4": "from 8 to 512. Received: '4'",
        "?size=²": "from 8 to 512",
        "?channels=4": "3 .colour. or 1",
        "?size=32&size=64": "option size twice",
        "?size=": "nothing after size=",
    }.items():
        with pytest.raises(CifarlabError, match=message):
            load_data(write(album, options=options))
    with pytest.raises(CifarlabError, match="table needs a file"):
        load_data("table")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows"),
        (b"file,label\n", "no rows"),
        (b"PK\x03\x04abc", "Excel workbook"),
        (b"\x1f\x8babc", "compressed"),
        (b"file,label\na,\xff\n", "row 2: it is not UTF-8"),
        (b"file,label\na.png,cat,3\n", "row 2: it has 3 cells, the header 2"),
        (b'file,label\n"a.png,cat\n' + b"x" * 200_000, "it is no CSV"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, message):
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(CifarlabError, match=message):
        load_data(f"table:{tmp_path / 'labels.csv'}")


def test_no_table_and_a_folder(tmp_path):
    for place in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(CifarlabError, match="cannot read the table"):
            load_data(f"table:{place}")


def test_a_table_larger_than_the_limit(album, write, monkeypatch):
    monkeypatch.setenv("CIFARLAB_MAX_MB", "1")
    with pytest.raises(CifarlabError, match="too large"):
        load_data(write(album * 6000))


def test_parquet(tmp_path, album, monkeypatch):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "labels.parquet"
    columns = {"file": [row[0] for row in album], "label": [9.0] * 6 + [10.0] * 6, "box": [[1, 2]] * 12}
    parquet.write_table(pyarrow.table(columns), path)
    splits = load_data(f"table:{path}")
    assert splits.class_names == ("9", "10")
    assert labels_of(splits)["imgs/y/003.png"] == "10"
    for table, message in (
        (pyarrow.table({**columns, "label": pyarrow.array([None] * 12, pyarrow.string())}), "12 rows without a label"),
        (pyarrow.table({**columns, "label": [float("nan")] * 12}), "12 rows without a label"),
        (pyarrow.table({"file": columns["file"], "label": columns["box"]}), r"'label' holds list"),
        (pyarrow.table({"file": ["a" * 5000] * 12, "label": columns["label"]}), "5,000 characters"),
        (pyarrow.table({"path": columns["file"]}), "no column called label"),
        (pyarrow.table({"file": [], "label": []}), "holds null"),
    ):
        parquet.write_table(table, path)
        with pytest.raises(CifarlabError, match=message):
            load_data(f"table:{path}")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CifarlabError, match="damaged Parquet"):
        load_data(f"table:{path}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CifarlabError, match=r"cifarlab\[parquet\]"):
        load_data(f"table:{path}")


def test_a_picture_that_cannot_be_read_is_named(tmp_path, album, write):
    (tmp_path / "imgs" / "x" / "000.png").write_text("no picture")
    with pytest.raises(CifarlabError, match=r"000\.png: it is text"):
        load_data(write(album))


def test_copies_in_two_classes_are_said(tmp_path, album, write):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "b.png")
    splits = load_data(write([*album, ("a.png", "cat"), ("b.png", "dog")]))
    assert "1 picture lies in more than one class (a.png and b.png)" in splits.source.notices[0]
