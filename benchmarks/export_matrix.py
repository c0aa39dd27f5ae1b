"""Every recipe's network in every format, against every backend: who answers as whom, in one table.

    python benchmarks/export_matrix.py [--recipes NAME,...] [--pictures N] [--json FILE]

Networks as they are before training, with noise on every weight: whether a conversion is right does not depend on what
was learned. Each answers test pictures of CIFAR-10 on each backend that is installed; each file answers them by its own
runtime. A cell is the largest difference of a logit from the backend that differs most, "other classes" where one is
named otherwise, and why, where a file was refused.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin

from cifarlab import datasets, recipes
from cifarlab.exports import apart, comparing
from cifarlab.exports.about import describe
from cifarlab.exports.choosing import choose_formats, place_of
from cifarlab.exports.proof import compare
from cifarlab.runs import Run, create_run
from cifarlab.utils import discovery, files
from cifarlab.utils.environment import BACKENDS, choose_backend
from cifarlab.utils.images import Pixels

SHAPE = (32, 32, 3)
NOISE = 0.02
LARGEST_LOGIT = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", default=",".join(discovery.names("recipes")))
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--json", type=Path)
    asked = begin(parser)
    with tempfile.TemporaryDirectory(prefix="cifarlab-") as folder:
        found = measure(asked.recipes.split(","), asked.pictures, Path(folder))
    if asked.json is not None:
        files.write_json(asked.json, found)
    print(table(found))


def measure(names: list[str], count: int, folder: Path) -> dict[str, dict[str, str]]:
    """What became of each recipe's network in each format."""
    test = datasets.load_data("cifar10").test
    np.save(pictures := folder / "pictures.npy", test.images[:count])
    runs = {name: make_run(folder / "runs", name, test.class_names, test.images[:8]) for name in names}
    chosen, _ = choose_formats(["all"], None)
    written: dict[tuple[str, str], str] = {}
    for backend in BACKENDS:
        steps: list[dict[str, Any]] = []
        for name, run in runs.items():
            path, to = str(run.path), str(folder / f"{name}-{backend}.npy")
            steps.append({"do": "answer", "run": path, "pictures": str(pictures), "to": to})
            for form in comparing.group_by_backend(chosen).get(backend, []):
                place = place_of(folder, name, chosen[form], None)
                steps.append(dict(comparing.write_step(path, form, place, describe(run, SHAPE), None)))
        for step, outcome in zip(steps, apart.do_apart(steps, backend), strict=True):
            if outcome.why_not:
                written[Path(step["run"]).name, step.get("form", backend)] = outcome.why_not
    return {form: ask(form, module, list(runs), written, folder) for form, module in chosen.items()}


def make_run(root: Path, name: str, class_names: tuple[str, ...], pictures: Pixels) -> Run:
    """A run of a network that was not trained; the pictures show how large its logits are."""
    choose_backend()
    recipe = recipes.load_recipe(name)
    run = create_run(root, name)
    run.set_state("finished")
    files.write_json(run.recipe_file, recipes.to_dict(recipe))
    files.write_json(run.data_file, {"name": "cifar10", "class_names": class_names})
    files.write_json(run.environment_file, {})
    files.write_text(run.command_file, f"cifarlab train {name}\n")
    model = discovery.load("models", recipe.model).build(SHAPE, 10, **recipe.model_args)
    # Many last layers begin at nothing: without noise their logits would be 0, and equal whatever a format does.
    noise = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(weight + noise.normal(0, NOISE, weight.shape))
    # Noise lets some logits grow to hundreds, of which float32 tells less apart than of a trained network's.
    largest = float(np.abs(model(pictures.astype(np.float32), training=False)).max())
    for weight in model.layers[-1].trainable_variables if largest > LARGEST_LOGIT else ():
        weight.assign(weight * (LARGEST_LOGIT / largest))
    model.save(run.model_file)
    return run


def ask(form: str, module: Any, names: list[str], written: dict[tuple[str, str], str], folder: Path) -> dict[str, str]:
    """What the files of one format answer, recipe by recipe."""
    if not module.PROVES:
        return {name: written.get((name, form), "written") for name in names}
    left = [name for name in names if (name, form) not in written]
    steps = [
        {
            "do": "prove",
            "form": form,
            "place": str(place_of(folder, name, module, None)),
            "pictures": str(folder / "pictures.npy"),
            "to": str(folder / f"{name}-{form}.npz"),
        }
        for name in left
    ]
    outcomes = dict(zip(left, apart.do_apart(steps), strict=True))
    cells = {}
    for name in names:
        why_not = written.get((name, form)) or outcomes[name].why_not
        cells[name] = why_not or judge(name, form, folder)
    return cells


def judge(name: str, form: str, folder: Path) -> str:
    """One cell: against every backend that answered."""
    with np.load(folder / f"{name}-{form}.npz") as file:
        logits, probabilities = file["logits"], file["probabilities"]
    largest, objections = 0.0, []
    for backend in BACKENDS:
        answers = folder / f"{name}-{backend}.npy"
        if answers.is_file():
            proof = compare(np.load(answers), logits, probabilities, 1.0, "test")
            largest = max(largest, proof.largest_difference)
            objections += [f"{backend}: {why}" for why in [proof.objection(0)] if why]
    return "; ".join(objections) or f"{largest:.0e}"


def table(found: dict[str, dict[str, str]]) -> str:
    """Recipes down, formats across, as Markdown."""
    names = list(next(iter(found.values())))
    lines = [f"| recipe | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    lines += [f"| `{name}` | {' | '.join(cells[name] for cells in found.values())} |" for name in names]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
