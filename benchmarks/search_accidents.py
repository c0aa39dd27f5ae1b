"""What accidents leave of a search: nothing that could be seen. Each study is compared with an undisturbed one.

    python benchmarks/search_accidents.py --kills 20

On the digits, in a scratch folder:

jobs      the same study with one process and with two
kills     SIGKILL at random moments, of a process that trains or of all; after the latter the same command again
together  two commands on one study at once, of which one is killed
trials    one that takes all memory, one whose process dies, one that never ends, one whose loss is not a number: each
          is one failed trial with its reason
disk      a disk that fills up (a small tmpfs, which only root may mount); with more room the same command again

A study is compared by its trials' table with every score to the last digit, the verdict, the recipe found and Optuna's
journal.
"""

import argparse
import atexit
import contextlib
import csv
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from _measure import begin

COMMAND = (
    *(sys.executable, "-m", "cifarlab", "tune", "smoke", "--name", "study"),
    *("--trials", "12", "--epochs", "3", "--confirm-seeds", "1"),
)
SPACE = ("--only", "--range", "learning_rate=1e-4..1e-1:log", "--choice", "model.widths=(32,);(256,);(256, 128)")
UNRULY = '''
"""A network that behaves badly on demand."""
import os, signal, time

from cifarlab.models import mlp


def build(input_shape, num_classes, *, widths=(32,), dropout=0.0, behaviour="well"):
    if behaviour == "memory":
        import numpy as np

        hoard = [np.ones(2**27) for _ in range(1000)]  # a GiB each
    if behaviour == "dies":
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory ends
    while behaviour == "endless":
        time.sleep(1)
    return mlp.build(input_shape, num_classes, widths=widths, dropout=dropout)
'''
MEMORY = 8 * 2**30
"""Bytes that a process may have: this machine is to survive."""
SECONDS = 900.0


@dataclass(frozen=True)
class Row:
    """An accident, how often, and what came of it."""

    accident: str
    count: int
    is_same: bool
    seconds: float
    note: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", nargs="+", choices=list(ACCIDENTS), default=list(ACCIDENTS))
    arguments = begin(parser)
    with tempfile.TemporaryDirectory() as scratch:
        undisturbed = Path(scratch) / "undisturbed"
        finish(undisturbed, jobs=1)
        chance, is_same = random.Random(arguments.seed), True
        for name in arguments.only:
            row = ACCIDENTS[name](Path(scratch), undisturbed, chance, arguments.kills)
            is_same &= row.is_same
            said = "the same study" if row.is_same else "ANOTHER STUDY"
            print(f"{row.accident:58} {row.count:3}  {said}  {row.seconds:5.0f} s  {row.note}", flush=True)
    sys.exit(0 if is_same else 1)


def content(folder: Path) -> list[str]:
    """All that a study says, but for its place."""
    study = folder / "study"
    files = [path for name in ("trials.csv", "verdict.json", "best.py") for path in study.glob(name)]
    texts = [re.sub("train .*best.py", "train best.py", path.read_text("utf-8")) for path in files]
    return [*texts, *(path.read_text("utf-8") for path in sorted(study.glob("trials/*.json"))), repr(journal(study))]


