"""Running a published PyTorch script with a few lines of it changed, and reading its results out of its table.

The script is read where its owner keeps it, changed in memory, and run from a temporary folder; no copy of it is kept.
Needs torch, torchvision and NumPy only, so that it runs in an environment of the peer's own.
"""

import argparse
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BATCHES = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"


class ScriptError(Exception):
    """One line for people: what was wrong, what was expected."""


@dataclass(frozen=True)
class Substitution:
    """A piece of the script's text, how often it must be there, and what it becomes."""

    old: str
    new: str
    count: int = 1


@dataclass(frozen=True)
class Result:
    """One run of a script, as it printed it; what it did not print is None."""

    seconds: float
    accuracy: float
    training_seconds: float | None
    single_view: float | None


def run_script(substitutions: Sequence[Substitution], path: Path, data_dir: Path, skip: int = 0) -> None:
    """Run the changed script on CIFAR-10, show its lines, and print a line of results for each of its runs.

    Args:
        substitutions: What to change in it.
        path: The script.
        data_dir: Folder with CIFAR-10 as its authors publish it, or with the scripts' own train.pt and test.pt.
        skip: Runs to leave out of the results, because something is compiled in them.

    Raises:
        ScriptError: If the script is another version, the data are not there, or it fails.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, which removes the folder
    source = changed(read_script(path), substitutions)
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        work = Path(folder)
        (work / path.name).write_text(source, encoding="utf-8")
        prepare_data(data_dir, work / "cifar10")
        lines = output_of([sys.executable, "-u", path.name], work)
        for number, result in enumerate(read_table(lines)):
            if number >= skip:
                print(described(number, result), flush=True)


def read_script(path: Path) -> str:
    """The script's text.

    Raises:
        ScriptError: If there is none.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot read the script {path}: {error}") from error


def changed(source: str, substitutions: Sequence[Substitution]) -> str:
    """The script's text with every substitution made, each as often as it must match.

    Raises:
        ScriptError: If one does not match so often: it is another version of the script.
    """
    for each in substitutions:
        found = source.count(each.old)
        if found != each.count:
            raise ScriptError(
                f"this version of the script is not known: expected {each.old.strip()!r} {each.count} times in it, "
                f"found it {found} times"
            )
        source = source.replace(each.old, each.new)
    return source


def read_table(lines: Iterable[str]) -> Iterator[Result]:
    """The results in the table that the airbench scripts print: a row an epoch, and one named eval that ends a run.

    The last two columns are the accuracy with test-time augmentation and the seconds so far, the one before them is
    the single-view accuracy. A run that calls itself warmup is left out.
    """
    run = ""
    training_seconds = single_view = None
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) < 6 or not (cells[1] == "eval" or cells[1].isdigit()):
            continue
        if cells[0]:
            run, training_seconds, single_view = cells[0], None, None
        if cells[1] != "eval":
            training_seconds, single_view = float(cells[-1]), float(cells[-3])
        elif run != "warmup":
            seen = float(cells[-3]) if cells[-3] else single_view
            yield Result(float(cells[-1]), float(cells[-2]), training_seconds, seen)


def described(number: int, result: Result) -> str:
    """The line that `time_to_accuracy.py --vs` reads."""
    words = [f"run {number}: seconds {result.seconds:.4f} accuracy {result.accuracy:.4f} (TTA)"]
    if result.training_seconds is not None:
        words.append(f"training-alone {result.training_seconds:.4f}")
    if result.single_view is not None:
        words.append(f"single-view {result.single_view:.4f}")
    return " ".join(words)


def output_of(command: list[str], folder: Path) -> Iterator[str]:
    """The lines that the command prints, each shown as it comes.

    Raises:
        ScriptError: If it fails.
    """
    last = "it printed nothing"
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process:
        try:
            for line in process.stdout or ():
                print(line, end="", file=sys.stderr, flush=True)
                last = line.strip() or last
                yield line
            code = process.wait()
        finally:
            process.kill()  # of no effect where it has ended; where we were interrupted it must not go on
    if code:
        raise ScriptError(f"the script ended with status {code}: {last}")


def prepare_data(data_dir: Path, folder: Path) -> None:
    """Put train.pt and test.pt, as the scripts themselves make them, into `folder`.

    Raises:
        ScriptError: If CIFAR-10 is not there, or is damaged.
    """
    folder.mkdir()
    names = ("train.pt", "test.pt")
    if all((data_dir / name).is_file() for name in names):
        for name in names:
            (folder / name).symlink_to((data_dir / name).resolve())
        return
    import torch
    import torchvision

    root = data_dir
    if not (data_dir / BATCHES).is_dir() and (data_dir / ARCHIVE).is_file():
        with tarfile.open(data_dir / ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
        root = folder
    for name in names:
        try:
            data = torchvision.datasets.CIFAR10(root, train=name == "train.pt", download=False)  # checks the MD5 sums
        except (OSError, RuntimeError) as error:
            raise ScriptError(f"no CIFAR-10 in {data_dir}: expected {BATCHES}/ or {ARCHIVE} ({error})") from error
        content = {"images": torch.tensor(data.data), "labels": torch.tensor(data.targets), "classes": data.classes}
        torch.save(content, folder / name)


def parse(description: str | None) -> argparse.ArgumentParser:
    """The arguments that all these programs take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True, help=f"folder with {BATCHES}/ or {ARCHIVE}")
    parser.add_argument("--runs", type=int, default=1)
    return parser
