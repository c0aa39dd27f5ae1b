"""Every file of a run, damaged in every way: what it held is read, or refused in one line; nothing else comes of it."""

import io
import json
import random
import struct
import zipfile
from collections import Counter

import numpy as np
import pytest

from cifarlab.cli import main as cli
from cifarlab.evaluation.explanation import neighbours
from cifarlab.evaluation.robustness.results import read_results
from cifarlab.inference import temperature
from cifarlab.reports.weights import read_first_layer
from cifarlab.runs import first_steps, notes, open_run, own_labels, started_from, trained_images, training_dynamics
from cifarlab.runs.predictions import Predictions, read_origin
from cifarlab.runs.scores import Scores
from cifarlab.training import checkpoint
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_reading import read_result

FLIPS = 60


def plain(value):
    """Anything that was read, as something that can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tolist()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return plain(vars(value)) if hasattr(value, "__dict__") else repr(value)


READERS = {
    "run.json": lambda run: open_run(run.path).state,
    "recipe.json": lambda run: run.recipe,
    "data.json": lambda run: run.data,
    "environment.json": lambda run: run.environment,
    "command.txt": lambda run: run.command,
    "history.csv": lambda run: run.history(),
    "looks.json": lambda run: (run.looks(), run.looks_in_making("test")),
    "first-steps.json": first_steps.read_first_steps,
    "started-from.json": started_from.read_start,
    "notes.json": notes.read_notes,
    "labels.csv": own_labels.own_labels,
    "scores.json": lambda run: run.scores(),
    "scores-test-labels.json": lambda run: read_result(Scores, run.path / "scores-test-labels.json", "it again"),
    "calibration.json": temperature.stored_temperature,
    "robustness.json": read_results,
    "predictions-test.npz": lambda run: Predictions.load(run.predictions_file("test")),
    "dynamics.npz": training_dynamics.load,
    "trained-images.npz": trained_images._read,
    # Each by itself: a training takes the one where the other is damaged.
    "checkpoint.npz": lambda run: checkpoint._read(run.checkpoint_file),
    "checkpoint-earlier.npz": lambda run: checkpoint._read(run.earlier_checkpoint_file),
    "features-train.npz": lambda run: neighbours._read(run, "about"),
    "model.keras": lambda run: read_first_layer(run.model_file),
}
# A changed number in these is seen.
SEALED = (
    *("scores.json", "scores-test-labels.json", "calibration.json", "robustness.json"),
    *("first-steps.json", "started-from.json", "notes.json"),
)
ARRAYS = [name for name in READERS if name.endswith(".npz")]
ARCHIVES = [*ARRAYS, "model.keras"]
OBJECTS = [name for name in READERS if name.endswith(".json")]


def outcome(run, name):
    """What was read, or None where it was refused; anything else that is raised is a fault, and fails the test."""
    try:
        return plain(READERS[name](run))
    except CifarlabError:  # one line by itself: a test of `utils.errors` holds that
        return None


def test_all_kinds_are_read_while_whole(run):
    assert [name for name in READERS if outcome(run, name) in (None, "None")] == []


@pytest.mark.parametrize("name", READERS)
def test_bytes_that_changed_are_not_believed(run, name):
    path, chance = run.path / name, random.Random(name)
    right, before = path.read_bytes(), outcome(run, name)
    for _ in range(FLIPS):
        damaged = bytearray(right)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        found = outcome(run, name)
        if name in (*SEALED, *ARCHIVES, "labels.csv"):  # of the others the text alone tells
            assert found in (None, "None", before)


@pytest.mark.parametrize("name", READERS)
def test_what_is_cut_off_or_overwritten_is_refused(run, name):
    path, chance = run.path / name, random.Random(name)
    right, before = path.read_bytes(), outcome(run, name)
    for part in (0, 1, len(right) // 3, len(right) // 2, len(right) - 20, len(right) - 1):
        path.write_bytes(right[:part])
        assert outcome(run, name) in (None, "None", before, "''") or name in ("command.txt", "history.csv")
    for noise in (b"\0" * 100, b"\xff\xfe" * 50, chance.randbytes(1000), b"PK\x03\x04" + chance.randbytes(200)):
        path.write_bytes(noise)
        assert outcome(run, name) in (None, "None") or name == "command.txt"
    path.unlink()
    path.mkdir()
    assert outcome(run, name) in (
        None,
        "None",
        [],
        [[], "0"],
        plain(notes.Notes()),
    )  # what is no file is as good as not there


STRANGE = (
    "null", "3", '"text"', "[]", "[1]", "[null]", "[[]]", "{}", '{"a": 1}', "NaN", "1e999", "1" * 5000, "[" * 100_000,
    '{"a":' * 500 + "1" + "}" * 500, "[" * 900 + "]" * 900, '\ufeff{"a": 1}', '"\\ud800"',
)  # fmt: skip


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("text", STRANGE, ids=lambda text: text[:12])
def test_json_of_another_shape_is_refused(run, name, text):
    (run.path / name).write_text(text, encoding="utf-8")
    # An environment of which nothing is told, no looks at all, and no notes are right.
    empty = [(each, text) for each in ("environment.json", "notes.json") for text in ("{}", '{"a": 1}')]
    right = [*empty, ("looks.json", "[]")]
    assert outcome(run, name) is None or (name, text) in right


@pytest.mark.parametrize("name", OBJECTS)
def test_what_a_later_version_wrote_is_refused_with_the_way_on(run, name):
    path = run.path / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99, "cifarlab": "9.9"}))
    with pytest.raises(CifarlabError, match=r"is of format 99, written by cifarlab 9\.9; .*: update it"):
        READERS[name](run)


def test_looks_of_an_earlier_version_are_kept_when_one_is_added(run):
    run.looks_file.write_text('[{"split": "test", "data": "digits", "when": "2026-01-01", "why": ""}]')
    assert run.record_look("test", "again", "digits") == 2
    stored = files.read_json(run.looks_file)
    assert (stored["format"], [look["data"] for look in stored["looks"]]) == (1, ["digits", "digits"])


@pytest.mark.parametrize("name", ["run.json", "data.json", "environment.json", "looks.json", "recipe.json"])
@pytest.mark.parametrize("part", [0, 0.5])
def test_an_empty_or_cut_file_is_refused_with_a_remedy(run, name, part):
    path = run.path / name
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(CifarlabError, match="; restore the file"):
        READERS[name](run)


@pytest.mark.parametrize("name", OBJECTS)
def test_a_value_of_another_kind_is_read_as_it_was_or_refused(run, name):
    path = run.path / name
    right = json.loads(path.read_text())
    right = {key: value for key, value in right.items() if key != "checksum"} if name in SEALED else right
    for place in places(right):
        for value in (None, [], {}, "x", -1, 2**63, 1.5, True, [[1]], {"a": {"b": 1}}):
            path.write_text(json.dumps(replaced(right, place, value)))
            outcome(run, name)


def places(value, path=()):
    """Where every value of a JSON document stands; beside each other, within two of the same keys."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    alike = Counter()
    for key, each in list(inner)[:40]:
        yield (*path, key)
        keys = tuple(each) if isinstance(each, dict) else key
        alike[keys] += 1
        if alike[keys] <= 2:
            yield from places(each, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def rewrite(path, **changed):
    """The archive with other members."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {name: data for name, data in changed.items() if data is not None}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def announcing(shape, descr="<f4"):
    """The header of an array of that shape, and no array."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


HEADERS = {
    "93 GiB": announcing((25_000_000_000,)),
    "more than can be counted": announcing((2**62, 2**62)),
    "less than nothing": announcing((-1,)),
    "many of nothing": announcing((10**15,), "<U0"),
    "objects": announcing((1,), "|O"),
    "no type": announcing((1,), "nonsense"),
    "nested": b"\x93NUMPY\x01\x00" + struct.pack("<H", 5000) + b"(" * 5000,
    "a call": b"\x93NUMPY\x01\x00" + struct.pack("<H", 12) + b"exit(3)    \n",
    "another version": b"\x93NUMPY\x09\x00" + bytes(100),
    "no array": b"nonsense",
    "nothing": b"",
    "a number": npy(np.array(3)),
    "two dimensions": npy(np.array([["a", "b"], ["c", "d"]])),
    "three dimensions": npy(np.ones((2, 2, 2), np.float32)),
    "no rows": npy(np.zeros((0, 3), np.float32)),
    "NaN": npy(np.full((2, 10), np.nan, np.float32)),
    "bytes": npy(np.array([b"\xff\xfe", b"\xff"])),
    "dates": npy(np.array(["2020-01-01"], "M8[D]")),
    "fields": npy(np.zeros(3, [("a", "f4"), ("b", "i4")])),
    "complex": npy(np.ones(3, complex)),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("kind", HEADERS)
def test_arrays_that_are_others_are_refused(run, name, kind):
    path = run.path / name
    with zipfile.ZipFile(path) as archive:
        members = archive.namelist()
    right = path.read_bytes()
    for member in members:
        path.write_bytes(right)
        rewrite(path, **{member: HEADERS[kind]})
        outcome(run, name)
    assert all(outcome(run, name) in (None, "None") for _ in [0]) or kind not in list(HEADERS)[:11]


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_of_another_making_are_refused(run, name):
    path = run.path / name
    right = path.read_bytes()
    place = right.index(b"PK\x01\x02")  # the first entry of the directory
    for offset, value in ((10, 99), (10, 12), (8, 1), (8, 0x41)):  # an unknown method, bzip2, encrypted, strongly
        damaged = bytearray(right)
        damaged[place + offset] = value
        path.write_bytes(damaged)
        assert outcome(run, name) in (None, "None")
    path.write_bytes(right)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(archive.namelist()[0], b"another")
    assert outcome(run, name) in (None, "None")
    with zipfile.ZipFile(path, "w"):
        pass
    assert outcome(run, name) in (None, "None")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "epoch\n1,2\n",
        "epoch,train_loss\n1\n",
        "epoch,epoch\n1,1\n",
        "epoch,train_loss\n1,many\n",
        "epoch,train_loss\n2,0.5\n",
        "epoch,train_loss\nnan,0.5\n",
        "epoch,train_loss\n1,0.5\n1,0.5\n",
        'epoch,train_loss\n1,"0.5\n',
        "epoch,train_loss\n1,\0\n",
        f"epoch,train_loss\n1,{'5' * 200_000}\n",
    ],
)
def test_a_history_of_another_shape_is_refused(run, text):
    run.history_file.write_text(text)
    with pytest.raises(CifarlabError, match=r"history\.csv.*line|history\.csv: expected numbers under a header"):
        run.history()


def test_a_history_without_rows_is_refused(run, undrawn, capsys):
    run.history_file.write_text("epoch,train_loss\n")
    with pytest.raises(CifarlabError, match=r"there is none.*remove it: a training that goes on writes it again"):
        run.history()
    assert cli.main(["report", str(run.path)]) == 2
    assert "history.csv" in capsys.readouterr().err
    assert not run.report_file.exists()


def test_results_of_earlier_versions_have_no_checksum_and_are_read(run):
    for name in SEALED:
        content = json.loads((run.path / name).read_text())
        assert content.pop("checksum").startswith("sha256:")
        before = outcome(run, name)
        (run.path / name).write_text(json.dumps(content))
        assert outcome(run, name) == before


def test_a_file_beside_the_numbers_is_given_up(run):
    run.predictions_file("test").write_bytes(b"")
    assert read_origin(run.predictions_file("test")) is None
    run.features_file.write_bytes(b"")
    assert neighbours._read(run, "about") is None
