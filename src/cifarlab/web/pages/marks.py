"""Marks: the verdicts on a data set's labels that visitors give, kept in a labels file beside the runs."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cifarlab.datasets import SPLITS
from cifarlab.datasets.verdicts import COLUMNS, VERDICTS, LabelsFile, Verdict, append_verdicts, new_verdict, read_labels
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, few
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.run_summaries import sign

FOLDER = "labels"
"""Inside the folder of runs; one file a data set."""
_DIGITS = (tuple("0123456789"), ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))


@dataclass(frozen=True)
class Marks:
    """What has been said of a data set's labels.

    Attributes:
        path: The labels file, whether it is there or not.
        slug: The word for the data set in addresses.
        data: Name of the data set.
        current: Image id to the verdict that counts.
        problem: Why the file cannot be read; or empty.
        keys: The key that relabels to each class, in the order of the labels; empty for a class without one.
        by_split: Split to how many of its images have which mark; no split without one.
    """

    path: Path
    slug: str
    data: str
    current: dict[str, Verdict]
    problem: str
    class_names: tuple[str, ...]
    keys: tuple[str, ...]
    by_split: Mapping[str, Counter[str]] = field(default_factory=dict)

    def words(self, image_id: str) -> str:
        """What a mark says under its picture; empty where there is none."""
        return say(self.current.get(image_id))

    @property
    def summary(self) -> str:
        """How many images have which mark."""
        counts = Counter(verdict.verdict for verdict in self.current.values())
        told = [f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS if counts[verdict]]
        return f"{len(self.current):,} marked: {', '.join(told)}" if told else "nothing marked yet"

    @property
    def splits(self) -> str:
        """How many images of each split are marked; empty where none is."""
        told = [f"{counts.total():,} {split}" for split, counts in self.by_split.items()]
        return f"({', '.join(told)} images)" if told else ""

    @property
    def serve(self) -> tuple[str, ...]:
        """What the marks can be used for: `"file"`, `"train"`, `"test"`; no training learns by marks of test images."""
        changes = {split for split, counts in self.by_split.items() if counts["relabel"] or counts["drop"]}
        uses = {"file": bool(self.current), "train": bool(changes - {"test"}), "test": "test" in changes}
        return tuple(use for use, has in uses.items() if has)

    def begin(self, images: Iterable[str]) -> str:
        """The first of some images that has no mark, else the first: where marking goes on."""
        ids = [image_id for image_id in images if image_id]
        return next((image_id for image_id in ids if image_id not in self.current), ids[0] if ids else "")

    def command(self, recipe: str | Path = "RECIPE") -> str:
        """The command that trains with these marks."""
        # The recipe of a run names its data.
        data = "" if isinstance(recipe, Path) else f"--data {shlex.quote(self.data)} "
        return f"cifarlab train {shlex.quote(str(recipe))} {data}--labels {shlex.quote(str(self.path))}"

    def evaluation(self, run: str) -> str:
        """The command that measures a run by these marks of test images; of any run where none is named."""
        place = shlex.quote(str(self.path.parent.parent / run)) if run else "RUN"
        return f"cifarlab evaluate {place} --labels {shlex.quote(str(self.path))}"


def read_marks(library: Library, collection: Collection) -> Marks:
    """The marks of a data set, read again when its labels file has changed."""
    path = marks_file(library, collection)
    found: LabelsFile | None = None
    problem = ""
    try:
        check_place(path)
        if path.is_file():
            found = library.keep(("marks", str(path), sign(path)), lambda: read_labels(path))
    except CifarlabError as error:
        problem = str(error)
    current = {} if found is None else found.current
    names = collection.class_names
    by_split = {split: Counter[str]() for split in SPLITS}
    for image_id, verdict in current.items():
        if image_id in collection.places:
            by_split[collection.places[image_id][0]][verdict.verdict] += 1
    counts = {split: each for split, each in by_split.items() if each}
    return Marks(path, collection.slug, collection.name, current, problem, names, class_keys(names), counts)


def marks_file(library: Library, collection: Collection) -> Path:
    """Where the marks of a data set are kept."""
    return library.runs_dir / FOLDER / f"{collection.slug}.csv"


def add_marks(
    library: Library, collection: Collection, images: Sequence[str], verdict: str, new: str, before: str = ""
) -> tuple[Marks, int]:
    """Give a verdict on images, and keep it.

    Args:
        library: Beside whose runs it is kept.
        collection: The data set.
        images: Each the number of a suggested class, or -1, a colon, and the image's id.
        verdict: One of `VERDICTS`.
        new: The class of a `relabel`; empty for the one suggested for each image.
        before: Of an `undo`, after how many verdicts of the file: what counted then counts again. Empty for none.

    Returns:
        The marks, and how many verdicts the file held before.

    Raises:
        CifarlabError: If an image, class or verdict is unknown, no image is named, or the file cannot be written.
    """
    if not images:
        raise CifarlabError("no picture is selected: select at least one, then say what is right of its label")
    if new and new not in collection.class_names:
        raise CifarlabError(f"there is no class {new!r}: expected one of {few(collection.class_names, count=True)}")
    path = marks_file(library, collection)
    check_place(path)
    earlier = _earlier(path, before) if verdict == "undo" and before else {}
    judged = [_judge(collection, each, verdict, new, earlier) for each in dict.fromkeys(images)]
    lines = len(append_verdicts(path, judged).verdicts) - len(judged)
    return read_marks(library, collection), lines


def list_current(marks: Marks, collection: Collection) -> str:
    """The last mark of each image as CSV, in the order of the data set: itself a labels file, with the image's split.

    Raises:
        CifarlabError: If the labels file cannot be used.
    """
    if marks.problem:
        raise CifarlabError(marks.problem)
    order = {image_id: row for row, image_id in enumerate(collection.places)}
    current = sorted(marks.current.values(), key=lambda each: order.get(each.image_id, len(order)))
    rows = [
        {**vars(each), "id": each.image_id, "split": collection.places.get(each.image_id, ("",))[0]} for each in current
    ]
    columns = (*COLUMNS, "split")
    return files.to_csv([{name: row[name] for name in columns} for row in rows], columns)


def read_content(path: Path) -> bytes:
    """The labels file as it is; where there is none, the header of one.

    Raises:
        CifarlabError: If it is a link, or cannot be read.
    """
    check_place(path)
    try:
        return path.read_bytes() if path.is_file() else (",".join(COLUMNS) + "\n").encode()
    except OSError as error:
        raise CifarlabError(f"cannot read {path}: {error.strerror or error}") from error


def say(verdict: Verdict | None) -> str:
    """A verdict in a word or two."""
    if verdict is None:
        return ""
    return f"relabel: {verdict.new}" if verdict.new else verdict.verdict


def class_keys(names: Sequence[str]) -> tuple[str, ...]:
    """The key of each class: a digit's own, else 1 to 9 and 0 for the tenth; none for further ones."""
    keys = "0123456789" if tuple(names) in _DIGITS else "1234567890"
    return tuple(keys[number] if number < len(keys) else "" for number in range(len(names)))


