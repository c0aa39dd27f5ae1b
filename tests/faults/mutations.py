"""Files, ways to damage them, and readers: shared by the fast test beside it and by `benchmarks/fuzz.py`."""

import io
import json
import random
import struct
import time
import traceback
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
from PIL import Image

from cifarlab.evaluation.external.reading import read_external
from cifarlab.inference.keras_bounds import check_layers, measure_weights, read_config
from cifarlab.inference.keras_files import needs_own_code
from cifarlab.recipes import from_dict
from cifarlab.reports.weights import has_first_layer, read_first_layer
from cifarlab.runs.histories import read_history
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.schemas import DataFile, EnvironmentFile, LooksFile, StateFile
from cifarlab.runs.scores import Scores
from cifarlab.runs.training_dynamics import Curves
from cifarlab.runs.training_dynamics import read as read_dynamics
from cifarlab.runs.training_dynamics import save as save_dynamics
from cifarlab.utils.array_files import BROKEN_ARCHIVE
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_json
from cifarlab.utils.images import read_image
from cifarlab.utils.json_reading import read_fields, read_result

SLOW_SECONDS = 5.0
EDGES = (0, 1, 0x7F, 0x80, 0xFF)
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 2**64, 1e308, -0.0, "", "x", "é\ud800"[:1], "a" * 5000, [], {}, [[]], [None],
    {"value": 1}, {"a": {"b": [1, {"c": None}]}}, "../../etc/passwd", "\0", "nan", "<b>",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """`kind` is "answered", "refused", "slow" or "bugs"."""

    kind: str
    what: str
    data: bytes


def try_one(name: str, seed: str, folder: Path) -> Outcome:
    """One mutation of one reader's file, the same for the same seed."""
    chance = random.Random(f"{name}-{seed}")
    reader = READERS[name]
    data = reader.damage(chance)
    path = folder / f"file{reader.ending}"
    path.write_bytes(data)
    began = time.process_time()  # of this process: a busy machine is no fault of a reader
    kind, what = "answered", ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="PIL")
            reader.read(path)
    except CifarlabError as error:
        kind, what = ("bugs", "of two lines") if "\n" in str(error) else ("refused", "")
    except Exception as error:  # noqa: BLE001 - whatever else it is, it is a bug
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind, what = "bugs", f"{type(error).__name__}: {str(error)[:150]} ({Path(last.filename).name}:{last.lineno})"
    seconds = time.process_time() - began
    if kind != "bugs" and seconds > SLOW_SECONDS:
        kind, what = "slow", f"{seconds:.1f} s"
    return Outcome(kind, what, data)


@dataclass(frozen=True)
class Reader:
    ending: str
    damage: Callable[[random.Random], bytes]
    read: Callable[[Path], object]


