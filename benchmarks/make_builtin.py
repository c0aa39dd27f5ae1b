"""From a finished, evaluated run to the built-in model: its weights in float16, and its card.

    python benchmarks/make_builtin.py runs/convnet94-seed0
    python benchmarks/make_builtin.py           # only network.onnx, for the weights that are there

Rounds the weights to float16, rebuilds the model from them, evaluates that on the real test images, without TTA and
with each test-time augmentation of the card, and writes `weights.npz`, `card.json` and `card.md`. Every number in the
card is about the rounded weights.

`network.onnx` is what `cifarlab predict` computes with them in onnxruntime: Keras's own layers, exported by tf2onnx
with the weights as inputs, so that none is in the file; its bytes are the same each time. Every test image must get the
same class from it as from Keras, and logits that differ by 0.0001 at most; else nothing is written.
"""

import argparse
import io
import shlex
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _builtin_network import write_network
from _measure import begin

from cifarlab import recipes
from cifarlab.evaluation.scoring import evaluate
from cifarlab.inference.prediction import class_names, input_shape, load_model
from cifarlab.inference.tta import NAMES
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run, open_run, pretrained_run
from cifarlab.runs.layout import NO_TTA, describe_tta
from cifarlab.runs.predictions import Predictions
from cifarlab.utils import files
from cifarlab.utils.environment import BACKENDS
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

MOST_BYTES = 5_000_000
RESIZING = (
    "A picture is turned upright by its EXIF orientation, transparency is laid over white, and its centre square is "
    "resized to {size} x {size} pixels with Pillow's antialiased bicubic filter (`cifarlab/utils/images`). What lies "
    "outside of the centre square is not seen."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="a finished, evaluated run; without it, only network.onnx is made")
    parser.add_argument("--output", type=Path, default=builtin.FOLDER)
    parser.add_argument("--data-dir")
    parser.add_argument("--tta", nargs="*", default=["flip-shift"], choices=[name for name in NAMES if name != NO_TTA])
    arguments = begin(parser)
    if arguments.run is None:
        print(write_network(arguments.output, arguments.data_dir))
        return
    card = make_builtin(open_run(arguments.run, needs_model=True), arguments.output, arguments.data_dir, arguments.tta)
    for tta, scores in card["scores"].items():
        print(
            f"{describe_tta(tta):16s} {100 * scores['accuracy']:.2f} % of {scores['count']:,} {scores['split']} images"
        )
    print(f"{card['sizes']['weights_bytes']:,} bytes of weights; {arguments.output / 'card.md'}")


def make_builtin(run: Run, output: Path, data_dir: str | None, ttas: list[str]) -> dict[str, Any]:
    """Write weights and card into `output`, and give back the card."""
    if run.state["state"] != "finished":
        raise CifarlabError(f"{run.path} is {run.state['state']}: expected a finished run")
    as_trained = {tta: run.scores("test", tta).accuracy for tta in [NO_TTA, *ttas] if has_scores(run, tta)}
    if NO_TTA not in as_trained:
        raise CifarlabError(f"{run.path} has not been evaluated: run cifarlab evaluate {run.path}")
    model = load_model(run)
    weights = pack(model.get_weights())
    with tempfile.TemporaryDirectory() as scratch:
        folder, runs_dir = Path(scratch) / "package", Path(scratch) / "runs"
        sha256 = files.checksum(files.write_bytes(folder / "weights.npz", weights), "sha256")
        sizes = {"parameters": model.count_params(), "weights_bytes": len(weights), "weights_sha256": sha256}
        card = {**describe(run, input_shape(model)), "sizes": sizes, "as_trained": as_trained, "scores": {}}
        files.write_json(folder / "card.json", card)
        rebuilt = pretrained_run.make_run(runs_dir, folder)
        for tta in [NO_TTA, *ttas]:
            scores = json_data(evaluate(rebuilt, tta=tta, data_dir=data_dir))
            about_this_time = ("model_checksum", "run", "looks", "looks_in_making", "notices")
            card["scores"][tta] = {key: scores[key] for key in scores if key not in about_this_time}
        card["looks"] = rebuilt.looks()
        card["changed_by_rounding"] = count_changes(run, rebuilt)
    files.write_bytes(output / "weights.npz", weights)
    files.write_json(output / "card.json", card)
    files.write_text(output / "card.md", write_up(card))
    write_network(output, data_dir)
    return builtin.read_card(output)


def pack(arrays: list[Any]) -> bytes:
    """The arrays as a compressed `.npz` in float16, named by their places."""
    packed: dict[str, Any] = {}
    for number, array in enumerate(arrays):
        with np.errstate(over="ignore"):  # said in one line below
            rounded = np.asarray(array, np.float32).astype(np.float16)
        if not np.isfinite(rounded).all():
            raise CifarlabError(f"weight {number} does not fit into float16: it reaches {np.abs(array).max():.3g}")
        packed[f"{number:04d}"] = rounded
    file = io.BytesIO()
    np.savez_compressed(file, **packed)
    if file.tell() > MOST_BYTES:
        raise CifarlabError(f"the weights take {file.tell():,} bytes: expected at most {MOST_BYTES:,}")
    return file.getvalue()


