import importlib.util
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from PIL import Image

from cifarlab.datasets import NoDataError, cifar10
from cifarlab.exports import apart
from cifarlab.runs import Run
from cifarlab.utils import own_code
from cifarlab.utils.errors import CifarlabError

TESTS = Path(__file__).parent
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process, no Python file has been named by the user."""
    monkeypatch.setattr(own_code, "_allowed", {})


@pytest.fixture(autouse=True, scope="session")
def networks_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What `predict` exports goes into a folder of this session, not into the developer's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr("cifarlab.inference.quick_networks.cache_home", lambda name: folder / name)
        yield


@pytest.fixture(autouse=True, scope="session")
def without_pictures_of_epochs() -> Iterator[None]:
    """No training draws for TensorBoard, which takes four times as long as the short trainings of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifarlab.training.launch._epochs_between_pictures", lambda task: None)
        yield


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test measures the machine, which takes half a minute and is kept in the user's cache."""

    def refuse(*_: object) -> None:
        raise CifarlabError("tests measure nothing")

    monkeypatch.setattr("cifarlab.training.machine_rates._measure_apart", refuse)


@pytest.fixture(scope="session")
def cifar10_dir() -> Path:
    """The real CIFAR-10, found as the product finds it, usable as `data_dir`; without it the test is skipped."""
    try:
        form, _, _ = cifar10.locate(None, download=False)
    except NoDataError as error:
        pytest.skip(str(error))
    return form.path


@pytest.fixture(params=["tensorflow", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("jax", "torch"))])
def run_on_backend(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Runs a program, which must print the name of Keras's backend: on the tests' own backend here, where it is loaded
    already, and on each other one in a process of its own."""
    backend = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")

    def run_here(program: str) -> None:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        assert printed.getvalue().split() == [backend]

    def run_apart(program: str) -> None:
        settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.split() == [backend]

    return run_here if backend == BACKEND else run_apart


@pytest.fixture(scope="session")
def load_benchmark() -> Callable[[str], ModuleType]:
    """Loads a program of `benchmarks/` as a module, without running it."""
    folder = TESTS.parent / "benchmarks"
    if str(folder) not in sys.path:  # they import from each other
        sys.path.append(str(folder))
    return lambda name: load_file(folder / f"{name}.py")


@pytest.fixture(scope="session")
def fake_run() -> ModuleType:
    """`reports/fake_run.py`: `make_run` and `write_model` without Keras."""
    return load_file(TESTS / "reports" / "fake_run.py")


@pytest.fixture(scope="session")
def make_run(fake_run: ModuleType) -> Callable[..., Run]:
    """Makes a whole evaluated run on digits without training anything."""
    made: Callable[..., Run] = fake_run.make_run
    return made


@pytest.fixture(scope="session")
def plot_examples() -> ModuleType:
    """`plots/examples.py`: a small figure of made-up numbers for every plot, under the plot's name."""
    return load_file(TESTS / "plots" / "examples.py")


@pytest.fixture(scope="session")
def made_up_study() -> ModuleType:
    """`search/made_up_study.py`: `make_study` without Keras."""
    return load_file(TESTS / "search" / "made_up_study.py")


@pytest.fixture(scope="session")
def search_fakes() -> ModuleType:
    """`search/fake_workers.py`: `FakeWorkers`, who train nothing."""
    return load_file(TESTS / "search" / "fake_workers.py")


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without their figures as files, which take longer than the page: for tests that do not look at them."""
    monkeypatch.setattr("cifarlab.reports.writing.write_figures", lambda *_: [])


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made and not drawn, which takes longest: by then all that they show has been read."""
    png = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(png, "png")

    def save(_figure: Any, file: Any, format: str, **_options: Any) -> None:
        file.write('<svg width="1pt" height="1pt"></svg>' if format == "svg" else png.getvalue())

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", save)


@pytest.fixture
def exported_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `export` does in processes of their own is done in this one, which has Keras: importing it takes longest."""

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of converters, as in a process of its own
            apart.main(*map(Path, command[-2:]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(apart, "subprocess", SimpleNamespace(run=run, DEVNULL=subprocess.DEVNULL))
    monkeypatch.setattr("cifarlab.exports.steps._LEAST_SECONDS", 0.0)


@pytest.fixture(scope="session")
def made_up_onnx() -> ModuleType:
    """`exports/made_up_onnx.py`: an exported network that needs no training."""
    return load_file(TESTS / "exports" / "made_up_onnx.py")


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """`web/fakes.py`: the app with models that are made up."""
    return load_file(TESTS / "web" / "fakes.py")


def load_file(path: Path) -> ModuleType:
    """A file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