def journal(study: Path) -> list[object]:
    """The trials as Optuna reads them."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(study / "journal.log")))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials = optuna.load_study(study_name="study", storage=storage).trials
    return [(each.state, each.value, each.params, each.intermediate_values) for each in trials]


def start(folder: Path, *options: str, jobs: int = 2, space: Sequence[str] = SPACE) -> "subprocess.Popen[str]":
    """A `tune` in a group of its own, so that all of it can be killed at once."""
    words = [*COMMAND, *space, "--jobs", str(jobs), "--studies-dir", str(folder), *options]
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    atexit.register(_end_group, process)  # an interrupt reaches no other session
    return process


def finish(folder: Path, *options: str, jobs: int = 2, space: Sequence[str] = SPACE) -> None:
    """A whole study.

    Raises:
        SystemExit: If it does not end well.
    """
    process = start(folder, *options, jobs=jobs, space=space)
    _, said = process.communicate(timeout=SECONDS)
    if process.returncode:
        raise SystemExit(f"the study in {folder} ended with {process.returncode}: {said}")


def other_jobs(scratch: Path, undisturbed: Path, chance: random.Random, kills: int) -> Row:
    """Two processes instead of one."""
    began = time.monotonic()
    finish(scratch / "jobs", jobs=2)
    return Row("two processes instead of one", 1, is_same(scratch / "jobs", undisturbed), time.monotonic() - began)


def is_same(folder: Path, other: Path) -> bool:
    """Whether two studies say the same; what differs goes to standard error."""
    pairs = list(zip(content(folder), content(other), strict=False))
    for ours, theirs in pairs:
        if ours != theirs:
            print(f"--- {folder}\n{ours}\n--- {other}\n{theirs}", file=sys.stderr)
    return content(folder) == content(other)


def kill(scratch: Path, undisturbed: Path, chance: random.Random, kills: int) -> Row:
    """Kill processes that train, or all, until it has been done so often; studies that end before are begun anew."""
    began, done, studies, same = time.monotonic(), {"one": 0, "all": 0}, 0, True
    while sum(done.values()) < kills:
        studies += 1
        folder = scratch / f"kills{studies}"
        process = start(folder)
        while not _ends_within(process, chance.uniform(3.0, 25.0)) and sum(done.values()) < kills:
            workers = _workers_of(process.pid)
            if workers and chance.random() < 0.5:
                done["one"] += _kill(chance.choice(workers))
            else:
                done["all"] += 1
                _kill_group(process)
                process = start(folder)
        _, said = process.communicate(timeout=SECONDS)
        if process.returncode:
            raise SystemExit(f"the study in {folder} ended with {process.returncode}: {said}")
        same &= is_same(folder, undisturbed)
    note = f"{done['one']} of one process, {done['all']} of all, in {studies} studies"
    return Row("SIGKILL at random moments", sum(done.values()), same, time.monotonic() - began, note)


def together(scratch: Path, undisturbed: Path, chance: random.Random, kills: int) -> Row:
    """Two commands on one study; the first, which writes its files, is killed."""
    began, folder = time.monotonic(), scratch / "together"
    first = start(folder, jobs=1)
    _ends_within(first, 5.0)
    second = start(folder, jobs=1)
    _ends_within(first, 30.0)
    _kill_group(first)
    _, said = second.communicate(timeout=SECONDS)
    if second.returncode:
        raise SystemExit(f"the second command ended with {second.returncode}: {said}")
    return Row("two commands on one study, the first one killed", 1, is_same(folder, undisturbed), _since(began))


def bad_trials(scratch: Path, undisturbed: Path, chance: random.Random, kills: int) -> Row:
    """Trials that cannot end well: with one process and with two the same study, with the same reasons."""
    began, model = time.monotonic(), scratch / "unruly.py"
    model.write_text(UNRULY, "utf-8")
    space = (
        *("--only", "--sampler", "grid", "--pruner", "none", "--fix", f"model={model}", "--max-trial-minutes", "1"),
        *("--choice", "model.behaviour=well,memory,dies,endless", "--choice", "learning_rate=1e-2,1e30"),
    )
    folders = [scratch / f"bad{jobs}" for jobs in (1, 2)]
    with _limited_memory():
        for jobs, folder in enumerate(folders, start=1):
            finish(folder, jobs=jobs, space=space)
    table = (folders[0] / "study" / "trials.csv").read_text("utf-8")
    failed = [row["reason"] for row in csv.DictReader(table.splitlines()) if row["state"] == "failed"]
    reasons = {word: sum(word in reason for reason in failed) for word in ("MemoryError", "died", "longer", "became")}
    name = "trials: all memory, died, endless, NaN; one process, two"
    # Each of the first three with both learning rates, and the network that behaves well with the one that is too high.
    is_right = list(reasons.values()) == [2, 2, 2, 1] and is_same(folders[0], folders[1])
    return Row(name, len(failed), is_right, _since(began), ", ".join(f"{word} {n}" for word, n in reasons.items()))


def full_disk(scratch: Path, undisturbed: Path, chance: random.Random, kills: int) -> Row:
    """A disk that fills up in mid-study, is emptied, and the same command again."""
    began, name, folder = time.monotonic(), "a disk that fills up, then the same command", scratch / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder], capture_output=True).returncode:
        return Row(name, 0, True, 0.0, "not tried: only root may mount a small disk")
    try:
        process = start(folder)
        _, said = process.communicate(timeout=SECONDS)
        is_said = process.returncode == 2 and "No space left on device" in said
        subprocess.run(["mount", "-o", "remount,size=500m", folder], check=True)
        finish(folder)
        return Row(
            name, 1, is_said and is_same(folder, undisturbed), _since(began), said.strip().splitlines()[-1][-150:]
        )
    finally:
        subprocess.run(["umount", folder], check=False)


ACCIDENTS: dict[str, Callable[[Path, Path, random.Random, int], Row]] = {
    "jobs": other_jobs,
    "kills": kill,
    "together": together,
    "trials": bad_trials,
    "disk": full_disk,
}


def _since(began: float) -> float:
    return time.monotonic() - began


def _ends_within(process: "subprocess.Popen[str]", seconds: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None


def _workers_of(pid: int) -> list[int]:
    """Its children that train."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in path.joinpath("cmdline").read_bytes():
                found.append(int(path.name))
    return sorted(found)


def _kill(pid: int) -> int:
    """1 if it was still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return 1
    return 0


def _end_group(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        _kill_group(process)


def _kill_group(process: "subprocess.Popen[str]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """What is begun in it may have so much memory and no more."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


if __name__ == "__main__":
    main()
