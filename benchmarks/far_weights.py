"""How much of a dense network's energy lies in weights far from their unit's place, before training and after.

    python benchmarks/far_weights.py runs/dense5-seed0 runs/dense6-seed0

For runs of `bottleneck_mlp` that begin near (`reach_pixels`). A weight is far where the Gaussian of its distance is
below a tenth; energy is the sum of squared weights.
"""

import argparse
from pathlib import Path

import numpy as np
from _measure import errors_in_one_line

from cifarlab.environment import choose_backend
from cifarlab.errors import CifarlabError
from cifarlab.prediction import load_model
from cifarlab.runs import Run, open_run

FAR = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    arguments = parser.parse_args()
    with errors_in_one_line():
        choose_backend()
        for path in arguments.runs:
            shares = far_shares(open_run(path))
            print(f"{path.name}: share of the energy that lies in far weights, before training and after")
            for layer, weights, before, after in shares:
                print(f"  {layer:16s}{weights:6.1%} of the weights: {before:6.1%} -> {after:6.1%}")


def far_shares(run: Run) -> list[tuple[str, float, float, float]]:
    """Of each layer: its name, the share of its weights that are far, and their share of the energy, before and after.

    Args:
        run: A finished training of `bottleneck_mlp` with `reach_pixels`.
    """
    recipe = run.recipe
    if recipe.model != "bottleneck_mlp" or not recipe.model_args.get("reach_pixels") or recipe.shuffle_pixels:
        raise CifarlabError(f"{run.path} does not begin near: give a run of bottleneck_mlp with reach_pixels")
    import keras

    from cifarlab.models import bottleneck_mlp

    trained = load_model(run)
    keras.utils.set_random_seed(recipe.seed)
    begun = bottleneck_mlp.build(trained.input_shape[1:], trained.output_shape[-1], **recipe.model_args)
    found = []
    for layer, near in bottleneck_mlp.nearness(begun, recipe.model_args["reach_pixels"]):
        far = near < FAR
        kernels = [keras.ops.convert_to_numpy(model.get_layer(layer.name).kernel) for model in (begun, trained)]
        before, after = (float((kernel[far] ** 2).sum() / (kernel**2).sum()) for kernel in kernels)
        found.append((layer.name, float(np.mean(far)), before, after))
    return found


if __name__ == "__main__":
    main()
