"""Steps done in processes of their own: a backend is chosen once a process, and converters may end theirs.

    python -m cifarlab.exports.apart JOB ANSWERS

A converter that meets what it does not know may end the process instead of raising, and some runtimes do not go
together with some backends. So nothing is converted or opened in the process of the user.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data
from cifarlab.utils.temporary import temporary_folder

Step = Mapping[str, Any]
"""What to do, under `"do"` the name of a function in `steps`, and the arguments of that function."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        found: What it gave.
        why_not: Why it failed, in one line; empty where it did not.
    """

    found: dict[str, Any]
    why_not: str = ""


def do_apart(
    steps: Sequence[Step], backend: str | None = None, told: Callable[[Step], object] = lambda step: None
) -> list[Outcome]:
    """Do steps one after the other in a process; where one ends it, the rest is done in another.

    Args:
        steps: What to do.
        backend: Keras's; None where Keras is not needed.
        told: Called with each step, or the first of several that are done at once, before it begins.

    Returns:
        One outcome a step, in their order.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < len(steps):
        left = steps[len(outcomes) :]
        told(left[0])
        answered, code, said = _run(left, backend)
        outcomes += answered
        if len(answered) < len(left):
            outcomes.append(Outcome({}, _describe_end(code, said)))
    return outcomes


def _run(steps: Sequence[Step], backend: str | None) -> tuple[list[Outcome], int, str]:
    """The answers of a process, its exit code, and what it wrote to standard error."""
    environment = {**os.environ, **({"KERAS_BACKEND": backend} if backend else {})}
    with temporary_folder() as folder:
        job, answers = folder / "job.json", folder / "answers.jsonl"
        job.write_text(json.dumps({"steps": json_data(list(steps)), "code": own_code.allowed()}), encoding="utf-8")
        answers.touch()
        command = [sys.executable, "-m", __name__, str(job), str(answers)]
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
        found = [Outcome(**json.loads(line)) for line in lines if line.endswith("\n")]  # the last may be cut off
    return found, done.returncode, done.stderr


def _describe_end(code: int, said: str) -> str:
    last = (said.strip().splitlines() or [""])[-1][:300]
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"its process ended with {how}{last and f' ({last})'}"


def main(job: Path, answers: Path) -> None:
    """In a process of its own: do the steps, and write a line of JSON about each as it ends."""
    from cifarlab.exports import steps

    asked = json.loads(job.read_text(encoding="utf-8"))
    own_code.allow_files(asked["code"])
    for step in asked["steps"]:
        arguments = dict(step)
        action = getattr(steps, arguments.pop("do"))
        try:
            outcome = {"found": action(**arguments)}
        except CifarlabError as error:
            outcome = {"found": {}, "why_not": str(error)}
        except Exception as error:  # noqa: BLE001 - converters and runtimes raise whatever their parts do
            outcome = {"found": {}, "why_not": _first_line(error)}
        with answers.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")


def _first_line(error: Exception) -> str:
    """What a converter says, without the many lines that follow."""
    first = (str(error).strip().splitlines() or [""])[0][:300]
    return first or type(error).__name__


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
    sys.stderr.flush()
    os._exit(0)  # all is answered: the end of a backend's threads takes seconds of a grace time
