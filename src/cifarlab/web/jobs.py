"""Jobs: trainings, evaluations and searches that the app started, each a process that outlives the server."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifarlab.runs import Run
from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError, WrongField
from cifarlab.web.job_rules import is_name, plain_lines, resolve, training_process
from cifarlab.web.settings import Settings

LOGS = ".trainings"
SPLITS = ("test", "validation")
RESUMED = "resumed training"
_PROGRAM = "import sys; from cifarlab.cli.main import main; sys.exit(main())"
_LOG_BYTES = 20_000


@dataclass
class Job:
    """A process that this server started.

    Attributes:
        name: Of its run or study.
        what: What it does, in a word.
    """

    name: str
    process: subprocess.Popen[bytes]
    what: str = "training"
    stopping: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    @property
    def failed(self) -> bool:
        """Whether it has ended with an error."""
        return self.process.poll() not in (None, 0)


class Jobs:
    """Starts and stops trainings; never two of the same name."""

    def __init__(self, settings: Settings) -> None:
        """Nothing runs yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._evaluations: dict[str, Job] = {}
        self._searches: dict[str, Job] = {}

    def start(
        self,
        name: str,
        recipe_name: str,
        settings: Sequence[str],
        data_names: Mapping[str, str],
        labels: Path | None = None,
    ) -> Job:
        """Begin a training.

        Args:
            name: Of its run; nothing else has it.
            recipe_name: One of the built-in recipes.
            settings: Overrides such as `"epochs=150"`.
            data_names: The data sets that may be trained on, the values.
            labels: The labels file by which training and validation labels are corrected; one that the app offered.

        Raises:
            CifarlabError: If a value is wrong, the name is taken, or the recipe would run code or read files from
                elsewhere.
        """
        resolved = resolve(recipe_name, settings, data_names)
        if not is_name(name):
            raise WrongField(
                "a run's name is made of letters, digits, '.', '_' and '-', at most 80, and begins with a letter or "
                f"digit. Received: {name!r}",
                "name",
            )
        with self._lock:  # from looking whether the name is taken to taking it
            folder = self._settings.runs_dir
            # The process makes its folder seconds later: until then only `_jobs` knows the name. Without case, since
            # some file systems have none.
            alive = name in self._jobs and self._jobs[name].is_alive
            taken = {each.name.casefold() for each in folder.iterdir()} if folder.is_dir() else set()
            if alive or name.casefold() in taken:
                raise WrongField(f"there is already a run {name!r}: choose another name", "name")
            words = ["train", recipe_name, "--name", name, "--runs-dir", str(folder)]
            words += [word for setting in settings for word in ("--set", setting)]
            words += [] if labels is None else ["--labels", str(labels)]
            self._jobs[name] = Job(name, self._launch(self._log_file(name), words, resolved.data))
            return self._jobs[name]

    def evaluate(self, name: str, split: str, data: str) -> Job:
        """Begin to evaluate a run: a look at these images, which is counted.

        Args:
            name: Of a run of the listing.
            split: `"test"` or `"validation"`.
            data: The run's own data set.

        Raises:
            CifarlabError: If the split is another one, or the run is being trained or evaluated.
        """
        if split not in SPLITS:
            raise CifarlabError(f"a run is evaluated on one of: {', '.join(SPLITS)}. Received: {split!r}")
        return self._ask(name, "evaluation", ["evaluate", self._path(name), "--split", split], data)

    def calibrate(self, name: str, data: str) -> Job:
        """Begin to fit a run's temperature on its validation images.

        Raises:
            CifarlabError: If the run is being trained or evaluated.
        """
        return self._ask(name, "calibration", ["calibrate", self._path(name)], data)

    def resume(self, name: str, data: str) -> Job:
        """Go on with a training that was stopped.

        Raises:
            CifarlabError: If something works on the run already.
        """
        with self._lock:
            self._check_idle(name)
            job = Job(name, self._launch(self._log_file(name), ["train", "--resume", self._path(name)], data), RESUMED)
            self._jobs[name] = job
        return job

    def search(self, name: str, words: Sequence[str], data: str, *, joins: bool = False) -> Job:
        """Begin a search, or go on with one.

        Args:
            name: Of its study.
            words: Of `cifarlab`, without name and folder, checked before.
            data: The data set.
            joins: Whether the study must be there, or must not.

        Raises:
            CifarlabError: If the name is none, is taken, or a search of that name is under way.
        """
        if not is_name(name):
            raise WrongField(f"a study's name is made of letters, digits, '.', '_' and '-'. Received: {name!r}", "name")
        folder = self._settings.studies_dir
        with self._lock:
            job = self._searches.get(name)
            taken = {each.name.casefold() for each in folder.iterdir()} if folder.is_dir() else set()
            if (job is not None and job.is_alive) or (name.casefold() in taken) != joins:
                raise WrongField(f"there is already a study {name!r}: choose another name, or stop it first", "name")
            *options, mark, recipe = words
            own = [f"--name={name}", f"--studies-dir={folder}"]
            job = Job(name, self._launch(self._search_log(name), [*options, *own, mark, recipe], data))
            self._searches[name] = job
        return job

    def find_search(self, name: str) -> Job | None:
        """The search of that name, if this server started it."""
        return self._searches.get(name)

    def searches(self) -> list[Job]:
        """Every search that this server started, ended or not."""
        return list(self._searches.values())

    def stop_search(self, name: str) -> None:
        """Ask a search to stop as an interrupt in the terminal would: it can go on later.

        Raises:
            CifarlabError: If this server did not start it, or it has ended.
        """
        job = self._searches.get(name)
        if job is None or not job.is_alive:
            raise CifarlabError(f"{name} is not searched by this app: stop it where it was started, with Ctrl-C")
        job.stopping = True
        job.process.send_signal(signal.SIGTERM)

    def find_evaluation(self, name: str) -> Job | None:
        """The last evaluation of that run, if this server started it."""
        return self._evaluations.get(name)

    def find(self, name: str) -> Job | None:
        """The training of that name, if this server started it."""
        return self._jobs.get(name)

    def all(self) -> list[Job]:
        """Every training, evaluation and search that this server started, ended or not."""
        return [*self._jobs.values(), *self._evaluations.values(), *self._searches.values()]

    def is_busy(self, name: str) -> bool:
        """Whether a process that this server started works on that run."""
        return any(job is not None and job.is_alive for job in (self._jobs.get(name), self._evaluations.get(name)))

    def waiting(self) -> list[Job]:
        """Trainings that have no run folder yet: they are starting, or ended before they had one."""
        return [job for job in self._jobs.values() if not (self._settings.runs_dir / job.name).is_dir()]

    def stop(self, name: str) -> None:
        """Ask a training to stop as an interrupt in the terminal would: it keeps its last epoch.

        Raises:
            CifarlabError: If it is not running, or no training of ours.
        """
        job = self._jobs.get(name)
        if job is not None and job.is_alive:
            job.stopping = True
            # SIGTERM, which the command line treats as an interrupt: a child of a background process ignores SIGINT.
            job.process.send_signal(signal.SIGTERM)
            return
        process = training_process(Run(self._settings.runs_dir / name))
        if process is None:
            raise CifarlabError(f"{name} is not being trained by a process of cifarlab on this machine")
        os.kill(process, signal.SIGTERM)

    def forget(self, name: str) -> None:
        """Drop what ended and has no run folder any more from the list; its log stays."""
        if not self.is_busy(name):
            self._jobs.pop(name, None)
            self._evaluations.pop(name, None)

    def log(self, name: str, *, evaluation: bool = False, search: bool = False) -> str:
        """The end of what a training, an evaluation or a search printed; empty where the app did not start it."""
        if not is_name(name):
            return ""
        path = self._search_log(name) if search else self._log_file(name, evaluation=evaluation)
        try:
            with path.open("rb") as file:
                # A log may be of any size, and is read again every two seconds.
                file.seek(max(0, path.stat().st_size - _LOG_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return plain_lines(text)

    def _ask(self, name: str, what: str, words: Sequence[str], data: str) -> Job:
        """Begin something that needs the run's model."""
        with self._lock:
            self._check_idle(name)
            self._evaluations[name] = Job(name, self._launch(self._log_file(name, evaluation=True), words, data), what)
            return self._evaluations[name]

    def _check_idle(self, name: str) -> None:
        evaluation = self._evaluations.get(name)
        if self._is_being_trained(name) or (evaluation is not None and evaluation.is_alive):
            raise CifarlabError(f"{name} is being trained or evaluated: wait until that has ended")

    def _path(self, name: str) -> str:
        return str(self._settings.runs_dir / name)

    def _is_being_trained(self, name: str) -> bool:
        """Whether our training of that name has not ended; its process needs seconds more than its run."""
        job, run = self._jobs.get(name), Run(self._settings.runs_dir / name)
        # A run that is resumed has ended before, and says so until its process has begun.
        over = ("finished",) if job is not None and job.what == RESUMED else ("finished", "stopped", "failed")
        ended = run.state_file.is_file() and run.state["state"] in over
        return job is not None and job.is_alive and not ended

    def _launch(self, log_file: Path, words: Sequence[str], data: str) -> subprocess.Popen[bytes]:
        """A process of the command line, with the data found where the app finds them."""
        command = [sys.executable, "-c", _PROGRAM, words[0]]
        if self._settings.data_dir is not None and data == self._settings.data:
            command += ["--data-dir", str(self._settings.data_dir)]
        own = [self._settings.data] if own_code.is_own(self._settings.data) else []
        for file in (*self._settings.code, *own):  # what the operator named, and nothing that a run names
            command += ["--code", file]
        command += words[1:]
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            with log_file.open("wb") as log:
                # A session of its own: an interrupt in the server's terminal is not meant for it.
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
                )
        except OSError as error:
            raise CifarlabError(f"cannot start: {error.strerror or error}") from error
        # Waited for by somebody from the start: a job that is resumed while its process is ending is replaced, and
        # nobody would ask for its end any more.
        threading.Thread(target=process.wait, daemon=True, name=f"waits for {process.pid}").start()
        return process

    def _search_log(self, name: str) -> Path:
        return self._settings.studies_dir / LOGS / f"{name}.log"

    def _log_file(self, name: str, *, evaluation: bool = False) -> Path:
        return self._settings.runs_dir / LOGS / f"{name}{'.evaluation' if evaluation else ''}.log"
