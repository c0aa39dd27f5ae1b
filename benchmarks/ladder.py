"""Keep what evaluated runs measured of the ladder's rungs, with their operations and this machine's matrix limit.

    cifarlab train dense3 --seeds 3
    cifarlab evaluate runs/dense3-seed*
    python benchmarks/ladder.py runs/dense3-seed*
    cifarlab ladder

Each run is matched with its rung by its settings, not by its name; a run of other settings is refused. The runs given
replace what was kept of their rungs, and all other rungs stay as they are. Run it on the machine of the training, soon
after it and while nothing else runs there: it measures the fastest matrix product, and keeps it with the result.
"""

import argparse
import dataclasses
import inspect
from pathlib import Path
from typing import Any

from _measure import begin, errors_in_one_line, matrix_rate, operations_per_image, tell

from cifarlab.evaluation.ladder.description import describe_ladder
from cifarlab.evaluation.ladder.measurements import Result, Summary, read_result
from cifarlab.evaluation.ladder.results import FILE, Results, load_results, save_results
from cifarlab.evaluation.ladder.rungs import Rung, changes, find_rungs, is_training_of
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, open_run
from cifarlab.utils import discovery
from cifarlab.utils.environment import choose_backend, describe_environment
from cifarlab.utils.errors import CifarlabError


def main() -> None:
    arguments = parse()
    with errors_in_one_line():
        rungs = find_rungs(arguments.recipes)
        by_rung = sort_runs([open_run(path) for path in arguments.runs], rungs)
        for runs in by_rung.values():
            read_result(runs)  # what is wrong with one is said before anything is measured
        kept = load_results(arguments.save)
        backend = choose_backend()
        kept = keep(kept, by_rung, backend)
        print(save_results(kept, arguments.save))
    for rung in describe_ladder(arguments.recipes, kept=arguments.save).rungs:
        if rung.name in by_rung and rung.result is not None:
            tell(shown(rung.name, rung.result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="evaluated runs, all seeds of each rung among them")
    parser.add_argument("--recipes", nargs="+", default=[], metavar="RECIPE", help="the rungs; by default dense1, ...")
    parser.add_argument("--save", type=Path, default=FILE, metavar="FILE", help="by default the file in the package")
    return begin(parser)


def sort_runs(runs: list[Run], rungs: list[Rung]) -> dict[str, list[Run]]:
    """The runs of each rung.

    Raises:
        CifarlabError: If a run has the settings of no rung; the message says what differs from the nearest.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        recipe = run.recipe
        rung = next((rung for rung in rungs if is_training_of(recipe, rung.recipe)), None)
        if rung is None:
            nearest = min(rungs, key=lambda each: len(changes(each.recipe, recipe)))
            other = ", ".join(f"{each.setting}={each.after!r}" for each in changes(nearest.recipe, recipe))
            raise CifarlabError(f"{run.path} was trained with the settings of no rung: {nearest.name} with {other}")
        found.setdefault(rung.name, []).append(run)
    return found


def keep(kept: Results, by_rung: dict[str, list[Run]], backend: str) -> Results:
    """What was kept, with these runs in the place of their rungs' results, and this machine's limit with each."""
    here = describe_environment()
    rungs = dict(kept.rungs)
    for name, runs in by_rung.items():
        tell(f"{name}: counting operations")
        result = read_result(runs, petaflop=count_petaflop(runs[0]))
        machine = {key: here.get(key) for key in result.machine}
        if machine == result.machine:
            tell(f"{name}: measuring the {result.precision} matrix limit of this machine")
            result = dataclasses.replace(result, limit_flop_per_second=matrix_rate(result.precision))
            result = with_devices(result, backend)
        else:
            tell(f"{name}: trained on another machine than this one, so its share of the limit stays unknown")
        rungs[name] = result
    return dataclasses.replace(kept, rungs=rungs)


def count_petaflop(run: Run) -> float:
    """Operations of a whole training: of every image at the size at which it is seen, and of Muon in every step."""
    recipe, model = run.recipe, build(run)
    full = model.input_shape[1]
    heights = [*recipe.image_pixels[: recipe.epochs], *[full] * (recipe.epochs - len(recipe.image_pixels))]
    rows = run.history()
    if len(rows) != recipe.epochs:
        raise CifarlabError(f"{run.history_file} has {len(rows)} epochs of {recipe.epochs}: train the run again")
    per_image = {height: operations_per_image(model, height) for height in set(heights)}
    images = [round(row["images_per_second"] * row["epoch_seconds"]) for row in rows]
    learning = sum(count * per_image[height] for count, height in zip(images, heights, strict=True))
    return (learning + sum(images) / recipe.batch_size * count_optimizer(model, recipe)) / 1e15


def count_optimizer(model: Any, recipe: Recipe) -> int:
    """Operations of the matrix products in one step of the optimizer: only Muon has any."""
    if recipe.optimizer != "muon":
        return 0
    from _operations import count_orthogonalisation  # with Keras, once its backend is chosen

    from cifarlab.training.optimizers.muon import Muon

    defaults = inspect.signature(Muon).parameters
    steps, block_rows = (
        recipe.optimizer_args.get(name, defaults[name].default) for name in ("newton_schulz_steps", "block_rows")
    )
    return count_orthogonalisation(model, steps, block_rows)


def build(run: Run) -> Any:
    """The run's network, with weights that nobody trained: long trainings need not keep theirs."""
    from cifarlab.datasets import load_data

    images = load_data(run.data_name, data_dir=run.data_dir, **run.recipe.held_out).test
    module = discovery.load("models", run.recipe.model)
    return module.build(images.image_shape, len(images.class_names), **run.recipe.model_args)


def with_devices(result: Result, backend: str) -> Result:
    """The result with what its accelerators are called by their maker, where JAX tells."""
    if backend != "jax" or not result.machine["accelerators"]:
        return result
    import jax

    devices = sorted({device.device_kind for device in jax.local_devices()})
    return dataclasses.replace(result, machine={**result.machine, "devices": devices})


def shown(name: str, result: Summary) -> str:
    """One line about what was kept."""
    accuracy = f"{result.accuracy.value:.2%} of {result.images:,} test images, {len(result.seeds)} runs"
    share = "" if result.share_of_limit is None else f", {result.share_of_limit:.1%} of the limit"
    if (result.share_of_limit or 0) > 1:
        share += " (above it: the limit was measured on a busy machine, so measure again on an idle one)"
    return f"{name}: {accuracy}, {result.training_seconds:.0f} s, {result.petaflop:.3g} PFLOP{share}"


if __name__ == "__main__":
    main()
