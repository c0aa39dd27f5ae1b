"""Behaves as `cifarlab train` and `evaluate` do, as far as the app can see, in a moment and without Keras.

What takes long to import is imported by `evaluate` alone. A test that wants to see it at work sets its pace: see
`fakes.Pace`.
"""

import contextlib
import dataclasses
import os
import signal
import socket
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from cifarlab import recipes
from cifarlab.runs import Run, create_run
from cifarlab.runs.derived import model_checksum
from cifarlab.utils import files

PACE = "CIFARLAB_MADE_UP_PACE"
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if words[0] == "evaluate":
        return evaluate(Run(Path(words[1])), words[3])
    if words[0] == "calibrate":
        return calibrate(Run(Path(words[1])))
    return resume(Run(Path(words[2]))) if words[1] == "--resume" else train(words)


def follow_pace() -> Callable[[], None]:
    """A function that tells the test that a piece of work is done, and waits until the next may begin."""
    if PACE not in os.environ:
        return lambda: None
    connection = socket.create_connection(("127.0.0.1", int(os.environ[PACE])))

    def wait() -> None:
        with contextlib.suppress(ConnectionError):  # the test has let go: there is no more to wait for
            connection.sendall(b".")
            connection.recv(1)

    return wait


def evaluate(run: Run, split: str) -> int:
    import numpy as np

    from cifarlab import metrics
    from cifarlab.datasets import load_data
    from cifarlab.runs.predictions import Predictions

    print(f"evaluating on {split}", flush=True)
    follow_pace()()
    images = load_data(run.data_name, **run.recipe.held_out)[split]
    logits = np.random.default_rng(0).normal(size=(len(images), len(images.class_names))).astype(np.float32)
    logits[np.arange(len(images)), images.labels] += 2
    predictions = Predictions(images.ids, images.labels, logits, images.class_names)
    predictions.save(run.predictions_file(split))
    scores = dataclasses.replace(metrics.score(predictions), run=run.name, data=run.data_name, split=split)
    files.write_json(run.scores_file(split), scores)
    return 0


def calibrate(run: Run) -> int:
    print("calibrating", flush=True)
    follow_pace()()
    temperature = {"value": 1.5, "low": 1.4, "high": 1.6, "method": "made up"}
    files.write_json(run.path / "calibration.json", {"temperature": temperature, "model_checksum": model_checksum(run)})
    return 0


def resume(run: Run) -> int:
    print("resuming", flush=True)
    run.set_state("running", "resumed")
    return go_on(run, run.history(), follow_pace())


def train(words: list[str]) -> int:
    options = dict(zip(words[2::2], words[3::2], strict=True))
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    recipe = recipes.override(recipes.load_recipe(words[1]), settings)
    print(f"training {words[1]}", flush=True)
    if recipe.seed == 666:
        print("cifarlab: this one cannot be trained", flush=True)
        return 2
    wait = follow_pace()
    if recipe.seed == 777:  # slow to begin: the test sees it before it has a folder
        wait()
    run = create_run(Path(options["--runs-dir"]), options["--name"])
    run.set_state("running")
    files.write_json(run.recipe_file, recipes.to_dict(recipe))
    about = {"name": recipe.data, "location": "scikit-learn", "how": "made up", "checksums": {}, "data_dir": None}
    files.write_json(run.data_file, {**about, "class_names": CLASSES})
    files.write_json(run.environment_file, {"parameters": 1234})
    return go_on(run, [], wait)


def go_on(run: Run, rows: list[dict[str, float]], wait: Callable[[], None]) -> int:
    try:
        for epoch in range(len(rows) + 1, run.recipe.epochs + 1):
            accuracy = 0.9 - 0.5 / epoch
            rows.append({"epoch": epoch, "train_loss": 2 / epoch, "train_accuracy": accuracy})
            rows[-1] |= {"validation_loss": 2.1 / epoch, "validation_accuracy": accuracy, "epoch_seconds": 0.4}
            run.write_history(rows)
            wait()
    except KeyboardInterrupt:
        run.checkpoint_file.touch()
        run.set_state("stopped", "interrupted")
        return 130
    with zipfile.ZipFile(run.model_file, "w") as archive:
        for name in ("config.json", "model.weights.h5"):
            archive.writestr(name, "made up")
    run.set_state("finished")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
