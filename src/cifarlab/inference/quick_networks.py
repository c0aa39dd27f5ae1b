"""Networks that answer without Keras: the built-in one, and those of runs, exported once and kept in the user's cache.

Loading Keras and TensorFlow takes seconds, and classifying a picture milliseconds. So the built-in model's network
lies in the package in ONNX too; that of a run is exported when `predict` has had to load Keras for it, compared with
what Keras answers, and kept. It is never in the run's folder, where somebody else could have put another one: it is
known by the checksum of the model's file and by the versions of what exported it, and lies where only the user writes.
"""

import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifarlab.inference import onnx_files
from cifarlab.inference.keras_files import needs_own_code
from cifarlab.inference.onnx_session import OnnxNetwork, is_installed, open_network
from cifarlab.models.pretrained import builtin
from cifarlab.runs import pretrained_run
from cifarlab.runs.pretrained_run import AnyRun
from cifarlab.utils import files
from cifarlab.utils.cache import cache_home
from cifarlab.utils.environment import asked_backend, versions
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels
from cifarlab.utils.machine.processor import usable_cores

MOST_PICTURES = 2000
"""Of more, Keras takes over for runs: loading it is then a small part, and it may have an accelerator."""
MOST_KEPT = 32
"""So many networks stay in the cache, the latest."""

_FORMAT = 1
# The packages whose versions decide what is exported, and what it computes.
_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime")
_FOLDER = "networks"
_UNFINISHED = "its export did not end"
_log = logging.getLogger(__name__)


def find(run: AnyRun, count: int = 1) -> OnnxNetwork | None:
    """The network of a run, of `"builtin"`, or in an exported file, in onnxruntime; None where Keras has to answer.

    That is so where no network was kept for the model's file as it is now and for these versions; where it answered
    otherwise than Keras; where the model is made of own layers, whose code may have changed; where another backend than
    TensorFlow is asked for; and where onnxruntime is missing. Why is in the log, at level INFO.

    Args:
        run: Or its folder.
        count: How many pictures it is for.
    """
    if onnx_files.is_file(run):
        return onnx_files.open_file(run).network
    if not is_installed() or asked_backend() not in (None, "tensorflow"):
        return None
    try:
        if pretrained_run.is_builtin(run):
            return _open_builtin(_state_of_builtin(), usable_cores())
        return _open_kept(pretrained_run.open_run(run).model_file) if count <= MOST_PICTURES else None
    except Exception as error:  # noqa: BLE001 - whatever onnxruntime raises for a damaged file, Keras answers as well
        _log.info("Keras answers for %s: %s", run, error)
        return None


def state_of(run: AnyRun) -> Mapping[str, Any] | None:
    """What a run's exported network depends on now, to be asked before its model is loaded; None where none is kept."""
    if pretrained_run.is_builtin(run):
        return None
    return _state(pretrained_run.open_run(run, needs_model=True).model_file)


def keep(run: AnyRun, model: Any, pictures: Pixels, before: Mapping[str, Any] | None = None) -> OnnxNetwork | None:
    """Export a run's network, compare it with Keras, and keep it for the next time; None where that cannot be done.

    What became of it is kept too, so that what cannot be exported is tried once.

    Args:
        run: Or its folder.
        model: Its `keras.Model`, as it was loaded.
        pictures: `(N, H, W, C)` uint8, real ones, N at least 1.
        before: `state_of` the run as the model was loaded: where a training has written another since, nothing is kept.
    """
    # Imported here: it brings scipy, and only those need it who have loaded Keras.
    from cifarlab.inference import onnx

    if pretrained_run.is_builtin(run) or len(pictures) > MOST_PICTURES or not onnx.can_export(model):
        return None
    file = pretrained_run.open_run(run).model_file
    folder = cache_home(_FOLDER)
    if folder is None or needs_own_code(file):
        return None
    state = _state(file)
    if before is not None and state != before:
        return None
    place = folder / _key(state)
    if place.with_suffix(".json").is_file():  # it was tried
        return None
    try:
        _write_verdict(place, state, why_not=_UNFINISHED)  # a crash of the exporter must not be met twice
    except CifarlabError as error:  # else it would be exported anew each time
        _log.info("the network of %s is not kept: %s", run, error)
        return None
    try:
        return _export(place, state, model, pictures)
    except BaseException:  # an interrupt is no verdict
        _remove(place)
        raise


