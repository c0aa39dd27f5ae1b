"""How much of a dense network's energy lies in weights far from their unit's place, before training and after.

    python benchmarks/far_weights.py runs/dense4-seed0 runs/dense5-seed0
    python benchmarks/far_weights.py runs/dense6-seed0 --cut

For runs of `bottleneck_mlp` that begin near (`sigma_pixels`). A weight is far where the Gaussian of its distance is
below a tenth; energy is the sum of squared weights. `--cut` asks what the far weights are worth: accuracy on the
validation images without them, in the first layer and in all.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _measure import begin, errors_in_one_line

from cifarlab.datasets import load_data
from cifarlab.inference.prediction import load_model, predict_images
from cifarlab.metrics import accuracy
from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.runs import Run, open_run
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

FAR = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--cut", action="store_true", help="also predict validation images without the far weights")
    arguments = begin(parser)
    with errors_in_one_line():
        choose_backend()
        for path in arguments.runs:
            run = open_run(path)
            shares = far_shares(run)
            print(f"{path.name}: share of the energy that lies in far weights, before training and after")
            for layer, weights, before, after in shares:
                print(f"  {layer:16s}{weights:6.1%} of the weights: {before:6.1%} -> {after:6.1%}")
            for what, right in cut_accuracies(run) if arguments.cut else []:
                print(f"  {what}: {right.value:.1%} of the validation images ({right.low:.1%} to {right.high:.1%})")


def far_shares(run: Run) -> list[tuple[str, float, float, float]]:
    """Of each layer: its name, the share of its weights that are far, and their share of the energy, before and after.

    Args:
        run: A finished training of `bottleneck_mlp` with `sigma_pixels`.
    """
    import keras

    from cifarlab.models import bottleneck_mlp

    recipe, sigma_pixels = run.recipe, sigma_of(run)
    trained = load_model(run)
    keras.utils.set_random_seed(recipe.seed)
    begun = bottleneck_mlp.build(trained.input_shape[1:], trained.output_shape[-1], **recipe.model_args)
    found = []
    for layer, near in bottleneck_mlp.gaussian_windows(begun, sigma_pixels):
        far = near < FAR
        kernels = [keras.ops.convert_to_numpy(model.get_layer(layer.name).kernel) for model in (begun, trained)]
        before, after = (float((kernel[far] ** 2).sum() / (kernel**2).sum()) for kernel in kernels)
        found.append((layer.name, float(np.mean(far)), before, after))
    return found


def cut_accuracies(run: Run) -> list[tuple[str, Interval]]:
    """What is left out, and the accuracy on the validation images.

    Args:
        run: A finished training of `bottleneck_mlp` with `sigma_pixels`, which held out images.
    """
    from cifarlab.models import bottleneck_mlp

    sigma_pixels = sigma_of(run)
    images = load_data(run.data_name, data_dir=run.data_dir, **run.recipe.held_out).validation
    if not len(images.labels):
        raise CifarlabError(f"{run.path} held out no images: without any, --cut has nothing to predict")
    model = load_model(run)
    layers = list(bottleneck_mlp.gaussian_windows(model, sigma_pixels))
    found = []
    for what, cut in (("whole", []), ("first layer without its far weights", layers[:1]), ("all without", layers[1:])):
        for layer, near in cut:
            layer.kernel.assign(np.where(near < FAR, 0, np.asarray(layer.get_weights()[0])))
        found.append((what, accuracy.measure(predict_images(model, images))))
    return found


def sigma_of(run: Run) -> Sequence[float]:
    """The run's `sigma_pixels`.

    Raises:
        CifarlabError: If its network does not begin near.
    """
    recipe = run.recipe
    sigma_pixels: Sequence[float] = recipe.model_args.get("sigma_pixels", ())
    if recipe.model != "bottleneck_mlp" or not sigma_pixels or recipe.shuffle_pixels:
        raise CifarlabError(f"{run.path} does not begin near: give a run of bottleneck_mlp with sigma_pixels")
    return sigma_pixels


if __name__ == "__main__":
    main()
