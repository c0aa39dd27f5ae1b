"""How much trained weights help where pictures are few: from scratch, frozen, fine-tuned, for 5 to 100 a class.

    python benchmarks/small_data.py --source RUN --json small_data.json
    python benchmarks/small_data.py --json small_data.json --figure docs/images/small_data.png   # table and figure

Two questions. *New classes*: a small network that was trained on six of CIFAR-10's classes is asked the other four.
*Another kind of picture*: the built-in model, trained on CIFAR-10's photographs, is asked handwritten digits. Of each
number of training pictures a class there are five draws, the same for all methods; nothing is held out, no epoch is
chosen, and the test images are asked once. The source of the first is made by `--make-source`.

The steps are the product's own (network, take-over, last layer, augmentation, optimizer), compiled once a method
instead of once a training. What is measured already stands in the JSON file and is not measured again.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import begin

from cifarlab.datasets import ImageSet, Splits, load_data
from cifarlab.recipes import Recipe, load_recipe, override
from cifarlab.utils.environment import choose_backend

NEW_CLASSES = ("automobile", "dog", "horse", "ship")
SIZES, DRAWS = (5, 10, 20, 50, 100), 5
METHODS = ("scratch", "frozen", "finetune")
TASKS = ("four", "digits")
TEST_IMAGES = 1000
SMALL = {"widths": (32, 64, 128), "depth": 2, "activation": "silu", "whitening_pixels": 2}


def main() -> None:
    """Measure what is not yet measured, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("small_data.json"))
    parser.add_argument("--source", help="the run that --make-source made")
    parser.add_argument("--make-source", action="store_true", help="train the network of six classes, and stop")
    parser.add_argument("--figure", type=Path, help="draw the figure here instead of measuring")
    options = begin(parser)
    choose_backend()
    if options.make_source:
        print(make_source())
    elif options.figure:
        draw_figure(read(options.json), options.figure)
        print(table(read(options.json)))
    else:
        measure(options.json, options.source)


def read(path: Path) -> dict[str, list[float]]:
    """Accuracies of each draw by `task/pictures a class/method`."""
    found: dict[str, list[float]] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def classes(images: ImageSet, names: tuple[str, ...]) -> ImageSet:
    """The images of some classes, in the order of `names`."""
    kept = np.isin(images.labels, [images.class_names.index(name) for name in names])
    of = np.array([names.index(name) if name in names else -1 for name in images.class_names])
    part = images.take(kept)
    return ImageSet(part.images, of[part.labels].astype(np.int64), part.ids, names)


def make_source() -> Path:
    """Train the small network on the six classes: its run's folder."""
    from cifarlab import training

    data = load_data("cifar10", validation_fraction=0.0)
    six = tuple(name for name in data.class_names if name not in NEW_CLASSES)
    train, validation, test = (classes(part, six) for part in (data.train, data.validation, data.test))
    splits = Splits(train, validation, test, dataclasses.replace(data.source, name="cifar10-six-classes"))
    settings = ["epochs=8", "batch_size=500", "image_pixels=(24, 24, 24, 24, 28, 28)"]
    settings += [f"model.{key}={value!r}" for key, value in SMALL.items()]
    return training.train("convnet94", settings=settings, splits=splits, name="six-classes", show=True).path


class Method:
    """One way to train, compiled once: every draw begins again with the same variables.

    Args:
        recipe: How.
        classes: Names of the classes.
        shape: Of the images.
        source: The network whose weights it begins with; None for random ones.
    """

    def __init__(self, recipe: Recipe, classes: int, shape: tuple[int, int, int], source: Any) -> None:
        import keras
        import tensorflow as tf

        from cifarlab.models import convnet
        from cifarlab.training import transfer
        from cifarlab.training.augmentation.pipeline import add_augmentation
        from cifarlab.training.engines import objective
        from cifarlab.training.optimizers.build import build_optimizer

        keras.utils.set_random_seed(0)
        self.recipe, self.source = recipe, source
        self.model = convnet.build(shape, classes, **recipe.model_args)
        if source is not None:
            transfer.take_over(self.model, source, "source", with_head=False)
            transfer.slow_down(self.model, recipe.from_rate)
        self.trained = add_augmentation(self.model, recipe)[shape[0]]
        self.last = tf.Variable(1.0)
        self.optimizer = build_optimizer(recipe, _cosine(recipe.learning_rate, self.last), self.trained)
        self.variables = [*self.trained.variables, *self.optimizer.variables]
        self.begin = [np.array(keras.ops.convert_to_numpy(each)) for each in self.variables]

        @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
        def step(images: Any, labels: Any) -> None:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(objective(labels, self.trained(images, training=True), 0.0)[0])
            weights = self.trained.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)

        self.step = step
        self.forward = tf.function(
            lambda images: tf.argmax(self.model(tf.cast(images, tf.float32), training=False), 1), autograph=False
        )

    def accuracy(self, train: ImageSet, test: ImageSet, kernel: Any, seed: int) -> float:
        """Train from the beginning on `train`, with this last layer if there is one, and ask `test`."""
        import tensorflow as tf

        from cifarlab.models import convnet

        for variable, value in zip(self.variables, self.begin, strict=True):
            variable.assign(value)
        if self.source is None:
            convnet.adapt(self.model, train.images)
        else:
            self.model.layers[-1].kernel.assign(kernel)
        batch = min(self.recipe.batch_size, len(train))
        steps = len(train) // batch
        self.last.assign(float(steps * self.recipe.epochs))
        for epoch in range(1, self.recipe.epochs + 1):
            order = np.random.default_rng([seed, epoch]).permutation(len(train))
            for rows in order[: steps * batch].reshape(steps, batch):
                self.step(tf.constant(train.images[rows]), tf.constant(train.labels[rows].astype(np.int32)))
        parts = [self.forward(tf.constant(test.images[at : at + 200])).numpy() for at in range(0, len(test), 200)]
        return float((np.concatenate(parts) == test.labels).mean())