def _export(place: Path, state: Mapping[str, Any], model: Any, pictures: Pixels) -> OnnxNetwork | None:
    from cifarlab.inference import onnx

    try:
        exported = onnx.export(model)
        network = open_network(exported, usable_cores())
        onnx.check_is_the_same(network, model, pictures)
        files.write_bytes(place.with_suffix(".onnx"), exported)
        _write_verdict(place, state, sha256=hashlib.sha256(exported).hexdigest())
        _prune(place)
    except Exception as error:  # noqa: BLE001 - whatever the exporter's parts raise, Keras answers as well
        reason = onnx.first_line(error)
        _log.info("Keras answers: %s", reason)
        with contextlib.suppress(CifarlabError):  # the disk is full: then the first verdict stands
            _write_verdict(place, state, why_not=reason)
        return None
    return network


def _state_of_builtin() -> tuple[Any, ...]:
    """Changes with the built-in model's files."""
    stats = ((builtin.FOLDER / name).stat() for name in (builtin.NETWORK, "card.json", "weights.npz"))
    return builtin.FOLDER, *((stat.st_mtime_ns, stat.st_size) for stat in stats)


@lru_cache(maxsize=1)  # to open it takes 70 ms of the processor, to classify a picture 2
def _open_builtin(state: tuple[Any, ...], threads: int) -> OnnxNetwork:
    exported, weights = builtin.read_network()
    return open_network(exported, threads, weights)


def _open_kept(model_file: Path) -> OnnxNetwork | None:
    """The network that is kept for a model's file, checked to be what was written.

    Raises:
        CifarlabError: If there is none, or it is damaged, or differed from Keras.
    """
    folder = cache_home(_FOLDER)
    if folder is None or not folder.is_dir():
        return None
    place = folder / _key(_state(model_file))
    if not place.with_suffix(".json").is_file() or needs_own_code(model_file):
        return None
    try:
        exported, why_not = _read_kept(place)
    except (CifarlabError, OSError):
        _remove(place)  # else it would count as tried: now it is made anew
        raise
    if why_not:
        raise CifarlabError(why_not)
    return open_network(exported, usable_cores())


def _read_kept(place: Path) -> tuple[bytes, str]:
    """What became of an export: the network, or why there is none.

    Raises:
        CifarlabError: If the verdict is none, or the network not the one that it is about.
        OSError: If there is no network, and there should be one.
    """
    verdict = files.read_object(place.with_suffix(".json"))
    if "sha256" not in verdict and isinstance(why_not := verdict.get("why_not"), str) and why_not:
        return b"", why_not
    exported = place.with_suffix(".onnx").read_bytes()
    if hashlib.sha256(exported).hexdigest() != verdict.get("sha256"):
        raise CifarlabError(f"{place}.onnx is damaged")
    return exported, ""


def _state(model_file: Path) -> dict[str, Any]:
    """All that an exported network depends on."""
    return {"format": _FORMAT, "model": files.checksum(model_file, "sha256"), "versions": versions(_PACKAGES)}


def _key(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:32]


def _write_verdict(place: Path, state: Mapping[str, Any], **what: str) -> None:
    files.write_json(place.with_suffix(".json"), {**state, **what})


def _remove(place: Path) -> None:
    for suffix in (".json", ".onnx"):
        with contextlib.suppress(OSError):
            place.with_suffix(suffix).unlink(missing_ok=True)


def _prune(place: Path) -> None:
    """Only the latest networks stay, and in any case the one at `place`: the clock may have been set back."""
    others = set(place.parent.glob("*.json")) - {place.with_suffix(".json")}
    kept = sorted(others, key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in kept[MOST_KEPT - 1 :]:
        _remove(file.with_suffix(""))