def flip(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut, doubled or put in."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(len(damaged)) if damaged else 0
        how = chance.randrange(6)
        if how < 3 and damaged:
            damaged[place] = chance.choice((*EDGES, damaged[place] ^ (1 << chance.randrange(8)), chance.randrange(256)))
        elif how == 3:
            del damaged[place : place + chance.randrange(1, 50)]
        elif how == 4:
            damaged[place:place] = damaged[place : place + chance.randrange(1, 50)]
        else:
            damaged[place:place] = chance.randbytes(chance.randrange(1, 9))
    return bytes(damaged[: chance.randrange(len(damaged) + 1)]) if chance.random() < 0.1 else bytes(damaged)


def damage_value(value: Any, chance: random.Random) -> Any:
    """A JSON value with something else in one place."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return chance.choice(VALUES)
    copy: Any = value.copy()
    place = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    how = chance.randrange(8)
    if how == 0:
        del copy[place]
    elif how == 1 and isinstance(copy, dict):
        copy[chance.choice(("extra", "", "checksum", "format"))] = chance.choice(VALUES)
    elif how == 1:
        copy *= chance.choice((0, 2, 50))
    else:
        copy[place] = damage_value(copy[place], chance)
    return copy


def damage_json(content: Any) -> Callable[[random.Random], bytes]:
    text = json.dumps(content)

    def damage(chance: random.Random) -> bytes:
        if chance.random() < 0.3:
            return flip(text.encode(), chance)
        value = content
        for _ in range(chance.choice((1, 1, 2, 3))):
            value = damage_value(value, chance)
        return json.dumps(value).encode("utf-8", "replace")

    return damage


def _zip(members: dict[str, bytes], chance: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def damage_archive(arrays: dict[str, Any]) -> Callable[[random.Random], bytes]:
    members = {}
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        members[f"{name}.npy"] = file.getvalue()

    def damage(chance: random.Random) -> bytes:
        how = chance.random()
        if how < 0.3:
            return flip(_zip(members, chance), chance)
        changed = dict(members)
        for _ in range(chance.choice((1, 1, 2))):
            name = chance.choice(list(members))
            changed[name] = _damage_array(members[name], chance)
            if chance.random() < 0.1:
                changed.pop(name)
        return _zip(changed, chance)

    return damage


def _damage_array(data: bytes, chance: random.Random) -> bytes:
    """Another array, another header before the same bytes, or the same with bytes changed."""
    how = chance.randrange(4)
    if how == 0:
        return flip(data, chance)
    if how == 1:
        shape = tuple(chance.choice((0, 1, 2, 3, 10, 40)) for _ in range(chance.randrange(4)))
        kind = chance.choice(("f4", "f2", "f8", "i8", "u8", "i1", "?", "U1", "U9", "S3", "c8", "M8[s]", "V4"))
        count = int(np.prod(shape, dtype=int)) * np.dtype(kind).itemsize
        text = kind[0] in "US"
        raw = np.frombuffer(b"a\0\0\0" * (count // 4 + 1) if text else chance.randbytes(count), np.uint8, count)
        file = io.BytesIO()
        np.save(file, raw.view(kind).reshape(shape) if count else np.zeros(shape, kind))
        return file.getvalue()
    shapes = ["()", "(40,)", "(-1,)", "(40,3)", "(0,3)", "(10**9,)", "(99999999999,)", "(2,2,2,2)", "40", "((1,),)"]
    kinds = ["'<f4'", "'<f8'", "'|O'", "'<U4'", "'<U0'", "'|V0'", "'|S0'", "[('a','<f4')]", "'x'", "7", "'<i8'"]
    order = chance.choice(("True", "False", "1"))
    header = f"{{'descr': {chance.choice(kinds)}, 'fortran_order': {order}, 'shape': {chance.choice(shapes)}, }}"
    encoded = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + data[128:]


def damage_table(text: str) -> Callable[[random.Random], bytes]:
    cells = (
        "",
        "nan",
        "-1",
        "1e400",
        "1,5",
        '"',
        "'",
        "#",
        "id",
        "label",
        "0.5;0.5",
        "\t",
        "=1+1",
        "\u0663",
        "\uff11",
        "1_0",
        "1" * 400,
        "%",
    )

    def damage(chance: random.Random) -> bytes:
        if chance.random() < 0.4:
            return flip(text.encode(), chance)
        rows = [line.split(",") for line in text.splitlines()]
        for _ in range(chance.choice((1, 2, 5))):
            row = chance.choice(rows)
            place = chance.randrange(len(row)) if row else 0
            how = chance.randrange(4)
            if how < 2 and row:
                row[place] = chance.choice(cells)
            elif how == 2:
                row.insert(place, chance.choice(cells))
            elif row:
                del row[place]
        ending = chance.choice(("\n", "\r\n", "\r"))
        separator = chance.choice((",", ",", ",", ";", "\t"))
        return ending.join(separator.join(row) for row in rows).encode(
            chance.choice(("utf-8", "utf-8", "utf-16", "utf-8-sig"))
        )

    return damage


def _network() -> tuple[dict[str, Any], bytes]:
    layers: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 4, 4, 3], "name": "pixels"}},
        {"class_name": "Flatten", "config": {"name": "flatten"}, "registered_name": None},
        {"class_name": "Dense", "config": {"name": "dense1", "units": 2}, "registered_name": "mine>Dense"},
    ]
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        variables = weights.create_group("layers/dense/vars")
        variables.attrs["name"] = "dense1"
        variables["0"] = np.ones((48, 2), np.float32)
    return {"class_name": "Functional", "config": {"layers": layers}}, file.getvalue()


def damage_network(chance: random.Random) -> bytes:
    config, weights = _network()
    text = json.dumps(config).encode()
    how = chance.randrange(3)
    if how == 0:
        text = json.dumps(damage_value(config, chance)).encode("utf-8", "replace")
    elif how == 1:
        weights = flip(weights, chance)
    archive = _zip({"config.json": text, "model.weights.h5": weights}, chance)
    return flip(archive, chance) if how == 2 else archive


def read_network(path: Path) -> None:
    needs_own_code(path)
    has_first_layer(path)
    read_first_layer(path)
    try:
        measure_weights(path)
        check_layers(read_config(path))
    except BROKEN_ARCHIVE:
        raise CifarlabError("broken") from None


def damage_picture(chance: random.Random) -> bytes:
    name = chance.choice(list(_PICTURES))
    data = _PICTURES[name]
    if name == "PNG" and chance.random() < 0.4:  # a header with a right checksum, so that what is behind it is met
        sides = (chance.choice((0, 1, 16, 65535, 2**31 - 1)), chance.choice((1, 16, 70_000)))
        header = struct.pack(">IIBBBBB", *sides, *(chance.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(5)))
        return data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    return flip(data, chance)


def _pictures() -> dict[str, bytes]:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    found = {}
    for name in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "TGA", "QOI"):
        file = io.BytesIO()
        noise.save(file, name)
        found[name] = file.getvalue()
    return found | {
        "plain": b"P3\n2 2\n255\n" + b"1 2 3 " * 4,
        "grey": b"P2\n#c\n2 2\n9\n1 2 3 4\n",
        "bits": b"P1\n4 2\n01010101",
    }


def read_run_json(kind: type) -> Callable[[Path], object]:
    return lambda path: read_fields(kind, path, "restore it", "looks")


_LOOKS = {"format": 1, "cifarlab": "1.0", "looks": [{"split": "test", "data": "digits"}]}
_PICTURES = _pictures()
_IDS = np.array([f"test/{row}" for row in range(40)])
_LOGITS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
_ARRAYS = {"ids": _IDS, "labels": np.arange(40) % 3, "logits": _LOGITS, "class_names": np.array(["a", "b", "c"])}
_TABLE = "id,a,b,c,label\n" + "\n".join(f"{i},{a},{b},{c},{i % 3}" for i, (a, b, c) in enumerate(_LOGITS.tolist()))
_INTERVAL = {"value": 0.5, "low": 0.4, "high": 0.6, "method": "made up"}
_SCORES = {
    "format": 1, "accuracy": 0.5, "loss": 1.0, "count": 40, "class_names": ["a", "b"], "looks": 1,
    "scores": {"accuracy": _INTERVAL, "macro_f1": _INTERVAL}, "confusion_matrix": [[1, 2], [3, 4]], "notices": ["x"],
}  # fmt: skip
_CURVES = Curves(np.array(["a", "b"]), np.ones((3, 2), np.float16), np.ones((3, 2), bool))


def _dynamics() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = save_dynamics(Path(folder) / "dynamics.npz", [_CURVES, _CURVES], compress=False)
        with np.load(path) as stored:
            return dict(stored)


_DATA = {"name": "digits", "class_names": ["a", "b"], "checksums": {"a": "b"}, "fingerprints": {"train": "c"}}
_ENVIRONMENT = {"versions": {"keras": "3"}, "parameters": 3, "training_seconds": 1.5, "code": {"model": {"name": "a"}}}
_RECIPE = {"model": "mlp", "model_args": {"widths": [8, 4]}, "epochs": 3, "learning_rate": 0.1, "data": "digits"}
_STATE = {"format": 1, "state": "finished", "started": "now", "process": 3}
_HISTORY = "epoch,train_loss,validation_accuracy\n1,0.5,0.25\n2,0.4,0.5\n3,0.3,"

READERS = {
    "run.json": Reader(".json", damage_json(_STATE), read_run_json(StateFile)),
    "data.json": Reader(".json", damage_json(_DATA), read_run_json(DataFile)),
    "environment.json": Reader(".json", damage_json(_ENVIRONMENT), read_run_json(EnvironmentFile)),
    "looks.json": Reader(".json", damage_json(_LOOKS), read_run_json(LooksFile)),
    "recipe.json": Reader(".json", damage_json(_RECIPE), lambda path: from_dict(read_json(path))),
    "scores.json": Reader(".json", damage_json(_SCORES), lambda path: read_result(Scores, path, "it again").table()),
    "history.csv": Reader(".csv", damage_table(_HISTORY), read_history),
    "predictions.npz": Reader(".npz", damage_archive(_ARRAYS), lambda path: Predictions.load(path).losses),
    "dynamics.npz": Reader(".npz", damage_archive(_dynamics()), read_dynamics),
    "theirs.npz": Reader(".npz", damage_archive(_ARRAYS), read_external),
    "theirs.csv": Reader(".csv", damage_table(_TABLE), read_external),
    "model.keras": Reader(".keras", damage_network, read_network),
    "pictures": Reader(".png", damage_picture, lambda path: read_image(path, 8)),
}
