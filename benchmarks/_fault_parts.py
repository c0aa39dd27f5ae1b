"""The parts of `faults.py`: each is tried again and again, and counted."""

import argparse
import contextlib
import errno
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from _faults import (
    NAME,
    Count,
    Shim,
    Subject,
    answer_apart,
    begin_apart,
    check_whole,
    cifar_subject,
    content,
    convnet_subject,
    counted_tries,
    end_apart,
    fresh,
    in_one_line,
    open_there,
    run_apart,
    small_subject,
    write_every_epoch,
)
from _power_loss import cuts, lay_out, read_record
from PIL import Image

from cifarlab import training
from cifarlab.cli.main import main as command
from cifarlab.runs import Run, open_run
from cifarlab.utils.text import counted

ERRORS = (
    ("no room", errno.ENOSPC, False),
    ("disk error", errno.EIO, False),
    ("quota", errno.EDQUOT, False),
    ("short write", errno.ENOSPC, True),
)


def kills(scratch: Path, arguments: argparse.Namespace) -> dict[str, Count]:
    """SIGKILL at random moments."""
    write_every_epoch()
    if arguments.fast:
        return {"kills": _kill("kills, dense on digits", small_subject, arguments.kills or 6, scratch, arguments.seed)}
    trials: dict[str, tuple[Callable[[], Subject], int]] = {
        "kills, mlp2": (lambda: cifar_subject("mlp2", 8, 5000), 100 if arguments.kills is None else arguments.kills),
        "kills, convnet": (convnet_subject, arguments.convnet_kills),
    }
    return {
        name: _kill(name, make, number, scratch, arguments.seed) for name, (make, number) in trials.items() if number
    }


def _kill(name: str, make: Callable[[], Subject], number: int, scratch: Path, seed: int) -> Count:
    chance, subject, whole, log = random.Random(seed), make(), scratch / name, scratch / f"{name}.log"
    began = time.monotonic()
    # Apart, as all that computes: a process that has must not be copied.
    if run_apart(lambda: subject.train(whole) and 0, log) != 0:
        sys.exit(f"error: {name}: an undisturbed training failed: {log.read_text()}")
    seconds = time.monotonic() - began
    expected = _content_apart(whole / NAME, log)

    def attempt() -> tuple[str, str]:
        with fresh(scratch) as folder:
            note = _kill_once(subject, folder, log, chance, seconds)
            same = (folder / NAME / "run.json").is_file() and _content_apart(folder / NAME, log) == expected
            return ("" if same else f"{note}: another end, see {_keep(folder, log)}"), note

    return counted_tries(name, itertools.repeat(attempt, number))


def _kill_once(subject: Subject, folder: Path, log: Path, chance: random.Random, seconds: float) -> str:
    """Kill a training, perhaps again while it goes on, then let it end; how often it was killed."""
    kills, run = 0, folder / NAME
    while True:
        is_there = (run / "command.txt").is_file()
        if not is_there:
            shutil.rmtree(run, ignore_errors=True)  # killed while the folder was made: begun anew by who started it
        work = (lambda: subject.go_on(run) and 0) if is_there else (lambda: subject.train(folder) and 0)
        is_enough = kills >= 2 or (kills and chance.random() < 0.7)
        code = run_apart(work, log, None if is_enough else chance.uniform(0.05, 1.0) * seconds)
        if code == 0:
            return f"killed {counted(kills, 'time')}" if kills else "ended before the kill"
        if code is not None:
            return f"ended with {code}"
        kills += 1


def _content_apart(run: Path, log: Path) -> str | None:
    answer: str | None = answer_apart(lambda: content(open_run(run)), log)
    return answer


