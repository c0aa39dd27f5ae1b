"""The command line: one function per command, each imports its stage inside, so that help answers at once."""

import errno
import functools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cifarlab import completion, usage
from cifarlab.errors import CifarlabError

app = typer.Typer(name="cifarlab", rich_markup_mode=None, pretty_exceptions_enable=False)
_command = functools.partial(app.command, cls=usage.Command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after `cifarlab`; by default those of this process.

    Returns:
        The exit code: 0, or 2 after one line about what was wrong, or 130 after an interrupt.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # asked to end, a training keeps its last epoch as it does after an interrupt
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = typer.main.get_command(app)
    try:
        code = command.main(args=words or ["--help"], prog_name="cifarlab", standalone_mode=False)
        sys.stdout.flush()
    except CifarlabError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        return _fail(usage.usage_line(error))
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", code=130)
    except OSError as error:
        return _fail_to_write(error)
    return _fail("interrupted", code=130) if code == 130 else code or 0


def _fail(message: str, code: int = 2) -> int:
    print(f"cifarlab: {' '.join(message.split())}", file=sys.stderr)
    return code


def _fail_to_write(error: OSError) -> int:
    """A reader that has gone is no error of ours; a full or read-only disk is said in one line."""
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.__stdout__.fileno())
    if error.errno == errno.EPIPE:
        return 1
    where = f"{error.filename}: " if error.filename else ""
    return _fail(f"{where}{error.strerror or error}")


def _print_version(wanted: bool) -> None:
    if wanted:
        import cifarlab

        print(f"cifarlab {cifarlab.__version__}")
        raise typer.Exit


