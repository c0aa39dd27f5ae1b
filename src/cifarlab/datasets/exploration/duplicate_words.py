"""What the numbers of duplicates mean, in sentences that cannot contradict the table beside them."""

from collections.abc import Mapping

from cifarlab.datasets.exploration.duplicates import LARGEST_LISTED_GROUP
from cifarlab.datasets.exploration.facts import DuplicateFacts
from cifarlab.utils.text import counted, percent

PLAIN = 0.2
"""Where more of the test pictures than this nearly repeat a training picture, the pictures are plain."""


def say_duplicates(facts: DuplicateFacts, sizes: Mapping[str, int]) -> list[str]:
    """What to see in the table of duplicates.

    Args:
        facts: Of the data set.
        sizes: Split to its number of pictures; a split without any may be missing.

    Returns:
        Sentences: on the test pictures, on labels that differ, on the validation pictures, on repeats within a part.
    """
    return [
        *_say_test(facts, sizes.get("test", 0)),
        *_say_conflicts(facts, sizes),
        *_say_validation(facts, sizes.get("validation", 0)),
        *_say_repeats(facts),
    ]


def is_plain(facts: DuplicateFacts, sizes: Mapping[str, int]) -> bool:
    """Whether so many pictures are nearly alike that this says more of how plain they are than of copies."""
    near = facts.test_images_with_a_twin_in_training - facts.test_images_copied_from_training
    return bool(near > PLAIN * sizes.get("test", 0))


def has_copies(facts: DuplicateFacts) -> bool:
    """Whether any two pictures are the same, byte for byte."""
    return any(counts.exact for counts in facts.pairs.values())


def _say_test(facts: DuplicateFacts, total: int) -> list[str]:
    copied = facts.test_images_copied_from_training
    near = facts.test_images_with_a_twin_in_training - copied
    if not total:
        return ["There are no test pictures."]
    if not copied and not near:
        looked = "" if facts.complete else "Among the pairs that were compared, "
        none = "no test picture repeats a training picture, exactly or nearly"
        none = none if looked else none[0].upper() + none[1:]
        return [f"{looked}{none}, so memorising does not help the test score."]
    said = [_say_copied(copied, total)] if copied else []
    return said + ([_say_near(near, total, is_plain(facts, {"test": total}), bool(copied))] if near else [])


def _say_copied(copied: int, total: int) -> str:
    if copied == total:
        which = f"All {total:,} test pictures are copies" if total > 1 else "The only test picture is a copy"
        return (
            f"{which}, byte for byte, of training pictures. A network that memorised those classifies every one "
            "correctly: no accuracy on this test set says anything of new pictures."
        )
    are = "is a copy" if copied == 1 else "are copies"
    return (
        f"{copied:,} of {counted(total, 'test picture')} ({percent(copied / total, 1)}) {are}, byte for byte, of "
        f"training pictures. A network that memorised those classifies {'it' if copied == 1 else 'them'} correctly: "
        "every accuracy on this test set may be too high by that share: cifarlab evaluate also gives the one without "
        "them."
    )


def _say_near(near: int, total: int, plain: bool, besides: bool) -> str:
    others = counted(near, "test picture") if not besides else f"{near:,} other{'' if near == 1 else 's'}"
    repeat = "repeats" if near == 1 else "repeat"
    share = f"{others} of {total:,} ({percent(near / total, 1)}) nearly {repeat} a training picture"
    if not plain:
        return f"{share}, which a network that memorised those may classify correctly."
    if besides:
        return f"{share}, which may only say that pictures this plain are alike."
    return f"{share}, which says that pictures this plain are alike, rather than that they are copies."


def _say_conflicts(facts: DuplicateFacts, sizes: Mapping[str, int]) -> list[str]:
    copies = facts.conflicting_pairs_of_copies
    near = sum(counts.conflicting for counts in facts.pairs.values()) - copies
    said = []
    if copies:
        said.append(
            f"In {counted(copies, 'pair')} of copies, marked ≠, the two labels differ: at most one can be correct."
        )
    if near:
        meant = (
            "both may be correct" if is_plain(facts, sizes) else "where they show one thing, at most one can be correct"
        )
        alike = f"{counted(near, 'pair')} that {'is' if near == 1 else 'are'} nearly the same"
        said.append(f"In {alike}, marked ≠, the labels differ: {meant}.")
    if not said and facts.groups:
        said.append(f"No pair{'' if facts.complete else ' that was compared'} has two different labels.")
    return said


def _say_validation(facts: DuplicateFacts, total: int) -> list[str]:
    twins, copied = facts.validation_images_with_a_twin_in_train, facts.validation_images_copied_from_train
    if not twins:
        return []
    too_high = ", on which validation accuracy, and the choice of the best epoch, say nothing" if copied else ""
    exact = f", {copied:,} of them byte for byte{too_high}" if copied else ""
    have = "has" if twins == 1 else "have"
    return [f"Of the {counted(total, 'validation picture')}, {twins:,} {have} a twin in train{exact}."]


def _say_repeats(facts: DuplicateFacts) -> list[str]:
    said: list[str] = []
    for part, number, effect in (
        ("training", facts.training_images_with_a_copy_in_training, "is learned from as often"),
        ("test", facts.test_images_with_a_copy_in_test, "counts as often in every score"),
    ):
        if number:
            said.append(f"{number:,} {part} pictures have a copy, byte for byte, in the same part: each {effect}.")
    if facts.largest_group_of_copies > LARGEST_LISTED_GROUP:
        said.append(f"Of more than {LARGEST_LISTED_GROUP} copies of one picture the table counts pairs with the first.")
    return said
