"""Library: the runs and data sets behind the pages, read once and again only when their files change.

Nothing outside the folder of runs and the data is opened: a run's name from an address is looked up in the listing,
never joined to a path, and a picture's id is looked up among the ids of its data set.
"""

import contextlib
import importlib
import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from starlette.exceptions import HTTPException

from cifarlab import datasets
from cifarlab.reports.page import check_together
from cifarlab.reports.rendering import sections
from cifarlab.runs import Run
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.data_set import Collection, slug_of
from cifarlab.web.pages.label_doubts import Doubts, weigh_labels, why_unfit
from cifarlab.web.pages.run_reading import read_summary
from cifarlab.web.pages.run_summaries import RunSummary, Signature, is_real_folder, sign
from cifarlab.web.settings import Settings

# Without a file, without a network: always there to look at.
ALWAYS = "digits"
MOST_OPINIONS = 5
MOST_LEFT_OUT = 20
_MOST_KEPT = 256
# A page asks for the list several times, and looks at every file of every run for it.
_FRESH_SECONDS = 0.2

T = TypeVar("T")


class Library:
    """Cached reading of runs and data sets; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is read yet."""
        self._settings = settings
        self._lock = threading.RLock()
        self._loading = threading.Lock()
        self._summaries: dict[str, tuple[Signature, RunSummary]] = {}
        self._listed: tuple[float, list[RunSummary]] = (-math.inf, [])
        self._changed = -math.inf
        self._kept: dict[Hashable, Any] = {}
        self._collections: dict[str, Collection] = {}

    @property
    def runs_dir(self) -> Path:
        """The folder of all runs."""
        return self._settings.runs_dir

    def summaries(self) -> list[RunSummary]:
        """Every run, in the order of their names; a list as old as the blink of an eye is not made again."""
        made, listed = self._listed
        began = time.monotonic()  # the list is as old as what was read first
        if made > max(began - _FRESH_SECONDS, self._changed):
            return list(listed)
        found = (name for name in self._names() if not name.startswith(".") and is_real_folder(self.runs_dir / name))
        names = sorted(found, key=str.casefold)
        summaries = [summary for name in names if (summary := self._read(name)) is not None]
        with self._lock:
            for gone in self._summaries.keys() - set(names):
                del self._summaries[gone]
            self._listed = (began, summaries)
        return list(summaries)

    def expire(self) -> None:
        """Make the list again however young it is: something has been changed."""
        self._changed = time.monotonic()

    def summary(self, name: str) -> RunSummary:
        """One run.

        Raises:
            HTTPException: 404 if no run of the listing has this name.
        """
        if (summary := self._find(name)) is None:
            raise HTTPException(404, f"there is no run {name!r} in {self.runs_dir}")
        return summary

    def has_run(self, name: str) -> bool:
        """Whether the listing has a run of this name."""
        return self._find(name) is not None

    def has_folder(self, name: str) -> bool:
        """Whether a run's folder, or anything else, has this name."""
        return name.casefold() in {each.casefold() for each in self._names()}

    def predictions(self, summary: RunSummary, split: str) -> Predictions:
        """What a run said about its own `split`.

        Raises:
            CifarlabError: If it has not been evaluated there, or its predictions are not those of its scores.
            StaleError: If they are of an earlier model.
        """
        run = summary.run
        run.stored_predictions_file(split)
        return self.keep(("predictions", *_files_of(summary, split)), lambda: _read_predictions(run, split))

    def doubts(self, data: str, split: str) -> Doubts | None:
        """What the most accurate runs think of a split's labels; None where none was asked about it.

        Of training images those are asked that left them out, as the folds of a training do: a run's probabilities of
        what it was trained on say nothing of the label. Nor are those asked whose labels were corrected by a file.

        Args:
            data: Name of the data set.
            split: `"train"`, `"validation"` or `"test"`.
        """
        asked, not_asked = self._asked(data, split)
        if not asked:
            return None
        key = ("doubts", data, split, tuple((summary.name, summary.signature) for summary in asked))
        read = _held_out(split)
        found = self.keep(key, lambda: weigh_labels({each.name: self.predictions(each, read) for each in asked}, key))
        return replace(found, not_asked=not_asked)

    def not_asked(self, data: str, split: str) -> dict[str, str]:
        """Runs whose predictions would count among the doubts and cannot be used: name of each to what is wrong."""
        return self._asked(data, split)[1]

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a key; the least recently used of many are forgotten.

        Two visitors who ask at once may both make it: nobody waits for another's lock.
        """
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)
                known: T = self._kept[key]
                return known
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return made

    def kept(self, key: Hashable) -> tuple[bool, Any]:
        """Whether `keep` has something for a key, and what."""
        with self._lock:
            return key in self._kept, self._kept.get(key)

    def data_names(self) -> dict[str, str]:
        """Data sets that may be shown, by the word that stands for each in addresses: the app's own, those of runs.

        A run's data that are a folder or a Python file are left out: only who starts the app may name those.
        """
        known = set(discovery.names("datasets"))
        names = [self._settings.data, *sorted({summary.data for summary in self.summaries()} & known), ALWAYS]
        return {slug_of(name): name for name in dict.fromkeys(names)}

    def collection(self, slug: str) -> Collection:
        """A data set with its pictures, loaded when it is first asked for.

        Raises:
            HTTPException: 404 if it is not one of `data_names`.
            CifarlabError: If it cannot be loaded.
        """
        known = self._collections.get(slug)
        if known is not None:
            return known
        name = self.data_names().get(slug)
        if name is None:
            raise HTTPException(404, f"there is no data set {slug!r} here")
        with self._loading:
            if slug not in self._collections:
                splits = datasets.load_data(name, data_dir=self.data_dir(name), download=False)
                self._collections[slug] = Collection(slug, name, splits)
        return self._collections[slug]

    def find_collection(self, name: str) -> Collection | str:
        """A data set by its name; where it cannot be had, the reason."""
        if slug_of(name) not in self.data_names():
            return f"they are shown where the app is started with {data_option(name)}"
        try:
            return self.collection(slug_of(name))
        except CifarlabError as error:
            return str(error)

    def loaded(self, name: str) -> Collection | None:
        """A data set that is in memory already, or in no time; else None."""
        return self.collection(ALWAYS) if name == ALWAYS else self._collections.get(slug_of(name))

    def data_dir(self, name: str) -> str | None:
        """Where a data set is: as the app was told, or where a run found it."""
        if name == self._settings.data:
            return None if self._settings.data_dir is None else str(self._settings.data_dir)
        places = (summary.run.data_dir for summary in self.summaries() if summary.data == name)
        return next((place for place in places if place), None)

    def warm_up(self) -> None:
        """Load the app's own data set in a thread, so that the first page need not wait for it."""
        threading.Thread(target=self._warm_up, name="cifarlab-warm-up", daemon=True).start()

    def _asked(self, data: str, split: str) -> tuple[list[RunSummary], dict[str, str]]:
        """The most accurate runs that can be asked about a split's labels; and why others of them cannot."""
        read, most = _held_out(split), MOST_LEFT_OUT if split == "train" else MOST_OPINIONS
        runs = [summary for summary in self.summaries() if summary.data == data]
        if read == "validation":
            runs = [summary for summary in runs if not summary.run.labels_file.is_file()]
        damage = {
            summary.name: summary.damaged[file.name]
            for summary in runs
            if summary.damaged  # of most runs nothing is
            for file in (summary.run.scores_file(read), summary.run.predictions_file(read))
            if file.name in summary.damaged
        }
        asked: list[RunSummary] = []
        evaluated = [summary for summary in runs if read in summary.evaluated]
        for summary in sorted(evaluated, key=lambda summary: -(summary.scores[read].accuracy or 0)):
            if len(asked) == most:
                break
            if why := self._why_unfit(summary, read):
                damage[summary.name] = why
            else:
                asked.append(summary)
        return asked, damage

    def _why_unfit(self, summary: RunSummary, split: str) -> str:
        """Why a run's predictions say nothing of the labels; empty where they do, or nobody here can tell."""
        collection = self.find_collection(summary.data)

        def look() -> str:
            try:
                predictions = self.predictions(summary, split)
            except CifarlabError as error:
                return str(error)
            return why_unfit(predictions, collection, split) if isinstance(collection, Collection) else ""

        return self.keep(("fit", isinstance(collection, Collection), *_files_of(summary, split)), look)

    def _warm_up(self) -> None:
        importlib.import_module("cifarlab.evaluation.comparison.pairs")  # brings SciPy, which the first page waits for
        sections()
        with contextlib.suppress(CifarlabError, OSError):  # what is damaged or gone is said on the pages that need it
            self.summaries()
            self.find_collection(self._settings.data)
            self.doubts(self._settings.data, "test")

    def _names(self) -> list[str]:
        try:
            return [each.name for each in self.runs_dir.iterdir()]
        except OSError:
            return []

    def _find(self, name: str) -> RunSummary | None:
        # The name is compared with those that are there before any path is made of it.
        is_listed = not name.startswith(".") and name in self._names() and is_real_folder(self.runs_dir / name)
        return self._read(name) if is_listed else None

    def _read(self, name: str) -> RunSummary | None:
        run = Run(self.runs_dir / name)
        signature = sign(run.path)
        with self._lock:
            known = self._summaries.get(name)
        # A run that is being trained may end without any change to its files: it is looked at each time.
        if known is not None and known[0] == signature and known[1].state != "running":
            return known[1]
        if (summary := read_summary(run, signature)) is None:
            return None
        with self._lock:
            self._summaries[name] = (signature, summary)
        return summary


def _held_out(split: str) -> str:
    """The part that a run is asked about: for training images, of which a run says nothing itself, what it left out."""
    return "validation" if split == "train" else split


def _files_of(summary: RunSummary, split: str) -> tuple[Hashable, ...]:
    """Changes with the predictions on a split, the scores beside them, or the model."""
    run = summary.run
    files = run.predictions_file(split), run.scores_file(split), run.model_file
    return summary.name, split, *(sign(file) for file in files)


def _read_predictions(run: Run, split: str) -> Predictions:
    """The predictions, once they are sure to be those of the scores beside them."""
    predictions = run.predictions(split)
    if run.scores_file(split).is_file():
        check_together(run, split, run.scores(split), predictions)
    return predictions


def data_option(name: str) -> str:
    """The option of `cifarlab serve` that shows a data set, and what must be known of one that is code."""
    code = " (it is Python code: only if you trust it)" if own_code.is_own(name) else ""
    return f"--data {name}{code}"