def check_place(path: Path) -> None:
    """Refuse a place that leads elsewhere: what lies among runs may come from somebody else.

    Raises:
        CifarlabError: If it is a link.
    """
    link = next((each for each in (path.parent, path) if each.is_symlink()), None)
    if link is not None:
        raise CifarlabError(f"{link} is a link, which is not followed: put a real one in its place")


def _earlier(path: Path, before: str) -> dict[str, Verdict]:
    """What counted after so many verdicts of a labels file."""
    found = read_labels(path)
    if before not in map(str, range(len(found.verdicts) + 1)):
        raise CifarlabError(f"{path} has {counted(len(found.verdicts), 'verdict')}: there is nothing before {before!r}")
    return replace(found, verdicts=found.verdicts[: int(before)]).current


def _judge(collection: Collection, asked: str, verdict: str, new: str, earlier: Mapping[str, Verdict]) -> Verdict:
    suggested, _, image_id = asked.partition(":")
    place = collection.places.get(image_id)
    if place is None:
        raise CifarlabError(f"{collection.name} has no image {image_id!r}")
    split, row = place
    part, names = collection.splits[split], collection.class_names
    old = names[part.labels[row]]
    if image_id in earlier:
        verdict, new = earlier[image_id].verdict, earlier[image_id].new
    if verdict == "relabel" and not new:
        if not suggested.isdecimal() or int(suggested) >= len(names) or names[int(suggested)] == old:
            raise CifarlabError(f"no other class is suggested for {image_id}: choose the class that it is")
        new = names[int(suggested)]
    if verdict == "relabel" and new == old:
        verdict = "keep"  # who relabels a cat to cat says that the label is right
    return new_verdict(image_id, old, verdict, new, part.images[row])
