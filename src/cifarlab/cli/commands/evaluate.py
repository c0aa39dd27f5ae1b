"""`cifarlab evaluate`: measure runs, or a model trained elsewhere, on images they were not trained on."""

from pathlib import Path
from typing import Annotated

import typer

from cifarlab.cli import completion, usage
from cifarlab.cli.options import (
    Code,
    DataDir,
    HumanLabels,
    Json,
    OtherData,
    RunsDir,
    Split,
    Tta,
    argument,
    option,
    output,
)
from cifarlab.utils.errors import CifarlabError

EPILOG = usage.examples(
    "cifarlab evaluate runs/mlp2-seed0",
    "cifarlab evaluate runs/mlp2-* --json",
    "cifarlab evaluate runs/mlp2-seed0 runs/mlp2-seed1 --ensemble",
    "cifarlab evaluate builtin --tta flip-shift",
    "cifarlab evaluate runs/mlp2-seed0 --human-labels cifar10h-counts.npy",
    "cifarlab evaluate runs/mlp2-seed0 --labels runs/labels/cifar10.csv",
    "cifarlab evaluate --predictions theirs.npz --labels labels.npy",
)
_PREDICTIONS = "Logits, probabilities or classes of any model: npz, npy or csv."
_LABELS = "Correct labels by this labels file first; with --predictions, the true classes."
_CLASS_NAMES = "The classes of --predictions, in the order of the labels."
_FOLDER = "Folder for what --predictions gives; else nothing is written."


def evaluate(
    runs: Annotated[list[str] | None, argument("RUN...", "Folders of runs, or builtin.", completion.models)] = None,
    split: Split = "test",
    data: OtherData = None,
    data_dir: DataDir = None,
    code: Code = None,
    tta: Tta = "none",
    human_labels: HumanLabels = None,
    runs_dir: RunsDir = Path("runs"),
    predictions: Annotated[Path | None, option("FILE", _PREDICTIONS)] = None,
    labels: Annotated[Path | None, option("FILE", _LABELS)] = None,
    class_names: Annotated[str | None, option("A,B,...", _CLASS_NAMES)] = None,
    output: Annotated[Path | None, output("DIR", _FOLDER)] = None,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="Let the runs answer together as well.")] = False,
    as_json: Json = False,
) -> None:
    """Measure runs on images they were not trained on.

    Every number has its 95 % interval; several runs get a line each, and their spread over seeds. With --predictions,
    a model trained elsewhere is measured by its own files.
    """
    from cifarlab.cli import output as tables
    from cifarlab.cli.tables import scores as tables_scores
    from cifarlab.displays.console import working
    from cifarlab.runs import pretrained_run

    if predictions is not None:
        from cifarlab.evaluation.external import scoring as external

        of_runs = {"tta": None if tta == "none" else tta, "split": None if split == "test" else split, "code": code}
        external.check_alone(runs, data=data, data_dir=data_dir, ensemble=ensemble or None, **of_runs)
        names = [name.strip() for name in class_names.split(",")] if class_names else None
        found = external.evaluate_files(predictions, labels, names, output, human_labels)
        tables.print_json([found]) if as_json else tables_scores.print_evaluations([found], [])
        return
    if class_names or output:
        raise CifarlabError("--class-names and --output belong to --predictions: give that too")
    if not runs:
        raise CifarlabError("nothing to evaluate: give folders of runs, or --predictions FILE with --labels FILE")
    if ensemble and len(runs) < 2:
        raise CifarlabError("an ensemble has two runs at least: name more of them, or leave out --ensemble")
    with working("opening the runs"):
        opened = [pretrained_run.open_run(path, needs_model=True, runs_dir=runs_dir) for path in runs]
    from cifarlab.evaluation import scoring
    from cifarlab.evaluation.ensemble import combine

    entries = []
    for run in opened:
        with working(f"evaluating {run.path}"):
            scores = scoring.evaluate(
                run, split=split, data=data, data_dir=data_dir, tta=tta, human_labels=human_labels, code=code or (),
                labels=labels,
            )  # fmt: skip
        entries.append(scores)
    together = combine(opened, entries) if ensemble else None
    if as_json:
        tables.print_json_of_runs([run.path for run in opened], entries, *([together] if together else []))
        return
    tables_scores.print_evaluations(entries, opened)
    if together is not None:
        tables_scores.print_ensemble(together.scores, together.sentence)