DataName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="cifar10, digits, folder:PATH, ...", autocompletion=completion.data),
]
DataOption = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="Data set instead of the run's own.", autocompletion=completion.data),
]
DataDir = Annotated[str | None, typer.Option(metavar="DIR", help="Folder that holds the data.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
RunPaths = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Folders of runs.", autocompletion=completion.runs)
]
Split = Annotated[str, typer.Option(metavar="NAME", help="train, validation or test.")]


@app.callback()
def cifarlab(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, examine and compare image classifiers on CIFAR-10."""


@_command(epilog=usage.examples("cifarlab data", "cifarlab data folder:pictures --json"))
def data(name: DataName = "cifar10", data_dir: DataDir = None, as_json: Json = False) -> None:
    """Find, verify and describe a data set."""
    from cifarlab import datasets, tables
    from cifarlab.console import working

    with working(f"reading {name}") as progress:
        description = datasets.describe(datasets.load_data(name, data_dir=data_dir, progress=progress))
    tables.print_json(description) if as_json else tables.print_data(description)


@_command(epilog=usage.examples("cifarlab explore", "cifarlab explore digits --output exploration/digits"))
def explore(
    name: DataName = "cifar10",
    data_dir: DataDir = None,
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the page and its pictures.")] = None,
    as_json: Json = False,
) -> None:
    """Examine a data set before any training.

    Writes one self-contained HTML page and PNG files beside it; prints the page's path.
    """
    from cifarlab import exploration, files, tables
    from cifarlab.console import working

    with working(f"exploring {name}") as progress:
        page = exploration.explore(name, data_dir=data_dir, output=output, progress=progress)
    if as_json:
        tables.print_json({"page": str(page), "summary": files.read_json(page.parent / "summary.json")})
    else:
        print(page)


@_command(
    epilog=usage.examples(
        "cifarlab train mlp2",
        "cifarlab train mlp1 mlp2 --seeds 5",
        'cifarlab train mlp2 --set model.widths="(2048,)" --set learning_rate=5e-4 --epochs 150',
        "cifarlab train my_recipe.py --data folder:pictures",
        "cifarlab train --resume runs/mlp2-seed0",
    )
)
def train(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE...", help="Names, see cifarlab recipes; or files.", autocompletion=completion.recipes
        ),
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Train with this seed.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train with each of the seeds 0 to N-1.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Short for --set epochs=N.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Short for --set batch_size=N.")] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Data set instead of the recipe's.", autocompletion=completion.data),
    ] = None,
    data_dir: DataDir = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the run's folder.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Continue a stopped run.", autocompletion=completion.runs)
    ] = None,
    runs_dir: Annotated[Path, typer.Option(metavar="DIR", help="Folder of all runs.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train recipes, each in a new run folder.

    The folders' paths are printed at the end. No run is ever overwritten.
    """
    from cifarlab import plan, tables

    short = {"epochs": epochs, "batch_size": batch_size}
    wanted = [*(settings or []), *(f"{key}={value}" for key, value in short.items() if value is not None)]
    if resume is not None:
        given = (recipes, settings, seed, seeds, epochs, batch_size, data, name)
        plan.check_resume_stands_alone(given)
        runs = [plan.resume(resume, data_dir=data_dir, stderr=as_json)]
    else:
        trainings = plan.plan_trainings(recipes or [], wanted, seed=seed, seeds=seeds, data=data, name=name)
        runs = plan.train_all(trainings, data_dir=data_dir, runs_dir=runs_dir, name=name, stderr=as_json)
    tables.print_json([tables.summarise_run(run) for run in runs]) if as_json else tables.print_runs(runs)


@_command(epilog=usage.examples("cifarlab evaluate runs/mlp2-seed0", "cifarlab evaluate runs/mlp2-* --json"))
def evaluate(
    runs: RunPaths, split: Split = "test", data: DataOption = None, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """Measure runs on images they were not trained on.

    Every number has its 95 % interval; several runs get a line each, and their spread over seeds.
    """
    from cifarlab import tables
    from cifarlab.runs import open_run

    opened = [open_run(path, needs_model=True) for path in runs]
    from cifarlab import evaluation
    from cifarlab.console import working

    entries = []
    for run in opened:
        with working(f"evaluating {run.path}"):
            scores = evaluation.evaluate(run, split=split, data=data, data_dir=data_dir)
        entries.append({"path": str(run.path), **scores})
    tables.print_json(entries) if as_json else tables.print_evaluations(entries, opened)


@_command(epilog=usage.examples("cifarlab report runs/mlp2-seed0", "cifarlab report runs/mlp* --output compared.html"))
def report(
    runs: RunPaths,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write; by default inside the first run.")
    ] = None,
    split: Split = "test",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write one HTML page about runs.

    The page holds all it shows, several runs side by side; its path is printed.
    """
    from cifarlab import reports, tables
    from cifarlab.console import working

    with working("writing the report"):
        page = reports.report(runs, output=output, split=split, data_dir=data_dir)
    tables.print_json({"report": str(page)}) if as_json else print(page)


@_command(epilog=usage.examples("cifarlab compare runs/mlp1-seed0 runs/mlp2-seed0"))
def compare(runs: RunPaths, split: Split = "test", as_json: Json = False) -> None:
    """Say whether runs really differ.

    Intervals for each, and an exact McNemar test for every pair. The runs must have been evaluated.
    """
    from cifarlab import comparison, tables

    compared = comparison.compare(runs, split=split)
    tables.print_json(compared) if as_json else tables.print_comparison(compared)


@_command(
    epilog=usage.examples(
        "cifarlab predict cat.jpg dog.png --model runs/mlp2-seed0",
        "cifarlab predict pictures/ --model runs/mlp2-seed0 --csv > predictions.csv",
        "curl -s https://example.org/cat.jpg | cifarlab predict - --model runs/mlp2-seed0 --json",
    )
)
def predict(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Files, folders, or - for standard input.")],
    model: Annotated[str, typer.Option(metavar="RUN", help="Run to ask.", autocompletion=completion.runs)],
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many classes to name.")] = 3,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one line an image.")] = False,
    as_json: Json = False,
) -> None:
    """Name what is on pictures.

    They may have any size and format.
    """
    from cifarlab import tables

    write = tables.choose_writer(as_csv=as_csv, as_json=as_json)
    from cifarlab import prediction
    from cifarlab.console import working

    with working("loading the model"):
        answers = prediction.predict(images, model, top=top)
    write(answers)


@_command(epilog=usage.examples("cifarlab recipes", "cifarlab recipes mlp2 > my_recipe.py"))
def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this one whole.", autocompletion=completion.recipes)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the recipes, or print one whole."""
    from cifarlab import catalog, tables

    if name is not None:
        source = catalog.recipe_source(name)
        tables.print_json({"name": name, "source": source}) if as_json else print(source, end="")
        return
    found = catalog.list_recipes()
    tables.print_json(found) if as_json else tables.print_recipes(found)


@_command(epilog=usage.examples("cifarlab demo", "cifarlab demo --data-dir ~/cifar --output shown"))
def demo(
    data_dir: DataDir = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the runs and the report.")] = Path("demo"),
) -> None:
    """Train three networks briefly, and report on them.

    On CIFAR-10 if it can be found or downloaded, else on the built-in digits.
    """
    from cifarlab.demo import show_demo

    show_demo(data_dir=data_dir, output=output)
