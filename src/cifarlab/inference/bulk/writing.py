"""Pictures in, a file of predictions out, of any number: memory holds a few pieces at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cifarlab.inference import onnx_files
from cifarlab.inference.bulk.classifier import BATCH, Classifier, Piece, Question
from cifarlab.inference.bulk.parts import PICTURES, Parts, checksum
from cifarlab.inference.bulk.remote import find_remote, is_url
from cifarlab.inference.picture_files import STANDARD_INPUT, count_left_out, expand_pictures
from cifarlab.inference.prediction import temperature_of
from cifarlab.inference.tta import check_tta
from cifarlab.models.pretrained import builtin
from cifarlab.runs import pretrained_run
from cifarlab.runs.derived import model_checksum
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import PictureError, say_unreadable
from cifarlab.utils.progress import ProgressCallback, ignore

Stream = Callable[[Sequence[str]], Iterator[Piece]]
"""Answers about pictures, in their order: each piece about at least one, all about all."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        pictures: How many pictures there are.
        answered_before: How many of them were answered when the command was given.
        unreadable: Why some cannot be read; they have no line.
        left_out: Files that are no pictures by their ending, by ending.
    """

    pictures: int
    answered_before: int
    unreadable: tuple[PictureError, ...]
    left_out: Counter[str]


def predict_to_file(
    pictures: Sequence[str],
    output: Path,
    question: Question,
    stream: Stream | None = None,
    progress: ProgressCallback = ignore,
) -> Written:
    """Name the most probable classes of any number of pictures, into a CSV file.

    The file is there when all is done. Until then finished parts lie in `FILE.parts`, and the same call goes on there.

    Args:
        pictures: Files, folders, and URLs that fsspec knows.
        output: The file.
        question: What is asked, of which model.
        stream: Who answers; by default this process.
        progress: Called with a phrase and the share done in `[0, 1]`.

    Raises:
        CifarlabError: If there are no pictures, none can be read, the run has no usable model, parts are there of
            another question, or files cannot be written.
    """
    check_tta(question.tta)
    header = question.header()
    paths, left_out = list_pictures(pictures)
    parts = Parts(output, {**_about(question), "pictures": len(paths), "listing": checksum(paths)})
    with parts.writing():
        before = parts.pictures
        if before < len(paths):
            _write_rest(parts, paths, stream or _here(question), progress)
        if parts.pictures != len(paths):
            raise CifarlabError(
                f"{parts.pictures:,} of {len(paths):,} pictures were answered: give the same command again"
            )
        if len(parts.unreadable) == len(paths):
            parts.discard()
            raise CifarlabError(say_unreadable(parts.unreadable, len(paths)))
        parts.join(header)
    return Written(len(paths), before, tuple(parts.unreadable), left_out)


def list_pictures(pictures: Sequence[str]) -> tuple[list[str], Counter[str]]:
    """All pictures that are meant, in order, and what else lies beside them.

    Raises:
        CifarlabError: If there are none, or one is standard input.
    """
    if STANDARD_INPUT in pictures:
        raise CifarlabError("standard input ('-') holds one picture: predict it without --output")
    paths: list[str] = []
    left_out = count_left_out([name for name in pictures if not is_url(name)])
    for name in pictures:
        if is_url(name):
            found, others = find_remote(name)
            paths += found
            left_out += others
        else:
            paths += expand_pictures([name])
    if not paths:
        raise CifarlabError("no pictures given: expected files, folders or URLs")
    return paths, left_out


def pieces(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """Paths in pieces of one batch."""
    return (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))


def _write_rest(parts: Parts, paths: Sequence[str], stream: Stream, progress: ProgressCallback) -> None:
    """Answer what is not answered, a part at a time."""
    waiting: list[Piece] = []
    for piece in stream(paths[parts.pictures :]):
        waiting.append(piece)
        there = sum(each.pictures for each in waiting)
        progress(f"{parts.pictures + there:,} of {len(paths):,} pictures", (parts.pictures + there) / len(paths))
        if there >= PICTURES:
            parts.add(waiting)
            waiting = []
    if waiting:
        parts.add(waiting)


def _here(question: Question) -> Stream:
    """This process."""

    def stream(paths: Sequence[str]) -> Iterator[Piece]:
        classifier = Classifier(question)
        return (classifier.classify(each) for each in pieces(paths))

    return stream


def _about(question: Question) -> dict[str, object]:
    """What the answers depend on: an answer by a model that has been trained further since is another one."""
    model = question.model
    if onnx_files.is_file(model):
        which = files.checksum(Path(model), "sha256")
    elif pretrained_run.is_builtin(model):
        which = str(builtin.read_card()["sizes"]["weights_sha256"])
    else:
        which = model_checksum(pretrained_run.open_run(model, needs_model=True))
    asked = {key: value for key, value in asdict(question).items() if key != "code"}
    return {"format": 1, **asked, "checksum": which, "temperature": temperature_of(model, question.tta)}
