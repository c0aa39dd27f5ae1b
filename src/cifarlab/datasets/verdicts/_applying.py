"""A data set with its labels corrected: images relabelled and dropped as a labels file says.

A verdict finds its image by the pixels' checksum as well as by its id, so that it survives renaming and never reaches
another picture that has taken over the id. What does not fit is left out, counted and named.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cifarlab.datasets._image_set import SPLITS, ImageSet, Splits
from cifarlab.datasets.verdicts._reading import LabelsFile
from cifarlab.datasets.verdicts._verdict import DROP, KEEP, RELABEL, UNDO, UNSURE, Verdict, content_checksum
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted, few

_Place = tuple[str, int]
"""A split and a row in it."""


@dataclass(frozen=True)
class Corrections:
    """What a labels file changed.

    Attributes:
        checksum: `"sha256:..."` of the file.
        parts: Split to how many of its images got which verdict.
        left_out: How many verdicts fitted no image.
        notices: Sentences about what a reader must know.
    """

    checksum: str
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: int = 0
    notices: tuple[str, ...] = ()

    def count(self, verdict: str) -> int:
        """How many images of all parts got this verdict."""
        return sum(part.get(verdict, 0) for part in self.parts.values())

    def check_used(self, labels: LabelsFile) -> None:
        """Refuse a labels file that somebody named and that changes no label of the images in question.

        Raises:
            CifarlabError: If no image was relabelled or dropped.
        """
        if self.count(RELABEL) or self.count(DROP):
            return
        stay = [f"{self.count(verdict):,} {verdict}" for verdict in (KEEP, UNSURE) if self.count(verdict)]
        told = f"relabels and drops none ({', '.join(stay)})" if stay else "says nothing"
        raise CifarlabError(
            f"{labels.path} {told} of the {' and '.join(self.parts)} images, so it would change nothing: "
            "give one that does, or none"
        )


def correct_labels(splits: Splits, labels: LabelsFile, parts: Sequence[str]) -> tuple[Splits, Corrections]:
    """Relabel and drop images of some splits; which image is in which split stays as it was.

    Args:
        splits: As the data set has them.
        labels: The verdicts; what they say of other splits is left for those who ask for these.
        parts: Which splits to change.

    Returns:
        The changed splits, and what was changed; its notices are also those of the splits' source.

    Raises:
        CifarlabError: If the file has no verdict, none fits this data set, a new class is unknown, or nothing is left.
    """
    if not labels.verdicts:
        raise CifarlabError(f"{labels.path} has no verdict yet: fill in its column verdict, or mark labels in the app")
    found, refused = _find_images(splits, labels.verdicts)
    if refused and not found:
        why, first = next((why, each) for why, each in refused.values())
        raise CifarlabError(
            f"no verdict of {labels.path} fits {splits.source.name}: of row {first.row}, {first.image_id} {why}; "
            "give the labels file of this data set"
        )
    counts = {part: Counter[str]() for part in SPLITS}
    for (part, _), verdict in found.items():
        if verdict.verdict != UNDO:
            # Who relabels a cat to cat says that the label is right.
            counts[part][KEEP if verdict.new == verdict.old else verdict.verdict] += 1
    changed = {part: _correct(splits[part], part, found, labels) for part in parts}
    if "train" in parts and not len(changed["train"]):
        raise CifarlabError(f"{labels.path} drops every training image of {splits.source.name}: nothing is left")
    notices = (*_say_changed(labels, counts, parts), *_say_refused(labels, refused.values()))
    notices += tuple(_say_emptied(splits, changed))
    made = Corrections(labels.checksum, {part: dict(counts[part]) for part in parts}, len(refused), notices)
    source = dataclasses.replace(splits.source, notices=(*splits.source.notices, *notices))
    return dataclasses.replace(splits, source=source, **changed), made


def _find_images(
    splits: Splits, verdicts: Iterable[Verdict]
) -> tuple[dict[_Place, Verdict], dict[str, tuple[str, Verdict]]]:
    """The last verdict on each image; and, by id, those that fit none, with the reason."""
    found: dict[_Place, Verdict] = {}
    refused: dict[str, tuple[str, Verdict]] = {}
    finder = _Finder(splits)
    for verdict in verdicts:
        place, why = finder.find(verdict)
        if place is None:
            refused[verdict.image_id] = (why, verdict)
        else:
            found[place] = verdict
            refused.pop(verdict.image_id, None)
    refused = {key: value for key, value in refused.items() if value[1].verdict != UNDO}
    for place, verdict in list(found.items()):
        part, row = place
        label = splits.class_names[splits[part].labels[row]]
        if verdict.verdict != UNDO and verdict.old != label:
            refused[verdict.image_id] = (f"is labelled {label} and not {verdict.old}", verdict)
            del found[place]
    return found, refused


class _Finder:
    """Finds images by id and by content; checksums of the whole data set are made when an id does not suffice."""

    def __init__(self, splits: Splits) -> None:
        self._splits = splits
        self._ids = {id_: (part, row) for part in SPLITS for row, id_ in enumerate(splits[part].ids.tolist())}
        self._contents: dict[str, list[_Place]] | None = None

    def find(self, verdict: Verdict) -> tuple[_Place | None, str]:
        """Where a verdict's image is now; or why it is nowhere."""
        place = self._ids.get(verdict.image_id)
        if place is not None and verdict.checksum in ("", self._checksum(place)):
            return place, ""
        same = self._find_content(verdict.checksum) if verdict.checksum else []
        if len(same) == 1:
            return same[0], ""
        if same:
            return None, f"is gone, and {len(same)} images have its pixels"
        return None, "is not in the data" if place is None else "has other pixels now than when it was judged"

    def _find_content(self, checksum: str) -> list[_Place]:
        if self._contents is None:
            self._contents = {}
            for place in self._ids.values():
                self._contents.setdefault(self._checksum(place), []).append(place)
        return self._contents.get(checksum, [])

    def _checksum(self, place: _Place) -> str:
        part, row = place
        return content_checksum(self._splits[part].images[row])


