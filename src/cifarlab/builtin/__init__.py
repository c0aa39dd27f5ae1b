"""The built-in model: trained weights that come with the package, known everywhere by the name `builtin`.

Beside this file lie `weights.npz` (float16 arrays in the order of `model.weights`), `card.json` (how they came about
and what was measured) and `card.md` (the same for people); `benchmarks/make_builtin.py` makes all three from a run.
"""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifarlab import recipes, runs
from cifarlab.runs import Run
from cifarlab.utils import discovery, files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.files import read_object

NAME = "builtin"
FOLDER = Path(__file__).parent
DEFAULT_RUNS_DIR = Path("runs")

AnyRun = Run | str | os.PathLike[str]


def open_run(run: AnyRun, *, needs_model: bool = False, runs_dir: str | os.PathLike[str] = "runs") -> Run:
    """An existing run, checked; for the name `builtin` a run of the built-in model, made where there is none yet.

    Args:
        run: A run, its folder, or `"builtin"`; a folder of that name is reached as `"./builtin"`.
        needs_model: Also demand the trained model.
        runs_dir: Where the run `builtin` is or will be.

    Raises:
        CifarlabError: If there is no such run, it is incomplete or of another format, this copy of cifarlab has no
            built-in model, or its run's place is taken.
    """
    if is_builtin(run):
        return make_run(Path(runs_dir))
    return runs.open_run(run.path if isinstance(run, Run) else run, needs_model=needs_model)


def open_evaluated(run: AnyRun, *, runs_dir: str | os.PathLike[str] = "runs") -> Run:
    """`open_run` for those who read what `evaluate` has written: nothing is made, and Keras is not needed.

    Args:
        run: A run, its folder, or `"builtin"`.
        runs_dir: Where the run `builtin` is.

    Raises:
        CifarlabError: As `open_run`, and if the built-in model has no run yet; the message says what makes it.
    """
    if is_builtin(run) and not (Path(runs_dir) / NAME).exists():
        where = "" if Path(runs_dir) == DEFAULT_RUNS_DIR else f" --runs-dir {runs_dir}"
        raise CifarlabError(
            f"the built-in model has no predictions yet (expected a run in {Path(runs_dir) / NAME}): run cifarlab "
            f"evaluate {NAME}{where} first"
        )
    return open_run(run, runs_dir=runs_dir)


def is_builtin(run: AnyRun) -> bool:
    """Whether this is the name of the built-in model, and not a path."""
    return isinstance(run, str) and run == NAME


def read_card(folder: Path | None = None) -> dict[str, Any]:
    """What is known about the built-in model: recipe, class_names, image_shape, data, scores, sizes, and more.

    Args:
        folder: Where the weights and their card are; by default inside the package.

    Raises:
        CifarlabError: If there is no built-in model in this copy of cifarlab, or its card is damaged.
    """
    path = (folder or FOLDER) / "card.json"
    missing = [name for name in ("card.json", "weights.npz") if not path.with_name(name).is_file()]
    if missing:
        raise CifarlabError(
            f"this copy of cifarlab has no built-in model (it lacks {' and '.join(missing)}): name a run of your own, "
            "see cifarlab train"
        )
    return read_object(path, "recipe", "class_names", "image_shape", "data", "environment", "scores", "sizes", "state")


def load_model(folder: Path | None = None) -> Any:
    """The built-in `keras.Model`: raw pixels in, logits out, in float32 on every machine. Loads Keras.

    Args:
        folder: Where the weights and their card are; by default inside the package.

    Raises:
        CifarlabError: If there is none, its files are damaged, or no backend is installed.
    """
    card = read_card(folder)
    arrays = _read_weights((folder or FOLDER) / "weights.npz", card["sizes"]["weights_sha256"])
    choose_backend()
    import keras

    trained = recipes.from_dict(card["recipe"])
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        build = discovery.load("models", trained.model).build
        model = build(tuple(card["image_shape"]), len(card["class_names"]), **trained.model_args)
    finally:
        keras.config.set_dtype_policy(before)
    if [tuple(variable.shape) for variable in model.weights] != [array.shape for array in arrays]:
        raise CifarlabError(f"the built-in weights do not fit the model {trained.model}: install cifarlab again")
    for variable, array in zip(model.weights, arrays, strict=True):
        variable.assign(array.astype(np.float32))
    return model


def make_run(runs_dir: Path, folder: Path | None = None) -> Run:
    """The run `builtin` in `runs_dir`: unpacked from the package, once, so that it can be treated as any other run.

    Args:
        runs_dir: The folder of all runs.
        folder: Where the weights and their card are; by default inside the package.

    Raises:
        CifarlabError: If there is no built-in model, its place is taken by another run, or the disk cannot be written.
    """
    card = read_card(folder)
    final = runs_dir / NAME
    if final.exists():
        return _check_is_ours(runs.open_run(final, needs_model=True), card)
    model = load_model(folder)
    unfinished = Run(runs_dir / f".{NAME}.{os.getpid()}.partial")
    try:
        unfinished.path.mkdir(parents=True)
        _write_run(unfinished, card, model)
        unfinished.path.rename(final)
    except OSError as error:
        if not final.exists():  # else another process was quicker
            raise CifarlabError(f"cannot make {final}: {error.strerror or error}; give another --runs-dir") from error
    finally:
        shutil.rmtree(unfinished.path, ignore_errors=True)
    return _check_is_ours(runs.open_run(final, needs_model=True), card)


def _write_run(run: Run, card: dict[str, Any], model: Any) -> None:
    source = {"how": "as the built-in model's card records it", "location": "the package cifarlab", "data_dir": None}
    files.write_json(run.recipe_file, card["recipe"])
    files.write_json(run.data_file, {**card["data"], **source, "class_names": card["class_names"]})
    files.write_json(run.environment_file, {**card["environment"], NAME: card["sizes"]["weights_sha256"]})
    files.write_text(run.command_file, card.get("command", "") + "\n")
    files.write_json(run.looks_file, [{**look, "phase": runs.MAKING} for look in card.get("looks", [])])
    run.write_history(card.get("history", []))
    model.save(run.model_file)
    files.write_json(run.state_file, {**card["state"], "format": runs.FORMAT})


def _check_is_ours(run: Run, card: dict[str, Any]) -> Run:
    if run.environment.get(NAME) != card["sizes"]["weights_sha256"]:
        raise CifarlabError(
            f"{run.path} is not a run of this version's built-in model: rename that folder, or give another --runs-dir"
        )
    return run


def _read_weights(path: Path, sha256: str) -> list[NDArray[np.float16]]:
    """The arrays in their order, checked against the card."""
    try:
        found = files.checksum(path, "sha256")
        if found != sha256:
            raise ValueError(f"its SHA-256 is {found}, the card says {sha256}")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return [stored[name] for name in sorted(stored.files)]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise CifarlabError(f"the built-in weights {path} are damaged ({error}): install cifarlab again") from error