def describe(run: Run, shape: tuple[int, int, int]) -> dict[str, Any]:
    """What the run says about itself, without the folders of the machine it was made on."""
    data = {key: value for key, value in run.data.items() if key in ("name", "checksums", "fingerprints")}
    environment = {key: value for key, value in run.environment.items() if key != "platform"}
    state = {key: value for key, value in run.state.items() if key not in ("process", "host")}
    return {
        "format": 1,
        "recipe": recipes.to_dict(run.recipe),
        "seed": run.recipe.seed,
        "command": without_data_dir(run.command),
        "image_shape": list(shape),
        "class_names": list(class_names(run)),
        "data": data,
        "environment": environment,
        "state": state,
        "history": run.history(),
        "looks": run.looks(),
    }


def without_data_dir(command: str) -> str:
    words = shlex.split(command)
    if "--data-dir" in words:
        place = words.index("--data-dir")
        del words[place : place + 2]
    return shlex.join(words)


def has_scores(run: Run, tta: str) -> bool:
    return run.scores_file("test", tta=tta).is_file() and run.predictions_file("test", tta=tta).is_file()


def count_changes(run: Run, rebuilt: Run) -> int:
    """On how many test images, without TTA, the rounded weights name another class than those of the training."""
    before, after = (Predictions.load(each.predictions_file("test")) for each in (run, rebuilt))
    if before.ids.tolist() != after.ids.tolist():
        raise CifarlabError(f"{run.path} was evaluated on other images: run cifarlab evaluate {run.path} again")
    return int((before.predicted != after.predicted).sum())


def write_up(card: dict[str, Any]) -> str:
    """The card as a page."""
    return "\n".join([*about(card), *numbers(card), *limits(card)]) + "\n"


def about(card: dict[str, Any]) -> list[str]:
    environment, sizes = card["environment"], card["sizes"]
    names = ", ".join(card["class_names"])
    hardware = ", ".join(map(str, environment.get("accelerators") or [environment.get("processor", "unknown")]))
    unused = set(BACKENDS) - {environment.get("backend")}
    used = {name: each for name, each in environment["versions"].items() if name.removesuffix("-cpu") not in unused}
    versions = ", ".join(f"{name} {version}" for name, version in used.items())
    seconds = environment.get("training_seconds")
    took = f", in {seconds:.0f} s" if seconds is not None else ""
    return [
        "# The built-in model",
        "",
        f"A classifier of small pictures that comes with cifarlab: `cifarlab predict photo.jpg` asks it. It tells "
        f"{len(card['class_names'])} classes apart: {names}.",
        "",
        "## How it was made",
        "",
        f"    {card['command']}",
        "",
        f"- Network: `{card['recipe']['model']}`, {sizes['parameters']:,} parameters, trained {len(card['history'])} "
        f"epochs with seed {card['seed']} in {card['recipe']['precision']}{took}, on {hardware}.",
        f"- Data: {card['data']['name']}, {held_out(card)}; fingerprints and checksums are in `card.json`.",
        f"- Versions: {versions}.",
        f"- Weights: rounded to float16, {sizes['weights_bytes']:,} bytes, SHA-256 `{sizes['weights_sha256']}`; "
        "the arithmetic is in float32.",
        "",
    ]


def held_out(card: dict[str, Any]) -> str:
    fraction = card["recipe"]["validation_fraction"]
    if not fraction:
        return "all training images, nothing held out"
    return f"{1 - fraction:.0%} of the training images; the epoch was chosen on the other {fraction:.0%}"


def numbers(card: dict[str, Any]) -> list[str]:
    single = card["scores"][NO_TTA]
    rows = []
    for tta, scores in card["scores"].items():
        measured = scores["scores"]
        loss = measured["negative_log_likelihood"]
        nats = f"{loss['value']:.4f} ({loss['low']:.4f} to {loss['high']:.4f})"
        rows.append(
            f"| {describe_tta(tta)} | {percent(measured['accuracy'])} | {percent(measured['macro_f1'])} | {nats} |"
        )
    classes = [(row["class_name"], percent(row["recall"]), percent(row["precision"])) for row in single["per_class"]]
    trained = ", ".join(f"{100 * accuracy:.2f} % {describe_tta(tta)}" for tta, accuracy in card["as_trained"].items())
    return [
        "## What it reaches",
        "",
        f"On the {single['count']:,} test images of {single['data']}, with the rounded weights; in brackets the 95 % "
        "interval. `cifarlab evaluate builtin` measures it again.",
        "",
        "| | accuracy | macro F1 | negative log likelihood |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Before the rounding the accuracy was {trained}; {card['changed_by_rounding']} images are named differently "
        "(without TTA).",
        "",
        "| class | recall, without TTA | precision |",
        "|---|---|---|",
        *(f"| {' | '.join(cells)} |" for cells in classes),
        "",
    ]


def percent(score: dict[str, Any]) -> str:
    if score["value"] is None:
        return "undefined"
    return f"{100 * score['value']:.2f} % ({100 * score['low']:.2f} to {100 * score['high']:.2f})"


def limits(card: dict[str, Any]) -> list[str]:
    return [
        "## How pictures are made small",
        "",
        RESIZING.format(size=card["image_shape"][0]),
        "",
        "## Limits",
        "",
        f"- It knows {len(card['class_names'])} classes and nothing else: it names one of them whatever it is shown, "
        "and its probability does not say whether the picture is of any of them.",
        "- The numbers above are about images of the same collection that it was trained on. They say nothing about "
        "other photographs; `benchmarks/resizing.py` measures it on a folder of them.",
        "- It is an example to learn and measure with, not a part for decisions about people or safety.",
        "",
        "## Licence",
        "",
        "The weights are under the licence of cifarlab, MIT. The training images are not part of the package. "
        "CIFAR-10: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.",
    ]


if __name__ == "__main__":
    main()
