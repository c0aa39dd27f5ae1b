"""Behaves as `cifarlab train` does, as far as the app can see, in a moment and without Keras."""

import dataclasses
import signal
import sys
import time
from pathlib import Path

from cifarlab import files, recipe
from cifarlab.datasets import load_data
from cifarlab.runs import create_run

SECONDS_AN_EPOCH = 0.4


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = dict(zip(words[2::2], words[3::2], strict=True))
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    wanted = recipe.override(recipe.load_recipe(words[1]), settings)
    print(f"training {words[1]}", flush=True)
    if wanted.seed == 666:
        print("cifarlab: this one cannot be trained", flush=True)
        return 2
    splits = load_data(wanted.data)
    run = create_run(Path(options["--runs-dir"]), options["--name"])
    run.set_state("running")
    files.write_json(run.recipe_file, recipe.to_dict(wanted))
    files.write_json(run.data_file, {**dataclasses.asdict(splits.source), "class_names": list(splits.class_names)})
    files.write_json(run.environment_file, {"parameters": 1234})
    rows = []
    try:
        for epoch in range(1, wanted.epochs + 1):
            time.sleep(SECONDS_AN_EPOCH)
            accuracy = 0.9 - 0.5 / epoch
            rows.append({"epoch": epoch, "train_loss": 2 / epoch, "train_accuracy": accuracy})
            rows[-1] |= {"validation_loss": 2.1 / epoch, "validation_accuracy": accuracy, "epoch_seconds": 0.4}
            run.write_history(rows)
    except KeyboardInterrupt:
        run.set_state("stopped", "interrupted")
        return 130
    run.set_state("finished")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