def _correct(images: ImageSet, part: str, found: Mapping[_Place, Verdict], labels: LabelsFile) -> ImageSet:
    """One split, corrected; its arrays are its own where anything is changed."""
    new, kept = images.labels.copy(), np.ones(len(images), bool)
    numbers = {name: number for number, name in enumerate(images.class_names)}
    for (where, row), verdict in found.items():
        if where != part:
            continue
        if verdict.verdict == RELABEL and verdict.new not in numbers:
            raise CifarlabError(
                f"{labels.path}, row {verdict.row}: there is no class {verdict.new!r}; expected one of "
                f"{few(images.class_names, count=True)}"
            )
        if verdict.verdict == RELABEL:
            new[row] = numbers[verdict.new]
        kept[row] = verdict.verdict != DROP
    relabelled = dataclasses.replace(images, labels=new)
    return relabelled if kept.all() else relabelled.take(kept)


def _say_changed(labels: LabelsFile, counts: Mapping[str, Counter[str]], parts: Sequence[str]) -> list[str]:
    total = sum((counts[part] for part in parts), Counter[str]())
    others = [f"{counts[part].total():,} on {part}" for part in SPLITS if part not in parts and counts[part]]
    said = [
        f"Labels corrected by {labels.path.name}: {total[RELABEL]:,} relabelled and {total[DROP]:,} dropped of the "
        f"{' and '.join(parts)} images; {total['keep']:,} kept and {total['unsure']:,} unsure stay as they are."
    ]
    if others:
        has = counted(sum(counts[part].total() for part in SPLITS if part not in parts), "verdict")
        said.append(f"{has} of {labels.path.name} not used here: {', '.join(others)} images.")
    return said


def _say_refused(labels: LabelsFile, refused: Iterable[tuple[str, Verdict]]) -> list[str]:
    told = list(refused)
    if not told:
        return []
    why, first = told[0]
    return [
        f"{counted(len(told), 'verdict')} of {labels.path.name} left out, which no image fits: of row {first.row}, "
        f"{first.image_id} {why}{', ...' if len(told) > 1 else '.'}"
    ]


def _say_emptied(splits: Splits, changed: Mapping[str, ImageSet]) -> list[str]:
    gone = []
    for part, images in changed.items():
        before, now = (np.bincount(each.labels, minlength=len(each.class_names)) for each in (splits[part], images))
        names = [splits.class_names[label] for label in np.flatnonzero((before > 0) & (now == 0))]
        gone += [f"After the corrections no {part} image is of class {few(names, count=True)}."] if names else []
    return gone
