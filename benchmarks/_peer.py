"""A peer: a command that trains something and prints its seconds and its accuracy."""

import os
import re
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from _measure import tell

from cifarlab.utils.errors import CifarlabError

PATTERN = r"\bseconds\s+(?P<seconds>\d+(?:\.\d+)?)\b.*?\baccuracy\s+(?P<accuracy>\d+(?:\.\d+)?%?)"


@dataclass(frozen=True)
class PeerRun:
    """One training of a peer: its own seconds, and its accuracy in `[0, 1]`."""

    seconds: float
    accuracy: float


def run_peer(command: str, pattern: re.Pattern[str]) -> list[PeerRun]:
    """Run the command, show what it prints, and read the results out of it.

    Args:
        command: Split into words as a shell would; no shell is started.
        pattern: From `compile_pattern`.

    Returns:
        One a line that matched, in order.

    Raises:
        CifarlabError: If it cannot be started, fails, or prints no line that matches.
    """
    lines = []
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        raise CifarlabError(f"cannot start the peer {command!r}: {error}") from error
    with process:
        try:
            for line in process.stdout or ():
                tell(f"peer: {line.rstrip()}")
                lines.append(line)
            code = process.wait()
        finally:
            if process.poll() is None:  # we were interrupted: neither it nor what it started may go on
                os.killpg(process.pid, signal.SIGTERM)
    if code:
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
        raise CifarlabError(f"the peer {Path(shlex.split(command)[0]).name} ended with status {code}: {last}")
    return read_results(lines, pattern)


def compile_pattern(text: str) -> re.Pattern[str]:
    """The regular expression that finds a peer's results.

    Raises:
        CifarlabError: If it is none, or lacks the groups `seconds` and `accuracy`.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise CifarlabError(f"--vs-pattern is no regular expression: {error}. Received: {text!r}") from error
    if missing := {"seconds", "accuracy"} - set(pattern.groupindex):
        names = " and ".join(f"(?P<{name}>...)" for name in sorted(missing))
        raise CifarlabError(f"--vs-pattern lacks the named groups {names}. Received: {text!r}")
    return pattern


def read_results(lines: list[str], pattern: re.Pattern[str]) -> list[PeerRun]:
    """Seconds and accuracy of every line that matches; an accuracy above 1, or with a `%`, is a percentage.

    Raises:
        CifarlabError: If no line matches, or what it names is no number.
    """
    found = [match for line in lines if (match := pattern.search(line))]
    if not found:
        raise CifarlabError(f"the peer printed no line that --vs-pattern matches: {pattern.pattern!r}")
    results = []
    for match in found:
        seconds, accuracy = match["seconds"], match["accuracy"]
        try:
            share = float(accuracy.rstrip("% "))
            is_percent = "%" in accuracy or share > 1
            results.append(PeerRun(float(seconds), share / 100 if is_percent else share))
        except ValueError as error:
            raise CifarlabError(
                f"--vs-pattern must find numbers. Received: seconds {seconds!r}, accuracy {accuracy!r}"
            ) from error
    return results
