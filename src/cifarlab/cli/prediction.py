"""Predictions as the command line makes them: printed or into a file, here or by a cluster, and what is said then."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, Interrupted
from cifarlab.utils.homes import expand

if TYPE_CHECKING:
    from cifarlab.inference.bulk.classifier import Question
    from cifarlab.inference.bulk.writing import Stream
    from cifarlab.utils.images import PictureError

ENGINES = ("local", "ray")


def check_output(output: Path | None, engine: str, *, as_json: bool, address: str | None, jobs: int | None) -> None:
    """Refuse options that do not go together.

    Raises:
        CifarlabError: If there is no such engine, or an option has no meaning beside the others.
    """
    if engine not in ENGINES:
        raise CifarlabError(discovery.unknown("engine", engine, ENGINES))
    if engine == "local" and (address is not None or jobs is not None):
        raise CifarlabError("--address and --jobs need --engine ray")
    if output is None and engine != "local":
        raise CifarlabError("--engine ray fills a file: give --output FILE")
    if output is not None and as_json:
        raise CifarlabError("--output writes CSV: leave --json out")


def write_file(
    images: Sequence[str],
    output: Path,
    model: str,
    top: int,
    tta: str,
    code: Sequence[str],
    *,
    engine: str = "local",
    address: str | None = None,
    jobs: int | None = None,
) -> None:
    """Classify pictures into a file, showing how far it is.

    Args:
        images: Files, folders and URLs.
        output: The file.
        model: A run's folder, or `"builtin"`.
        top: How many classes to name.
        tta: Name of the test-time augmentation.
        code: The user's own Python files that the run may need.
        engine: `"local"` or `"ray"`.
        address: Of the Ray cluster.
        jobs: How many processes on Ray.

    Raises:
        CifarlabError: As `predict_to_file`, and once all is written, if some pictures could not be read.
        Interrupted: If the user stops it.
    """
    from cifarlab.displays.console import make_console, say, working
    from cifarlab.inference.bulk.classifier import Question
    from cifarlab.inference.bulk.writing import predict_to_file
    from cifarlab.utils import own_code
    from cifarlab.utils.text import counted

    own_code.allow_files(code)
    own = tuple(str(expand(each).absolute()) for each in code)
    question = Question(model, top, tta, own)
    try:
        with (
            working(f"classifying into {output}") as progress,
            _stream(engine, question, address, jobs, images) as stream,
        ):
            written = predict_to_file(images, output, question, stream, progress)
    except KeyboardInterrupt:
        raise Interrupted("nothing is lost, give the same command again to go on") from None
    before = f", {written.answered_before:,} of them before" if written.answered_before else ""
    say(make_console(stderr=True), f"{output}: {counted(written.pictures, 'picture')}{before}")
    say_others(written.left_out, written.unreadable, written.pictures, len(images))


def say_others(left_out: Mapping[str, int], unreadable: "Sequence[PictureError]", pictures: int, named: int) -> None:
    """Say what was not classified.

    Args:
        left_out: Files that are no pictures by their ending, by ending.
        unreadable: Why pictures cannot be read.
        pictures: How many there are.
        named: How many words the user gave for them.

    Raises:
        CifarlabError: If some cannot be read.
    """
    from cifarlab.displays.console import make_console, say
    from cifarlab.utils.images import say_left_out, say_unreadable

    if left_out:
        say(make_console(stderr=True), f"cifarlab: {say_left_out(left_out)}")
    if unreadable:
        raise CifarlabError(say_unreadable(unreadable, pictures, named))


@contextmanager
def _stream(
    engine: str, question: "Question", address: str | None, jobs: int | None, images: Sequence[str]
) -> "Iterator[Stream | None]":
    """Who answers; None for this process. A cluster is left at the end."""
    if engine == "local":
        yield None
        return
    from cifarlab.search.ray_cluster import connected, environment

    with connected(address):
        from cifarlab.inference.bulk.ray_stream import RayStream

        yield RayStream(question, environment(1), jobs, [*images, *question.code])
