"""The figures about a search, each with the numbers that it shows and a sentence that explains it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure

from cifarlab.plots.optimisation_history import plot_optimisation_history
from cifarlab.plots.parallel_coordinates import plot_parallel_coordinates
from cifarlab.plots.parameter_importances import plot_parameter_importances
from cifarlab.plots.setting_contours import plot_setting_contours
from cifarlab.plots.setting_slices import plot_setting_slices
from cifarlab.plots.trial_curves import plot_trial_curves
from cifarlab.search.importance import first_rung, importances, parameter_values
from cifarlab.search.reading import StudyRecord
from cifarlab.search.rounds import Trial
from cifarlab.utils.results import ParameterValues
from cifarlab.utils.text import counted

Row = Mapping[str, Any]


@dataclass(frozen=True)
class StudyFigure:
    """A figure about a study, made when it is asked for.

    Attributes:
        name: In file names and addresses.
        title: Its heading.
        explained: How to read it, one or two sentences.
        draw: Makes the figure.
        rows: Makes its numbers, for a CSV file.
    """

    name: str
    title: str
    explained: str
    draw: Callable[[], Figure]
    rows: Callable[[], Sequence[Row]]


class StudyFigures:
    """All figures that a study has something for.

    Args:
        record: The study.
    """

    def __init__(self, record: StudyRecord) -> None:
        self._record = record
        self._rung = first_rung(record)
        self._at_rung = [trial for trial in record.trials if self._rung in trial.scores]

    def all(self) -> list[StudyFigure]:
        """In the order of the page."""
        record, figures = self._record, list[StudyFigure]()
        if record.trials:
            figures.append(self._history())
        if any(record.curves.values()):
            figures.append(self._curves())
        if len(self._at_rung) > 1 and self._values:
            figures += [self._parallel(), self._slices()]
            if len(self._leading) == 2:
                figures.append(self._contours(*self._leading))
            if self._importances:
                figures.insert(2, self._importance())
        return figures

    @cached_property
    def _values(self) -> list[ParameterValues]:
        return parameter_values(self._record, self._at_rung)

    @cached_property
    def _importances(self) -> dict[str, float]:
        return importances(self._record)

    @property
    def _leading(self) -> list[ParameterValues]:
        """The two settings that matter most; fewer where fewer are known to."""
        by_name = {each.name: each for each in self._values}
        return [by_name[name] for name in list(self._importances)[:2]]

    @property
    def _scores(self) -> list[float]:
        return [trial.scores[self._rung] for trial in self._at_rung]

    @property
    def _after(self) -> str:
        return f"after {counted(self._rung, 'epoch')}, which {counted(len(self._at_rung), 'trial')} reached"

    def _history(self) -> StudyFigure:
        trials = self._record.trials
        first = trials[0]
        shipped = first.score if first.number == 0 and first.state == "complete" else None
        return StudyFigure(
            "optimisation-history",
            "Optimisation history",
            "Every dot is a trial, at the validation accuracy it had reached when it was judged last. Hollow dots were "
            "stopped early to save time; the line follows the best that was trained to the end. Where it is flat for "
            "long, more trials would hardly have found more.",
            lambda: plot_optimisation_history(
                [trial.number for trial in trials],
                [trial.score for trial in trials],
                [trial.state for trial in trials],
                shipped,
            ),
            lambda: [
                {key: getattr(trial, key) for key in ("number", "round", "state", "epochs", "score", "reason")}
                for trial in trials
            ],
        )

    def _curves(self) -> StudyFigure:
        curves = self._record.curves
        rungs = sorted({rung for trial in self._record.trials for rung in trial.scores})
        return StudyFigure(
            "learning-curves",
            "Learning curves of the trials",
            "Validation accuracy, epoch by epoch. At the dashed lines trials were compared, and only the better ones "
            "went on. If curves still cross behind the first line, it came too early to judge by.",
            lambda: plot_trial_curves(curves, rungs),
            lambda: [
                {"trial": number, "epoch": epoch, "validation_accuracy": value}
                for number, curve in curves.items()
                for epoch, value in enumerate(curve, start=1)
            ],
        )

    def _importance(self) -> StudyFigure:
        return StudyFigure(
            "importances",
            "Which settings mattered",
            f"How much each setting explains of being among the better trials {self._after} (PED-ANOVA, as Optuna "
            "computes it). With a few dozen trials this is a rough guide: trust the order of the first ones only.",
            lambda: plot_parameter_importances(self._importances),
            lambda: [{"setting": key, "importance": value} for key, value in self._importances.items()],
        )

    def _parallel(self) -> StudyFigure:
        return StudyFigure(
            "parallel-coordinates",
            "All settings side by side",
            f"Each line is a trial and passes through its settings to its accuracy {self._after}. Where the best lines "
            "run together, that setting matters; where they spread, it does not.",
            lambda: plot_parallel_coordinates(self._values, self._scores),
            self._setting_rows,
        )

    def _slices(self) -> StudyFigure:
        return StudyFigure(
            "slices",
            "Score against each setting",
            f"One panel a setting, one dot a trial, at its accuracy {self._after}; the square is the best. If it lies "
            "at the edge of a panel, search further out on that side.",
            lambda: plot_setting_slices(self._values, self._scores),
            self._setting_rows,
        )

    def _contours(self, first: ParameterValues, second: ParameterValues) -> StudyFigure:
        return StudyFigure(
            "contours",
            "The two settings that mattered most",
            f"One dot a trial, the deeper the better {self._after}; the square is the best. Between numbers, areas "
            "join trials of about the same accuracy. A dark area that lies aslant says that the two depend on each "
            "other: neither can be chosen alone.",
            lambda: plot_setting_contours(first, second, self._scores),
            self._setting_rows,
        )

    def _setting_rows(self) -> list[Row]:
        def row(place: int, trial: Trial) -> Row:
            values = {each.name: each.values[place] for each in self._values}
            return {"trial": trial.number, "epochs": self._rung, "score": trial.scores[self._rung], **values}

        return [row(place, trial) for place, trial in enumerate(self._at_rung)]
