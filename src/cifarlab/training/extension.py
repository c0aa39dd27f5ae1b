"""More epochs for a run: only where it would have come to the same state had it been begun with them."""

import dataclasses
import shlex

from cifarlab.recipes import Recipe, to_dict
from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import stamped


def check_extension(run: Run, epochs: int) -> Recipe:
    """The run's recipe with more epochs.

    Args:
        run: Finished or stopped.
        epochs: How many there will be in all.

    Raises:
        CifarlabError: If it has as many already, has nothing to go on from, or would not have come to its present
            state with so many.
    """
    recipe, again = run.recipe, f"cifarlab train --from {shlex.quote(str(run.path))}"
    if epochs <= recipe.epochs:
        raise CifarlabError(f"{run.path} has {recipe.epochs} epochs: give more as --epochs. Received: {epochs}")
    if not run.has_checkpoint():
        raise CifarlabError(f"{run.path} has no checkpoint to go on from: train it again with --epochs {epochs}")
    if recipe.schedule != "constant":
        raise CifarlabError(
            f"schedule={recipe.schedule} of {run.path} has its end at epoch {recipe.epochs}, and with {epochs} epochs "
            f"every step would have had another learning rate: train it again with --epochs {epochs}, or begin a new "
            f"training with its weights: {again}"
        )
    if recipe.warmup_epochs > recipe.epochs:
        raise CifarlabError(
            f"the warm-up of {run.path} was cut short at epoch {recipe.epochs} of {recipe.warmup_epochs:g}: train it "
            f"again with --epochs {epochs}"
        )
    if run.state["state"] == "finished" and len(run.history()) < recipe.epochs:
        raise CifarlabError(
            f"{run.path} {run.state.get('why') or 'stopped early'}: with {epochs} epochs it would have stopped there "
            f"too; begin a new training with its weights: {again}"
        )
    return dataclasses.replace(recipe, epochs=epochs)


def extend(run: Run, recipe: Recipe) -> None:
    """Write down that a run has more epochs now; what it was begun with stays in `environment.json`.

    Args:
        run: Whose training is about to go on.
        recipe: What `check_extension` gave.
    """
    environment, before = run.environment, run.recipe.epochs
    resumed = [*environment["resumed"]]
    resumed[-1] = {**resumed[-1], "epochs": recipe.epochs, "epochs_before": before}
    files.write_json(run.environment_file, stamped({**environment, "resumed": resumed}))
    # Of two settings of one name the later one counts.
    files.write_text(run.command_file, f"{run.command} --set epochs={recipe.epochs}\n")
    files.write_json(run.recipe_file, stamped(to_dict(recipe)))  # last: from here on the run has them
