"""Studies behind the pages, read again only when their files change; a name is looked up, never joined to a path."""

from collections.abc import Hashable
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup
from starlette.exceptions import HTTPException

from cifarlab.displays.tuning import sparkline
from cifarlab.reports.studies.page import FIGURE, Part, build_part, say_settings, say_verdict, study_parts
from cifarlab.search.reading import StudyRecord, is_held, read_study, trial_runs
from cifarlab.search.rounds import Trial
from cifarlab.search.study import Study
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.figures import DRAWING, Drawing
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import is_real_folder, sign
from cifarlab.web.pages.sections import Section
from cifarlab.web.settings import Settings


@dataclass(frozen=True)
class StudySummary:
    """A study as the table of studies shows it.

    Attributes:
        name: Its folder's.
        record: What its files say; None where they are damaged.
        problem: What is wrong with them; or empty.
    """

    name: str
    record: StudyRecord | None
    problem: str = ""

    @property
    def address(self) -> str:
        """Its page."""
        return address_of(self.name)

    @property
    def state(self) -> str:
        """As the states of runs are called."""
        if self.record is None:
            return "failed"
        return "running" if self.record.is_running else "finished" if self.record.is_done else "stopped"

    @property
    def verdict(self) -> str:
        """In a few words."""
        return say_verdict(self.record) if self.record else ""


@dataclass(frozen=True)
class TrialRow:
    """A trial as a study's table shows it.

    Attributes:
        trial: Itself.
        settings: In a line.
        curve: Its validation accuracy by epoch, as bars of text.
        address: Its page.
    """

    trial: Trial
    settings: str
    curve: str
    address: str


class StudyShelf:
    """The studies of the app's folder of studies.

    Args:
        settings: Where that is.
        library: Where what was made is kept.
    """

    def __init__(self, settings: Settings, library: Library) -> None:
        self._folder, self._library = settings.studies_dir, library

    def summaries(self) -> list[StudySummary]:
        """Every study, by name; one whose files are damaged with what is wrong."""
        found = []
        for name in self._names():
            try:
                found.append(StudySummary(name, self._read(name)))
            except CifarlabError as error:
                found.append(StudySummary(name, None, str(error)))
        return found

    def record(self, name: str) -> StudyRecord:
        """One study.

        Raises:
            HTTPException: 404 if no study of the listing has this name.
            CifarlabError: If a file of it is damaged.
        """
        if name not in self._names():
            raise HTTPException(404, f"there is no study {name!r} in {self._folder}")
        return self._read(name)

    def has(self, name: str) -> bool:
        """Whether the listing has a study of this name."""
        return name in self._names()

    def sections(self, record: StudyRecord, *, whole: bool = False) -> list[Section]:
        """The report's sections, but for the table of trials, of which the app has its own; figures may be left out."""
        shown = []
        for part in self.parts(record):
            if part.name == "trials":
                continue
            known, html = self._library.kept(self._key(record, part.name))
            if not known and (whole or part.figure is None):
                html = self.build(record, part)
            address = f"{address_of(record.study.name)}/sections/{part.name}"
            shown.append(Section(part.name, part.title, address, html))
        return shown

    def parts(self, record: StudyRecord) -> list[Part]:
        """The sections that a study has something for, kept: which settings mattered takes a moment to compute."""
        return self._library.keep(self._key(record, "parts"), lambda: study_parts(record))

    def part(self, record: StudyRecord, name: str) -> Part:
        """A section by its name.

        Raises:
            HTTPException: 404 if the study has none of that name.
        """
        part = next((part for part in self.parts(record) if part.name == name), None)
        if part is None:
            raise HTTPException(404, f"{record.study.name} has no section {name!r}")
        return part

    def build(self, record: StudyRecord, part: Part) -> Markup:
        """A section's content, kept."""

        def make() -> Markup:
            with DRAWING:
                return build_part(record, part)

        return self._library.keep(self._key(record, part.name), make)

    def figure(self, record: StudyRecord, name: str, kind: str) -> bytes:
        """A figure as a file.

        Raises:
            HTTPException: 404 if the study has none of that name.
        """
        part = self.part(record, FIGURE + name)
        assert part.figure is not None
        drawing = Drawing(part.figure.draw, part.figure.rows)
        return self._library.keep((*self._key(record, name), kind), lambda: drawing.render(kind))

    def signature(self, record: StudyRecord) -> Hashable:
        """Changes when any file that is shown does."""
        return self._key(record, "")

    def _names(self) -> list[str]:
        try:
            names = [each.name for each in self._folder.iterdir()]
        except OSError:
            return []
        found = (name for name in names if not name.startswith(".") and is_real_folder(self._folder / name))
        return sorted((name for name in found if Study(self._folder / name).about_file.is_file()), key=str.casefold)

    def _read(self, name: str) -> StudyRecord:
        study = Study(self._folder / name)
        key = ("study", name, _sign(study), is_held(study))
        record: StudyRecord = self._library.keep(key, lambda: read_study(study.path))
        return record

    def _key(self, record: StudyRecord, part: str) -> tuple[Hashable, ...]:
        return "study", record.study.name, _sign(record.study), record.is_running, part


def find_trial(record: StudyRecord, number: int) -> Trial:
    """A trial by its number.

    Raises:
        HTTPException: 404 if there is none.
    """
    trial = next((trial for trial in record.trials if trial.number == number), None)
    if trial is None:
        raise HTTPException(404, f"{record.study.name} has no trial {number}")
    return trial


def trial_rows(record: StudyRecord) -> list[TrialRow]:
    """Every trial: those that are under way first, then those that came furthest, the better first."""
    order = sorted(record.trials, key=lambda t: (t.state != "running", -t.epochs, -(t.score or 0.0), t.number))
    address = address_of(record.study.name)
    return [
        TrialRow(
            trial,
            say_settings(trial.settings),
            sparkline(curve) if len(curve := record.curves.get(trial.number, ())) > 1 else "",
            f"{address}/trials/{trial.number}",
        )
        for trial in order
    ]


def histories_of(record: StudyRecord, number: int) -> dict[str, list[dict[str, float]]]:
    """The histories of a trial's runs, by the run's name."""
    return {run.path.name: run.history() for run in trial_runs(record, number)}


def address_of(name: str) -> str:
    """A study's page."""
    return f"/studies/{quote(name, safe='')}"


def _sign(study: Study) -> Hashable:
    """Names, times and sizes of the files that are read."""
    found = [sign(path) for path in (study.about_file, study.trials_file, study.verdict_file, study.best_file)]
    try:
        begun = sorted((study.path / "trials").iterdir())
    except OSError:
        return tuple(found)
    for path in begun:
        if path.suffix == ".json":
            found.append(sign(path))
        elif is_real_folder(path):
            found.append(((path.name, 0, 0), *sign(path / "history.csv")))
    return tuple(found)
