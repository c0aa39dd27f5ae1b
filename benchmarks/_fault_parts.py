"""The parts of `faults.py`: each is tried again and again, and counted."""

import argparse
import contextlib
import errno
import hashlib
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _faults import (
    NAME,
    Count,
    Shim,
    Subject,
    begin_apart,
    check_whole,
    cifar_subject,
    content,
    convnet_subject,
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
    if arguments.fast:
        return {"kills": _kill("kills, dense on digits", small_subject, 6, scratch, arguments.seed)}
    trials: dict[str, tuple[Callable[[], Subject], int]] = {
        "kills, mlp2": (lambda: cifar_subject("mlp2", 8, 5000), arguments.kills),
        "kills, convnet": (convnet_subject, arguments.convnet_kills),
    }
    return {name: _kill(name, make, number, scratch, arguments.seed) for name, (make, number) in trials.items()}


def _kill(name: str, make: Callable[[], Subject], number: int, scratch: Path, seed: int) -> Count:

    write_every_epoch()
    count, chance, subject = Count(), random.Random(seed), make()
    whole, log = scratch / name, scratch / f"{name}.log"
    began = time.monotonic()
    if run_apart(lambda: subject.train(whole) and 0, log) != 0:
        sys.exit(f"error: {name}: an undisturbed training failed: {log.read_text()}")
    seconds = time.monotonic() - began
    # Read apart too: a process that has computed must not be copied.
    expected = _content_apart(whole / "run", log)
    while count.tried < number:
        with fresh(scratch) as folder:
            note = _kill_once(subject, folder, log, chance, seconds)
            same = (folder / "run" / "run.json").is_file() and _content_apart(folder / "run", log) == expected
            count.add("" if same else f"{note}: another end, see {_keep(folder, log)}", note)
    _tell(name, count, began)
    return count


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


def _content_apart(run: Path, log: Path) -> str:
    """A checksum of `content`, made in another process."""
    answer = log.with_suffix(".answer")
    answer.unlink(missing_ok=True)

    def work() -> int:
        answer.write_text(hashlib.sha256(repr(content(open_run(run))).encode()).hexdigest())
        return 0

    run_apart(work, log)
    return answer.read_text() if answer.is_file() else "none"


def writes(scratch: Path, arguments: argparse.Namespace) -> dict[str, Count]:
    """Each operation on the disk fails once."""
    write_every_epoch()
    began, shim, subject, count = time.monotonic(), Shim(), small_subject(), Count()
    with fresh(scratch) as folder:
        shim.watch(folder)
        expected = content(subject.train(folder))
        operations = shim.count
        shim.stop()
    every = max(1, operations // 12) if arguments.fast else arguments.every
    kinds = itertools.cycle([[error] for error in ERRORS]) if arguments.fast else itertools.repeat(ERRORS)
    for nth, errors in zip(range(1, operations + 1, every), kinds, strict=False):
        for name, number, is_short in errors:
            with fresh(scratch) as folder:
                problem, ended = _fail_once(shim, subject, folder, (nth, number, is_short), expected)
                count.add(f"operation {nth} of {operations}, {name}: {problem}" if problem else "", ended)
    _tell(f"writes that fail, of {operations} operations", count, began)
    return {"writes": count}


def _fail_once(
    shim: Shim, subject: Subject, folder: Path, fault: tuple[int, int, bool], expected: list[object]
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
    began, shim, subject, count = time.monotonic(), Shim(), small_subject(), Count()
    recorded, record = (scratch / "recorded").resolve(), scratch / "record"
    recorded.mkdir()
    shim.watch(recorded)
    shim.record(record)
    expected = content(subject.train(recorded))
    shim.stop()
    operations = read_record(record)
    states = list(cuts(operations, arguments.seed, 0 if arguments.fast else arguments.cuts))
    chosen = states[:: max(1, len(states) // 12)] if arguments.fast else states
    for number, state in chosen:
        with fresh(scratch) as folder:
            lay_out(state, recorded, folder)
            problem, ended = _go_on_after_a_cut(subject, folder, expected)
            count.add(f"after {number} of {len(operations)} operations: {problem}" if problem else "", ended)
    _tell(f"power cuts, {len(states)} states of {len(operations)} operations", count, began)
    return {"power": count}


def _go_on_after_a_cut(subject: Subject, folder: Path, expected: list[object]) -> tuple[str, str]:
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
    began, count, log = time.monotonic(), Count(), scratch / "pairs.log"
    paused, whole = _prepare_pairs(scratch, log)
    times = 1 if arguments.fast else arguments.pairs
    chosen = FAST_PAIRS if arguments.fast else tuple(itertools.combinations_with_replacement(COMMANDS, 2))
    for pair in chosen:
        for _ in range(times):
            problem, note = _run_pair(scratch, paused, pair, log, whole)
            count.add(f"{' and '.join(pair)}: {problem}" if problem else "", note)
    _tell(f"two commands at once, {len(chosen)} pairs", count, began)
    return {"pairs": count}


def _prepare_pairs(scratch: Path, log: Path) -> tuple[Path, str]:
    """A run that was paused after an epoch, and what is left of one that was not."""
    subject = small_subject()

    def pause() -> int:
        run = training.train(subject.recipe, runs_dir=scratch / "paused", name=NAME, show=False, until=1)
        return max(command(["evaluate", str(run.path), "--split", split]) for split in ("test", "validation"))

    if run_apart(pause, log) or run_apart(lambda: subject.train(scratch / "whole") and 0, log):
        sys.exit(f"error: an undisturbed training failed: {log.read_text()}")
    return scratch / "paused" / NAME, _content_apart(scratch / "whole" / NAME, log)


def _run_pair(scratch: Path, paused: Path, pair: Sequence[str], log: Path, whole: str) -> tuple[str, str]:
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
    answer = run.parent / "answer"
    run_apart(lambda: answer.write_text(check_whole(Run(run))) and 0, log)
    if problem := answer.read_text():
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


def _tell(name: str, count: Count, began: float) -> None:
    print(f"{name}: {count}, {time.monotonic() - began:.0f} s", flush=True)
    for problem in count.wrong:
        print(f"  {problem}", flush=True)


PARTS = {"kills": kills, "pairs": pairs, "writes": writes, "power": power}
"""Those that make copies of this process come first: before it has computed anything."""
