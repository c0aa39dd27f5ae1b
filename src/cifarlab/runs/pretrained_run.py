"""A run by its folder, or the built-in model's by its name: what every command opens."""

import os
import shutil
from pathlib import Path
from typing import Any

from cifarlab.models.pretrained.builtin import NAME, load_model, read_card
from cifarlab.runs import run as runs
from cifarlab.runs.run import Run
from cifarlab.utils import files, model_files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import stamped

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
    for left in runs_dir.glob(f".{NAME}.*.partial"):
        if files.is_left_over(left.name):
            shutil.rmtree(left, ignore_errors=True)
    # Made beside its place and moved there whole; a name with a dot is in no listing.
    unfinished = Run(files.partial_path(final))
    try:
        unfinished.path.mkdir(parents=True)
        _write_run(unfinished, card, model)
        files.move_folder(unfinished.path, final)
    except OSError as error:
        if not final.exists():  # else another process was quicker
            raise CifarlabError(f"cannot make {final}: {error.strerror or error}; give another --runs-dir") from error
    finally:
        shutil.rmtree(unfinished.path, ignore_errors=True)  # not there any more where all went well
    return _check_is_ours(runs.open_run(final, needs_model=True), card)


def _write_run(run: Run, card: dict[str, Any], model: Any) -> None:
    source = {"how": "as the built-in model's card records it", "location": "the package cifarlab", "data_dir": None}
    files.write_json(run.recipe_file, stamped(card["recipe"]))
    files.write_json(run.data_file, stamped({**card["data"], **source, "class_names": card["class_names"]}))
    files.write_json(run.environment_file, stamped({**card["environment"], NAME: card["sizes"]["weights_sha256"]}))
    files.write_text(run.command_file, card.get("command", "") + "\n")
    run.write_looks([{**look, "phase": runs.MAKING} for look in card.get("looks", [])])
    run.write_history(card.get("history", []))
    files.write_bytes(run.model_file, model_files.to_archive(model))
    files.write_json(run.state_file, stamped(card["state"]))


def _check_is_ours(run: Run, card: dict[str, Any]) -> Run:
    if run.environment.get(NAME) != card["sizes"]["weights_sha256"]:
        raise CifarlabError(
            f"{run.path} is not a run of this version's built-in model: rename that folder, or give another --runs-dir"
        )
    return run
