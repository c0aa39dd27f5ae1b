"""What a run is called, and the command that makes it again."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifarlab.recipes import Recipe
from cifarlab.runs import Run, kept_code


def run_name(recipe: str | Recipe, resolved: Recipe, settings: Sequence[str]) -> str:
    """What a run is called by default.

    Args:
        recipe: As it was given.
        resolved: What is trained.
        settings: Overrides that were given.
    """
    label = Path(recipe if isinstance(recipe, str) else resolved.model).stem
    # Fold 0 is the default of every training: it is in the name only where somebody set it.
    is_fold = resolved.fold or any(setting.partition("=")[0].strip() == "fold" for setting in settings)
    return f"{label}{f'-fold{resolved.fold}' if is_fold else ''}-seed{resolved.seed}"


def make_command(
    recipe: str | Recipe, settings: Sequence[str], given: Mapping[str, object], data_dir: object, run: Run
) -> str:
    """The command that makes a run again.

    Args:
        recipe: As it was given.
        settings: Overrides that were given.
        given: Options by name, without their dashes.
        data_dir: Where the data are, if that was given.
        run: The run.
    """
    words = ["cifarlab", "train", recipe if isinstance(recipe, str) else str(run.recipe_file)]
    for setting in settings:
        words += ["--set", setting]
    for key, value in given.items():
        words += [f"--{key}", str(value)]
    if data_dir is not None:
        words += ["--data-dir", str(data_dir)]
    if run.labels_file.is_file():  # the copy: the file itself grows with each verdict
        words += ["--labels", str(run.labels_file)]
    # A recipe in JSON only tells of own code: the user names it.
    named = [] if isinstance(recipe, str) and not recipe.endswith(".json") else kept_code.copies(run)
    return shlex.join([*words, *(word for each in named for word in ("--code", each))])
