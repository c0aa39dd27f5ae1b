"""A run as files that answer without cifarlab: written, asked by their own runtimes, kept if they answer the same."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np

from cifarlab.displays.progress import progress_of
from cifarlab.exports import apart, comparing
from cifarlab.exports.about import About, describe
from cifarlab.exports.apart import Step
from cifarlab.exports.choosing import choose_formats, place_of
from cifarlab.exports.comparing import RunAnswers
from cifarlab.exports.pictures import Pictures, choose_pictures, record_judgement
from cifarlab.exports.proof import Proof
from cifarlab.exports.quantising import MOST_LOST
from cifarlab.exports.records import Record, checksum, settle, size_of, unfinished
from cifarlab.runs.pretrained_run import AnyRun, is_builtin, open_run
from cifarlab.utils import own_code
from cifarlab.utils.environment import find_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.progress import ProgressCallback

FOLDER = "exports"


@dataclass(frozen=True)
class ExportedFile:
    """A file, or folder, that was exported and stays.

    Attributes:
        form: The format's name.
        path: Where it is.
        bytes: Its size.
        milliseconds: For 1 and for 64 pictures at once, by their number; None where its runtime is not here.
        proof: That it answers as the run; None where its runtime is not here.
    """

    form: str
    path: Path
    bytes: int
    milliseconds: dict[str, float] | None = field(default=None, metadata=OPTIONAL)
    proof: Proof | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Exports:
    """What became of an export.

    Attributes:
        run: The run's name.
        backend: Keras's, on which the run was asked.
        milliseconds: The run itself took there.
        files: What stays.
        refused: Formats that do not answer as the run, or could not be written, and why; nothing of them stays.
        notices: Sentences about what a reader must know.
    """

    run: str
    backend: str
    milliseconds: dict[str, float]
    files: tuple[ExportedFile, ...]
    refused: dict[str, str]
    notices: tuple[str, ...]


def export(
    run: AnyRun,
    to: str | Sequence[str] = "onnx",
    *,
    quantise: str | None = None,
    most_lost: float = MOST_LOST,
    output: str | os.PathLike[str] = FOLDER,
    data_dir: str | None = None,
    code: Sequence[str | os.PathLike[str]] = (),
    show: bool | None = None,
) -> Exports:
    """Write a run's network in formats that other programs run, and prove that each file answers as the run does.

    Pixels in, probabilities out: normalisation and temperature are in the network; class names, the resizing rule and
    the model card lie in the file where its format has room, and in a JSON file beside it. Each file is shown 1,000
    test pictures by its real runtime. It stays only if it names the same classes as the run and no logit differs by
    more than 1e-4; quantised, if it loses at most `most_lost` points of accuracy.

    Args:
        run: Or its folder, or `"builtin"`.
        to: Names of formats, or `"all"`.
        quantise: `"float16"` or `"int8"`, for smaller files.
        most_lost: Points of accuracy, 0 to 100, that a quantised file may lose.
        output: The folder to write into; files that an earlier export of the run wrote there are replaced.
        data_dir: Where the data are, if not where the run found them.
        code: The user's own Python files that the run may need; no other is executed.
        show: Whether to show the progress; None: in a notebook and at a prompt.

    Raises:
        CifarlabError: If the run is none, a format is unknown or what it needs is not installed, or, once all that
            succeeds is written, if a format does not answer as the run does.
    """
    asked = [to] if isinstance(to, str) else list(to)
    with progress_of("exporting", show) as progress:
        found = export_each(
            run, asked, quantise=quantise, most_lost=most_lost, output=Path(output), data_dir=data_dir, code=code,
            progress=progress,
        )  # fmt: skip
    check_none_refused(found)
    return found


def check_none_refused(found: Exports) -> None:
    """Raise what the formats were refused for.

    Raises:
        CifarlabError: If any was.
    """
    if found.refused:
        raise CifarlabError("; ".join(f"no {form} file: {why}" for form, why in found.refused.items()))


def export_each(
    run: AnyRun,
    to: Sequence[str],
    *,
    quantise: str | None,
    most_lost: float,
    output: Path,
    data_dir: str | None,
    code: Sequence[str | os.PathLike[str]],
    progress: ProgressCallback,
) -> Exports:
    """`export`, which gives what was refused instead of raising it."""
    if not 0 <= most_lost <= 100:
        raise CifarlabError(f"most_lost is points of accuracy, from 0 to 100. Received: {most_lost}")
    own_code.allow_files(code)
    chosen, left_out = choose_formats(to, quantise)
    asked = run if is_builtin(run) else open_run(run, needs_model=True)
    backend = find_backend()
    progress("reading the data", 0.0)
    pictures = choose_pictures(asked, data_dir, is_quantised=quantise is not None)
    height, width, channels = pictures.images.shape[1:]
    about = describe(asked, (height, width, channels), quantise)
    with unfinished(output) as folder:
        work = _Work(asked, about, chosen, pictures, backend, folder, output, most_lost, progress)
        of_run, unwritten = work.write()
        files, refused = work.prove(of_run, unwritten)
    if quantise is not None:
        record_judgement(asked, pictures, f"export {', '.join(chosen)} in {quantise}")
    notices = (*_notices(of_run, chosen, pictures), *(f"left out: {why}" for why in left_out.values()))
    return Exports(about.run, backend, of_run.milliseconds, tuple(files), refused, notices)


@dataclass(frozen=True, eq=False)
class _Work:
    """One export, under way in a hidden folder."""

    run: AnyRun
    about: About
    chosen: dict[str, ModuleType]
    pictures: Pictures
    backend: str
    folder: Path
    output: Path
    most_lost: float
    progress: ProgressCallback

    def write(self) -> tuple[RunAnswers, dict[str, str]]:
        """Have the run answer and every format written; gives why formats could not be."""
        calibration = None
        if self.about.quantised is not None:
            np.save(calibration := self.folder / "calibration.npy", self.pictures.calibration)
        named = self.run if isinstance(self.run, str) else str(open_run(self.run).path.resolve())
        groups = comparing.group_by_backend(self.chosen)
        steps: dict[str, list[Step]] = {
            backend: [comparing.write_step(named, form, self._made(form), self.about, calibration) for form in forms]
            for backend, forms in groups.items()
        }
        here = steps.pop(self.backend, [])
        of_run, outcomes = comparing.ask_run(named, self.pictures, self.backend, self.folder, here, self._tell)
        done = list(zip(here, outcomes, strict=True))
        for backend, others in steps.items():
            done += zip(others, apart.do_apart(others, backend, self._tell), strict=True)
        return of_run, {str(step["form"]): outcome.why_not for step, outcome in done if outcome.why_not}

    def prove(self, of_run: RunAnswers, unwritten: dict[str, str]) -> tuple[list[ExportedFile], dict[str, str]]:
        """Ask every file that was written; what answers as the run goes to its place."""
        kept, refused = [], {form: f"it cannot be written: {why}" for form, why in unwritten.items()}
        for number, (form, module) in enumerate(self.chosen.items()):
            if form in unwritten:
                continue
            self.progress(f"asking {form}", 0.5 + 0.5 * number / len(self.chosen))
            try:
                kept.append(self._prove(form, module, of_run))
            except CifarlabError as error:
                refused[form] = str(error)
        return kept, refused

    def _prove(self, form: str, module: ModuleType, of_run: RunAnswers) -> ExportedFile:
        made = self._made(form)
        proof, milliseconds = None, None
        if module.PROVES:
            judged = self.about.quantised is not None
            proof, milliseconds = comparing.ask_file(
                form, made, of_run, self.pictures, self.about.temperature, self.folder, judged=judged
            )
            if why_not := proof.objection(self.most_lost):
                raise CifarlabError(why_not)
        place = self.output / made.name
        record = Record(form=form, sha256=checksum(made), about=self.about, proof=proof, most_lost=self.most_lost)
        settle(made, place, record)
        return ExportedFile(form, place, size_of(place), milliseconds, proof)

    def _made(self, form: str) -> Path:
        return place_of(self.folder, self.about.run, self.chosen[form], self.about.quantised)

    def _tell(self, step: Step) -> None:
        self.progress("asking the run" if step["do"] == "answer" else f"writing {step['form']}", 0.2)


def _notices(of_run: RunAnswers, chosen: dict[str, ModuleType], pictures: Pictures) -> list[str]:
    notices = [
        f"{form} is written only: its runtime is not on this machine, so nothing was compared"
        for form, module in chosen.items()
        if not module.PROVES
    ]
    if of_run.precision != "float32":
        notices.append(
            f"the run computes in {of_run.precision}, files in float32 with the same weights: compared with the run in "
            f"float32; in {of_run.precision} it names {of_run.renamed:,} of {len(pictures.images):,} pictures otherwise"
        )
    if pictures.split != "test":
        notices.append(f"the data have no test pictures: compared on {pictures.split}")
    return notices
