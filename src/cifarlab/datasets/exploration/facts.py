"""The facts of an exploration, without its pictures: how many duplicates there are where, and `summary.json`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cifarlab.datasets.exploration import duplicates
from cifarlab.datasets.exploration.findings import PLACES, Findings
from cifarlab.utils.arrays import Array
from cifarlab.utils.json_data import json_data


@dataclass(frozen=True)
class PairCounts:
    """How many pairs there are in one place; a mirrored or conflicting one is also exact or near."""

    exact: int = 0
    near: int = 0
    mirrored: int = 0
    conflicting: int = 0


@dataclass(frozen=True)
class DuplicateFacts:
    """How many pairs of each kind there are where, and how many images they touch; as `summary.json` has them.

    Attributes:
        threshold: The least similarity of a near duplicate.
        complete: Whether every pair was looked at.
        pairs: For each of `PLACES`.

    The others are numbers of what their names say.
    """

    threshold: float
    complete: bool
    pairs: dict[str, PairCounts]
    test_images_with_a_twin_in_training: int
    conflicting_pairs_of_copies: int
    test_images_copied_from_training: int
    validation_images_with_a_twin_in_train: int
    validation_images_copied_from_train: int
    training_images_with_a_copy_in_training: int
    test_images_with_a_copy_in_test: int
    groups: int
    largest_group: int
    largest_group_of_copies: int


def to_json(findings: Findings) -> dict[str, Any]:
    """The facts as `summary.json` has them, without the pictures."""
    spreads = {
        quantity: {
            name: dict(zip(("q05", "q25", "median", "q75", "q95"), _finite(row), strict=True))
            for name, row in zip(findings.class_names, quantiles, strict=True)
        }
        for quantity, (_, quantiles) in findings.spreads.items()
    }
    channels = {part: {"mean": means, "std": deviations} for part, (means, deviations) in findings.channels.items()}
    chart = findings.image_map
    facts = {
        "format": 1,
        "data": findings.description,
        "seed": findings.seed,
        "channels": channels,
        **spreads,
        "duplicates": duplicate_facts(findings),
        "map": chart
        and {
            "images": len(chart.indices),
            "pca_explained_variance": _finite(chart.explained),
            "same_class_neighbour": {**chart.same_class, "chance": chart.chance},
        },
    }
    return {key: json_data(value) for key, value in facts.items()}


def duplicate_facts(findings: Findings) -> DuplicateFacts:
    """How many pairs of each kind there are where, and how many images they touch."""
    learned = ("train", "validation")
    within_training = {index for split in learned for index in copies(findings, split, learned)}
    return DuplicateFacts(
        threshold=duplicates.THRESHOLD,
        complete=findings.complete,
        pairs={place: _count_pairs(findings, place) for place in PLACES},
        test_images_with_a_twin_in_training=len(twins(findings, "test", learned)),
        conflicting_pairs_of_copies=sum(pair.exact and findings.conflicting(pair) for pair in findings.pairs),
        test_images_copied_from_training=len(copies(findings, "test", learned)),
        validation_images_with_a_twin_in_train=len(twins(findings, "validation", ("train",))),
        validation_images_copied_from_train=len(copies(findings, "validation", ("train",))),
        training_images_with_a_copy_in_training=len(within_training),
        test_images_with_a_copy_in_test=len(copies(findings, "test", ("test",))),
        groups=len(findings.groups),
        largest_group=max((len(group) for group in findings.groups), default=0),
        largest_group_of_copies=max(map(len, findings.copy_groups), default=0),
    )


def copies(findings: Findings, split: str, others: tuple[str, ...]) -> set[int]:
    """Which images of `split` have a copy, byte for byte, in one of the `others`, which may be `split` itself."""
    found: set[int] = set()
    for group in findings.copy_groups:
        places = [str(findings.splits[index]) for index in group]
        itself = split in others
        if sum(place in others for place in places) > itself:
            found.update(index for index, place in zip(group, places, strict=True) if place == split)
    return found


def twins(findings: Findings, split: str, others: tuple[str, ...]) -> set[int]:
    """Which images of `split` have an exact or near duplicate in one of the `others`.

    Of two large groups of copies that are alike only one pair is listed: it speaks for all in them.
    """
    group_of = {index: group for group in findings.copy_groups for index in group}
    found = copies(findings, split, others)
    for pair in findings.pairs:
        if pair.exact:
            continue
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if any(findings.splits[index] in others for index in group_of.get(other, [other])):
                found.update(index for index in group_of.get(one, [one]) if findings.splits[index] == split)
    return found


def _count_pairs(findings: Findings, place: str) -> PairCounts:
    pairs = [pair for pair in findings.pairs if findings.place(pair) == place]
    exact = sum(pair.exact for pair in pairs)
    conflicting = sum(findings.conflicting(pair) for pair in pairs)
    return PairCounts(exact, len(pairs) - exact, sum(pair.mirrored for pair in pairs), conflicting)


def _finite(values: Array) -> list[float | None]:
    """None in the place of NaN, which JSON does not have."""
    return [float(value) if np.isfinite(value) else None for value in values]
