"""What the training form says of a choice before it is trained: what to expect, and what seldom does well."""

from collections.abc import Mapping

from cifarlab.recipes import Recipe, load_recipe, override
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.training_form import changed_settings

# Signs, which mirrored are another one or none.
_OF_SIGNS = ("digits", "mnist", "svhn")
_LARGEST_SHARE = 0.25  # of the training images in one batch


def say_expected(described: Mapping[str, str], data: str) -> str:
    """What a recipe's file says of its accuracy; on other data than it was measured on, that it was.

    Args:
        described: As `list_recipes` has it.
        data: Name of the data set that is chosen.
    """
    usual = load_recipe(described["name"])
    # One that begins with a trained model tells what it was measured on itself: pictures of one's own.
    if not described["expected"] or usual.start_from or data == usual.data:
        return described["expected"]
    return f"Its accuracy was measured on {usual.data}; on {data} it is another."


def find_hints(library: Library, recipe: Recipe, typed: Mapping[str, str]) -> list[str]:
    """A sentence about each setting that seldom does well; none while a field holds what no recipe takes.

    Args:
        library: Whose data the training images are counted in.
        recipe: As it is before anything is changed.
        typed: The form's fields.
    """
    try:
        wanted = override(recipe, list(changed_settings(recipe, typed).values()))
    except CifarlabError:
        return []
    hints = []
    if wanted.flip != "none" and wanted.data in _OF_SIGNS:
        hints.append(f"Flip is {wanted.flip}: a mirrored digit is another one, or none. Choose none for {wanted.data}.")
    found = library.loaded(wanted.data)  # a form does not wait until others are
    if found is not None:
        share = 1 - wanted.validation_fraction - wanted.confirmation_fraction
        images = round((len(found.splits.train) + len(found.splits.validation)) * share)
        if wanted.batch_size > images * _LARGEST_SHARE:
            steps = counted(images // wanted.batch_size, "step")
            hints.append(
                f"A batch of {wanted.batch_size:,} is more than a quarter of the training images, about {images:,}: "
                f"{steps} an epoch. Choose a smaller one, such as {max(1, images // 12):,}."
            )
    return hints
