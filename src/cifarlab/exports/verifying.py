"""The proof of an exported file, repeated: is it still what was exported, and does it answer as its run?"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.exports import choosing, comparing
from cifarlab.exports.about import checksum_of, describe
from cifarlab.exports.pictures import choose_pictures, record_judgement
from cifarlab.exports.proof import Proof
from cifarlab.exports.records import Record, read_record
from cifarlab.models.pretrained import builtin
from cifarlab.runs.pretrained_run import DEFAULT_RUNS_DIR, AnyRun, is_builtin, open_run
from cifarlab.utils import own_code
from cifarlab.utils.environment import find_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ProgressCallback, ignore
from cifarlab.utils.temporary import temporary_folder


@dataclass(frozen=True)
class Verified:
    """What was found of an exported file.

    Attributes:
        path: The file.
        form: Its format's name.
        run: Name of the run.
        proof: What the comparison found now.
        objection: Why it does not answer as the run; empty where it does.
    """

    path: Path
    form: str
    run: str
    proof: Proof
    objection: str


def verify_file(
    file: str | os.PathLike[str],
    run: AnyRun | None = None,
    *,
    runs_dir: str | os.PathLike[str] = DEFAULT_RUNS_DIR,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    progress: ProgressCallback = ignore,
) -> Verified:
    """Show an exported file and its run the same pictures again, and compare.

    Args:
        file: The file, or folder; its record, `<name>.json`, lies beside it.
        run: Its run; by default the one of that name in `runs_dir`.
        runs_dir: The folder of all runs.
        data_dir: Where the data are, if not where the run found them.
        code: The user's own Python files that the run may need.
        progress: Told how far it is.

    Raises:
        CifarlabError: If there is no such file, it is not as it was exported, its run is not there or has another
            model, or the format's runtime is not here.
    """
    own_code.allow_files(code)
    place = Path(file)
    record = read_record(place)
    module = choosing.find_format(record.form)
    choosing.check_packages(record.form, module)
    if not module.PROVES:
        raise CifarlabError(f"the runtime of {record.form} is not on this machine: nothing can be compared")
    own = _find_run(record, place, run, Path(runs_dir))
    _check_words(place, record, own)
    judged = record.about.quantised is not None
    pictures = choose_pictures(own, data_dir, is_quantised=judged)
    named = own if isinstance(own, str) else str(open_run(own).path.resolve())
    with temporary_folder() as folder:
        progress("asking the run", 0.2)
        of_run, _ = comparing.ask_run(named, pictures, find_backend(), folder, [], lambda step: None)
        progress(f"asking {place}", 0.7)
        proof, _ = comparing.ask_file(
            record.form, place.resolve(), of_run, pictures, record.about.temperature, folder, judged=judged
        )
    if judged:
        record_judgement(own, pictures, f"export --verify {place.name}")
    return Verified(place, record.form, record.about.run, proof, proof.objection(record.most_lost))


def _check_words(place: Path, record: Record, run: AnyRun) -> None:
    """Refuse a file that calls its answers otherwise than its run does: wrong names are wrong answers too.

    Raises:
        CifarlabError: If the record's temperature or class names are not the run's, or the file's own names are not.
    """
    height, width, channels = record.about.image_shape
    wanted = describe(run, (height, width, channels), record.about.quantised)
    if record.about.temperature != wanted.temperature:
        raise CifarlabError(f"{place} has another temperature than its run {wanted.run} has now: export it again")
    read_names = getattr(choosing.find_format(record.form), "read_class_names", lambda _: wanted.class_names)
    if not record.about.class_names == read_names(place) == wanted.class_names:
        raise CifarlabError(f"{place} or its record names other classes than its run {wanted.run}: export it again")


def _find_run(record: Record, place: Path, run: AnyRun | None, runs_dir: Path) -> AnyRun:
    """The run that a file was exported from, with the model that it had."""
    name = record.about.run
    own: AnyRun
    if run is not None:
        own = run if is_builtin(run) else open_run(run, needs_model=True)
    elif name == builtin.NAME:
        own = name
    elif (runs_dir / name).is_dir():
        own = open_run(runs_dir / name, needs_model=True)
    else:
        raise CifarlabError(
            f"{place} is of the run {name}, which is not in {runs_dir}: cifarlab export RUN --verify {place}"
        )
    if checksum_of(own) != record.about.model_checksum:
        raise CifarlabError(f"{place} is of another model than the run {name} has now: export it again")
    return own
