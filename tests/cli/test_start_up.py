"""What each command loads before it can do its work: nothing heavy that it does not need."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

FRAMEWORKS = {"keras", "tensorflow", "jax", "torch"}
HEAVY = FRAMEWORKS | {"sklearn", "scipy.stats", "pandas", "matplotlib.pyplot", "ray", "optuna", "tensorboard"}
FIGURES = {"matplotlib", "jinja2"}
PROGRAM = """
import sys
from cifarlab.cli.main import main
code = main(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""
# What a command must not load beside `HEAVY`; `RUN` and `OTHER` are evaluated runs on digits.
COMMANDS: dict[str, set[str]] = {
    "recipes": FIGURES | {"PIL", "scipy"},
    "recipes mlp2": FIGURES | {"PIL", "scipy"},
    "data FOLDER": FIGURES | {"scipy"},
    "predict PICTURE": FIGURES | {"scipy", "h5py"},
    "predict PICTURE --tta flip-shift --json": FIGURES | {"scipy", "h5py"},
    "compare RUN OTHER": FIGURES | {"PIL", "h5py"},
    "ladder": FIGURES,
    "report RUN --data-dir EMPTY": {"onnxruntime"},
    "report RUN OTHER --data-dir EMPTY": {"onnxruntime"},
    "evaluate --predictions FILE": FIGURES | {"onnxruntime"},
    "serve --help": FIGURES | {"fastapi", "numpy", "scipy", "PIL"},
    "tune --help": FIGURES | {"numpy", "scipy", "PIL"},
}


@pytest.fixture(scope="module")
def words(fake_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands for the words in capitals."""
    folder = tmp_path_factory.mktemp("start-up")
    Image.new("RGB", (40, 30), (200, 80, 40)).save(folder / "picture.png")
    (folder / "table.csv").write_text("label,predicted\ncat,cat\ndog,cat\ndog,dog\n")
    runs = {word: fake_run.make_run(folder / "runs", word.lower()) for word in ("RUN", "OTHER")}
    for run in runs.values():  # the digits come with scikit-learn, which is then loaded for a reason
        for file in (run.data_file, run.scores_file("test")):
            file.write_text(file.read_text(encoding="utf-8").replace('"digits"', '"cifar10"'), encoding="utf-8")
    for name in ("cat", "dog"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (8, 8), (40 * number, 80, 40)).save(folder / "pictures" / name / f"{number}.png")
    named = {word: str(run.path) for word, run in runs.items()}
    (folder / "empty").mkdir()
    return {
        **named,
        "FOLDER": f"folder:{folder / 'pictures'}",
        "EMPTY": str(folder / "empty"),
        "PICTURE": str(folder / "picture.png"),
        "FILE": str(folder / "table.csv"),
    }


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(line: str, words: dict[str, str], tmp_path: Path) -> None:
    """Among others: nothing but `train`, `evaluate` of a run and what explains a network loads a framework."""
    command = [sys.executable, "-c", PROGRAM, *(words.get(word, word) for word in line.split())]
    # Without the environment's backend, which some runs of the tests ask for by name.
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    code, *loaded = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    assert sorted((HEAVY | COMMANDS[line]) & set(loaded)) == []