def writes(scratch: Path, arguments: argparse.Namespace) -> dict[str, Count]:
    """Each operation on the disk fails once."""
    write_every_epoch()
    shim, subject, log = Shim(), small_subject(), scratch / "writes.log"
    operations, expected = answer_apart(lambda: _count_operations(shim, subject, scratch / "counted"), log)
    every = max(1, operations // 12) if arguments.fast else arguments.every
    numbers = range(arguments.first, operations + 1, every)
    ways = 1 if arguments.fast else arguments.ways
    # In turn, where each operation does not fail in every way.
    faults = [(nth, ERRORS[(place + way) % len(ERRORS)]) for place, nth in enumerate(numbers) for way in range(ways)]

    def attempt(nth: int, error: tuple[str, int, bool]) -> tuple[str, str]:
        name, number, is_short = error
        with fresh(scratch) as folder:
            work = partial(_fail_once, shim, subject, folder, (nth, number, is_short), expected)
            problem, ended = answer_apart(work, log) or (f"its process died: {log.read_text()[-2000:]}", "died")
        return (f"operation {nth} of {operations}, {name}: {problem}" if problem else ""), ended

    name = f"writes that fail, of {operations} operations"
    return {"writes": counted_tries(name, (partial(attempt, *fault) for fault in faults))}


def _count_operations(shim: Shim, subject: Subject, folder: Path) -> tuple[int, str]:
    folder.mkdir()
    shim.watch(folder)
    run = subject.train(folder)
    return shim.count, content(run)


def _fail_once(
    shim: Shim, subject: Subject, folder: Path, fault: tuple[int, int, bool], expected: str
) -> tuple[str, str]:
    """Train with one fault, then go on without: what is wrong, and how the training with the fault ended."""
    shim.watch(folder)
    shim.fail(*fault)
    problem, line = in_one_line(lambda: subject.train(folder))
    shim.stop()
    ended = "ended in one line" if line else "went on"
    problem = problem or check_whole(Run(folder / NAME))
    if problem:
        return problem, ended
    run = open_there(folder)
    if run is None:
        shutil.rmtree(folder / NAME, ignore_errors=True)
        run = subject.train(folder)
    elif run.state["state"] != "finished":
        problem, line = in_one_line(lambda: subject.go_on(run.path))
        problem = problem or line
    if not problem and content(run) != expected:
        problem = "another end"
    return problem, ended


def power(scratch: Path, arguments: argparse.Namespace) -> dict[str, Count]:
    """What a power cut may leave after each step."""
    write_every_epoch()
    shim, subject, log = Shim(), small_subject(), scratch / "power.log"
    recorded, record = (scratch / "recorded").resolve(), scratch / "record"
    expected = answer_apart(lambda: _record(shim, subject, recorded, record), log)
    operations = read_record(record)
    states = list(cuts(operations, arguments.seed, 0 if arguments.fast else arguments.cuts))
    every = max(1, len(states) // 12) if arguments.fast else arguments.every

    def attempt(number: int, state: dict[str, bytes]) -> tuple[str, str]:
        with fresh(scratch) as folder:
            lay_out(state, recorded, folder)
            work = partial(_go_on_after_a_cut, subject, folder, expected)
            problem, ended = answer_apart(work, log) or (f"its process died: {log.read_text()[-2000:]}", "died")
        return (f"after {number} of {len(operations)} operations: {problem}" if problem else ""), ended

    name = f"power cuts, {len(states)} states of {len(operations)} operations"
    return {"power": counted_tries(name, (partial(attempt, *each) for each in states[arguments.first - 1 :: every]))}


def _record(shim: Shim, subject: Subject, folder: Path, record: Path) -> str:
    folder.mkdir()
    shim.watch(folder)
    shim.record(record)
    run = subject.train(folder)
    shim.stop()
    return content(run)


def _go_on_after_a_cut(subject: Subject, folder: Path, expected: str) -> tuple[str, str]:
    """Go on from what a power cut left: what is wrong, and how it went on."""
    problem, _ = in_one_line(lambda: open_run(folder / NAME))
    run = open_there(folder)
    if problem or run is None:
        return problem, "no whole run yet: one line"
    if run.state["state"] != "finished":
        problem, line = in_one_line(lambda: subject.go_on(run.path))
        if problem or line:
            return problem or f"a run that cannot go on: {line}", "one line"
        ended = "went on"
    else:
        ended = "had finished"
    return ("" if content(run) == expected else "another end"), ended


# One of each command that takes a run; and which of them look at the test images, as their number is kept.
COMMANDS = {
    "resume": "train --resume {run}",
    "evaluate": "evaluate {run}",
    "evaluate validation": "evaluate {run} --split validation",
    "calibrate": "calibrate {run}",
    "report": "report {run}",
    "image": "image test/3 --runs {run}",
    "doubts": "doubts {run} --split validation --no-duplicates",
    "robustness": "robustness {run} --corruptions fog --severities 1 --limit 20 --attacks none",
    "predict": "predict {picture} --model {run}",
}
FAST_PAIRS = (("resume", "resume"), ("resume", "evaluate"), ("evaluate", "evaluate"), ("calibrate", "report"))


def pairs(scratch: Path, arguments: argparse.Namespace) -> dict[str, Count]:
    """Two commands at once."""
    write_every_epoch()
    log = scratch / "pairs.log"
    paused, whole = _prepare_pairs(scratch, log)
    chosen = FAST_PAIRS if arguments.fast else tuple(itertools.combinations_with_replacement(COMMANDS, 2))

    def attempt(pair: Sequence[str]) -> tuple[str, str]:
        problem, note = _run_pair(scratch, paused, pair, log, whole)
        return (f"{' and '.join(pair)}: {problem}" if problem else ""), note

    times = 1 if arguments.fast else arguments.pairs
    tries = (partial(attempt, pair) for pair in chosen for _ in range(times))
    return {"pairs": counted_tries(f"two commands at once, {len(chosen)} pairs", tries)}


def _prepare_pairs(scratch: Path, log: Path) -> tuple[Path, str | None]:
    """A run that was paused after an epoch, and what is left of one that was not."""
    subject = small_subject()

    def pause() -> int:
        run = training.train(subject.recipe, runs_dir=scratch / "paused", name=NAME, show=False, until=1)
        return max(command(["evaluate", str(run.path), "--split", split]) for split in ("test", "validation"))

    if run_apart(pause, log) or run_apart(lambda: subject.train(scratch / "whole") and 0, log):
        sys.exit(f"error: an undisturbed training failed: {log.read_text()}")
    return scratch / "paused" / NAME, _content_apart(scratch / "whole" / NAME, log)


def _run_pair(scratch: Path, paused: Path, pair: Sequence[str], log: Path, whole: str | None) -> tuple[str, str]:
    """Two commands at once on a copy of a paused run: what is wrong, and how they ended."""
    with fresh(scratch) as folder:
        run = folder / NAME
        shutil.copytree(paused, run)
        picture = _picture(folder)
        logs = [folder / f"{number}.log" for number in range(2)]
        words = [COMMANDS[each].format(run=run, picture=picture).split() for each in pair]
        begun = [begin_apart(_command(each), file) for each, file in zip(words, logs, strict=True)]
        codes = [end_apart(process) for process in begun]
        said = [file.read_text() for file in logs]
        note = f"exit codes {' and '.join(map(str, sorted(codes, key=str)))}"
        for code, text in zip(codes, said, strict=True):
            if code not in (0, 2) or "Traceback" in text or (code == 2 and "\ncifarlab: " not in f"\n{text}"):
                return f"exit code {code}: {text[-2000:]}", note
        if codes == [2, 2]:
            return f"neither was done: {said[0][-500:]} {said[1][-500:]}", note
        if problem := _check_pair(run, Run(paused), pair, codes, log):
            return problem, note
        if "resume" in pair and _content_apart(run, log) != whole:
            return "another end", note
        return "", note


def _command(words: Sequence[str]) -> Callable[[], int]:
    return lambda: command(words)


def _check_pair(run: Path, before: Run, pair: Sequence[str], codes: Sequence[int | None], log: Path) -> str:
    """Whether all files are whole, and no look at the test images was lost."""
    problem: str = answer_apart(lambda: check_whole(Run(run)), log)
    if problem:
        return problem
    for name in {"evaluate", "robustness"} & set(pair):
        done = sum(code == 0 and each == name for each, code in zip(pair, codes, strict=True))
        counted_looks = _test_looks(Run(run)).count(name) - _test_looks(before).count(name)
        if counted_looks != done:
            return f"{counted(done, 'look')} of {name}, {counted_looks} counted"
    return ""


def _test_looks(run: Run) -> list[str]:
    return [each["why"].split()[0] for each in run.looks() if each["split"] == "test"]


def _picture(folder: Path) -> Path:
    path = folder / "picture.png"
    Image.fromarray(np.full((32, 32, 3), 128, np.uint8)).save(path)
    return path


def _keep(folder: Path, log: Path) -> str:
    """Where what went wrong can be looked at."""
    kept = Path(tempfile.mkdtemp(prefix="cifarlab-faults-"))
    shutil.copytree(folder, kept / folder.name)
    with contextlib.suppress(OSError):
        shutil.copy(log, kept)
    return str(kept)
