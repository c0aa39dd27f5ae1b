"""The whole product in a few minutes: data, three networks, evaluation, one report, and the built-in model."""

import time
from pathlib import Path

import numpy as np

from cifarlab.cli import training
from cifarlab.runs import Run
from cifarlab.training import plan

BUILTIN_IMAGES = 5
RECIPES = ("mlp1", "mlp2", "mlp3")
# Minutes on CIFAR-10, seconds on digits, which are few and want small batches.
SETTINGS = {
    "cifar10": ("epochs=8", "warmup_epochs=1"),
    "digits": ("epochs=8", "warmup_epochs=1", "batch_size=50"),
}


def show_demo(*, data_dir: str | None = None, output: Path = Path("demo")) -> Path:
    """Train three dense networks briefly, evaluate them, write a report, ask the built-in model, and print it all.

    Args:
        data_dir: Where CIFAR-10 is; by default it is looked for, downloaded, or replaced by the built-in digits.
        output: Folder for the runs and `report.html`; earlier runs in it are kept.

    Returns:
        The report.

    Raises:
        CifarlabError: If CIFAR-10 is there but damaged, or the disk cannot be written.
    """
    began = time.monotonic()
    data, notice = choose_data(data_dir)
    print(notice, flush=True)
    trainings = plan.plan_trainings(RECIPES, SETTINGS[data], data=data)
    runs = training.train_all(trainings, data_dir=data_dir if data == "cifar10" else None, runs_dir=output / "runs")
    page = _examine(runs, output, notice)
    print(ask_builtin(data, data_dir), flush=True)
    from cifarlab.utils.text import duration

    print(f"done in {duration(time.monotonic() - began)}; the report: {page}")
    return page


def choose_data(data_dir: str | None = None) -> tuple[str, str]:
    """CIFAR-10 if it can be had, else the digits.

    Args:
        data_dir: Where CIFAR-10 must be; None looks in the usual places and downloads.

    Returns:
        The data set's name, and the sentence that says which data these are and why.

    Raises:
        CifarlabError: If files of CIFAR-10 are there but damaged, or a named folder has none.
    """
    from cifarlab import datasets
    from cifarlab.displays.console import working

    try:
        with working("looking for CIFAR-10") as progress:
            splits = datasets.load_data("cifar10", data_dir=data_dir, progress=progress)
    except datasets.NoDataError as error:
        why = str(error).partition(": ")[0]
        return "digits", f"These are not results on CIFAR-10 but on the built-in handwritten digits: {why}."
    short = "A short demonstration of 8 epochs, too few for dropout to pay: the full recipes reach higher accuracies."
    return "cifar10", f"{short} Data: CIFAR-10, {splits.source.how}, {splits.source.location}."


def ask_builtin(data: str, data_dir: str | None = None) -> str:
    """What the built-in model says about the first test images, or one line about why it is not asked.

    Returns:
        Lines for people: for each image the most probable class, its probability, and whether it is right.
    """
    from cifarlab import datasets
    from cifarlab.inference import prediction
    from cifarlab.models.pretrained import builtin
    from cifarlab.utils.errors import CifarlabError
    from cifarlab.utils.text import percent

    try:
        card = builtin.read_card()
    except CifarlabError as error:
        return f"The built-in model is not shown: {error}."
    if data != card["data"]["name"]:
        return f"The built-in model is not shown: it knows the classes of {card['data']['name']}, and this is {data}."
    test = datasets.load_data(data, data_dir=data_dir).test
    predictions = prediction.predict_images(builtin.load_model(), test.take(np.arange(BUILTIN_IMAGES)))
    lines = [f"The built-in model on the first {BUILTIN_IMAGES} test images (cifarlab predict photo.jpg asks it):"]
    for row, (true, predicted) in enumerate(zip(predictions.labels, predictions.predicted, strict=True)):
        verdict = "right" if true == predicted else f"it is {test.class_names[true]}"
        probability = predictions.probabilities[row, predicted]
        lines.append(f"  {predictions.ids[row]}: {test.class_names[predicted]} {percent(probability, 1)}, {verdict}")
    return "\n".join(lines)


def _examine(runs: list[Run], output: Path, notice: str) -> Path:
    from cifarlab.cli.tables import scores
    from cifarlab.displays.console import working
    from cifarlab.evaluation import scoring
    from cifarlab.reports import writing

    with working("evaluating"):
        entries = [scoring.evaluate(run) for run in runs]
    with working("writing the report"):
        page = writing.report(runs, output=output / "report.html", notice=notice)
    scores.print_results(entries)
    return page