def _cosine(peak: float, last: Any) -> Any:
    import keras
    import tensorflow as tf

    class Cosine(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 0.5 * peak * (1.0 + tf.cos(np.pi * tf.cast(step, tf.float32) / last))

    return Cosine()


def draw(labels: Any, size: int, number: int) -> Any:
    """Rows of `size` images of each class, sorted."""
    random = np.random.default_rng([size, number])
    members = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    return np.sort(np.concatenate([random.choice(each, size, replace=False) for each in members]))


def measure(path: Path, source_run: str) -> None:
    """Fill the file: question by question, small numbers of pictures first."""
    import keras

    from cifarlab.inference.forward import apply_in_batches, compile_forward
    from cifarlab.inference.prediction import load_model
    from cifarlab.training import transfer

    done, tasks = read(path), {}
    for task in TASKS:
        data = load_data("cifar10" if task == "four" else "digits", validation_fraction=0.0)
        pool, test = (classes(each, NEW_CLASSES) if task == "four" else each for each in (data.train, data.test))
        pool, test = pool.take(np.arange(min(len(pool), 4000))), test.take(np.arange(min(len(test), TEST_IMAGES)))
        source = load_model(source_run if task == "four" else "builtin")
        forward = compile_forward(keras.Model(source.inputs, source.layers[-1].input))
        rows = np.unique(np.concatenate([draw(pool.labels, size, each) for size in SIZES for each in range(DRAWS)]))
        features = np.zeros((len(pool), source.layers[-1].input.shape[-1]), np.float32)
        features[rows] = apply_in_batches(forward, pool.images[rows], 100)
        tasks[task] = (pool, test, features, apply_in_batches(forward, test.images, 100), source)
        for size in SIZES:
            key = f"{task}/{size}/frozen"
            if key not in done:
                done[key] = [_frozen(tasks[task], draw(pool.labels, size, each)) for each in range(DRAWS)]
                path.write_text(json.dumps(done, indent=1))
                print(key, np.round(done[key], 4), flush=True)
    methods: dict[tuple[str, str], Method] = {}
    for task in TASKS:
        for size, name in ((size, name) for size in SIZES for name in ("finetune", "scratch")):
            key = f"{task}/{size}/{name}"
            found = done.setdefault(key, [])
            pool, test, features, _, source = tasks[task]
            while len(found) < DRAWS:
                if (task, name) not in methods:
                    recipe = _recipe(name, SMALL if task == "four" or name == "scratch" else None)
                    network = source if name == "finetune" else None
                    methods[task, name] = Method(recipe, len(pool.class_names), pool.image_shape, network)
                drawn = draw(pool.labels, size, len(found))
                kernel, _ = transfer.regress(
                    features[drawn], pool.labels[drawn], len(pool.class_names), with_bias=False
                )
                found.append(methods[task, name].accuracy(pool.take(drawn), test, kernel, len(found)))
                path.write_text(json.dumps(done, indent=1))
            print(key, np.round(found, 4), flush=True)


def _recipe(name: str, network: dict[str, Any] | None) -> Recipe:
    recipe = load_recipe("finetune")
    if name == "scratch":
        recipe = override(recipe, ["from_rate=1", "epochs=40"])
    return recipe if network is None else dataclasses.replace(recipe, model_args=network)


def _frozen(task: Any, rows: Any) -> float:
    from cifarlab.training import transfer

    pool, test, features, asked, _ = task
    kernel, _ = transfer.regress(features[rows], pool.labels[rows], len(pool.class_names), with_bias=False)
    return float(((asked @ kernel).argmax(axis=1) == test.labels).mean())


def _interval(values: list[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval over the draws, by Student's t."""
    from scipy import stats

    mean, count = float(np.mean(values)), len(values)
    half = stats.t.ppf(0.975, count - 1) * float(np.std(values, ddof=1)) / count**0.5 if count > 1 else float("nan")
    return mean, float(half)


def table(done: dict[str, list[float]]) -> str:
    """Markdown: one line a task and number of pictures."""
    lines = ["| Question | Pictures a class | From scratch | Frozen | Fine-tuned |", "|---|---|---|---|---|"]
    for task in TASKS:
        for size in SIZES:
            cells = [_cell(done.get(f"{task}/{size}/{method}", [])) for method in METHODS]
            lines.append(f"| {task} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    if len(values) < 2:
        return "not measured"
    mean, half = _interval(values)
    return f"{100 * mean:.1f} ± {100 * half:.1f} %" + ("" if len(values) == DRAWS else f" ({len(values)} draws)")


def draw_figure(done: dict[str, list[float]], path: Path) -> None:
    """Accuracy against pictures a class, one panel a question, with the interval over the draws."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
    titles = {"four": "Four new classes of photographs", "digits": "Handwritten digits"}
    names: dict[str, str] = {"scratch": "from scratch", "frozen": "frozen", "finetune": "fine-tuned"}
    plot: Callable[..., Any]
    for panel, task in zip(panels, TASKS, strict=True):
        plot = panel.errorbar
        for method in METHODS:
            known = {size: done.get(f"{task}/{size}/{method}", []) for size in SIZES}
            sizes = [size for size in SIZES if len(known[size]) > 1]
            means, halves = zip(*(_interval(known[size]) for size in sizes), strict=True)
            plot(sizes, 100 * np.array(means), 100 * np.array(halves), marker="o", capsize=3, label=names[method])
        panel.set(xscale="log", xticks=SIZES, xticklabels=SIZES, title=titles[task], xlabel="pictures a class")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("test accuracy (%)")
    panels[0].legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
