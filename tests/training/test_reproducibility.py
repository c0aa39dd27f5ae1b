"""Every cell of the table in docs/reproducibility.md, by trainings in processes of their own."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cifarlab.runs import open_run
from cifarlab.utils import files

PAGE = Path(__file__).parents[2] / "docs" / "reproducibility.md"
COMMAND = [sys.executable, "-m", "cifarlab"]
NETWORKS = {
    "dense": ("smoke",),
    "convolutional": (
        *("convnet94", "--data", "digits", "--epochs", "2", "--batch-size", "100", "-s", "model.widths=(16,32)"),
        *("-s", "image_pixels=()", "-s", "flip=random", "-s", "precision=float32"),
    ),
}
THREADS = {"TensorFlow": "TF_NUM_INTRAOP_THREADS", "JAX": "PJRT_NPROC", "torch": "OMP_NUM_THREADS"}
SAME, OTHERS = 0, 1
"""Exit codes of `cifarlab verify`."""

pytestmark = pytest.mark.thorough


@cache
def cells() -> dict[tuple[str, str], str]:
    """The table: what changes and the backend, to `holds`, `differs`, `not tested` or a dash."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line[:1] == "|"
    ]
    backends = rows[0][1:]
    return {(row[0], backend): cell for row in rows[2:] for backend, cell in zip(backends, row[1:], strict=True)}


def cifarlab(*words, backend, cores=None, **variables):
    """Run a command in a process of its own; its exit code and what it said."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CIFARLAB_SET", *THREADS.values())}
    environment |= {"KERAS_BACKEND": backend.lower(), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    command = [*COMMAND, *map(str, words)]
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """A run of that backend and network, trained once with two threads, whatever cores there are."""
    root = tmp_path_factory.mktemp("runs")

    @cache
    def make(backend, network):
        if importlib.util.find_spec(backend.lower()) is None:
            pytest.skip(f"{backend} is not installed")
        name = f"{backend}-{network}"
        words = ("train", *NETWORKS[network], "--runs-dir", root, "-n", name)
        code, said = cifarlab(*words, backend=backend, **{THREADS[backend]: "2"})
        assert code == 0, said
        return open_run(root / name)

    return make


@pytest.fixture
def copy(tmp_path):
    def make(run):
        shutil.copytree(run.path, tmp_path / run.name)
        return open_run(tmp_path / run.name)

    return make


def verified(run, backend, **how):
    code, said = cifarlab("verify", run.path, backend=backend, **how)
    assert code in (SAME, OTHERS), said
    assert ("bit for bit" in said) == (code == SAME)
    return code


def expect(what, backend, codes):
    """Hold a cell against the exit codes of both networks."""
    cell = cells()[what, backend]
    if cell == "holds":
        assert set(codes) == {SAME}
    elif cell == "differs":
        assert OTHERS in codes
    else:
        pytest.fail(f"{what} on {backend} is tested, and the page says {cell!r}")


def networks(backend):
    """On a processor JAX's convolutions take minutes a step."""
    return ["dense"] if backend == "JAX" else list(NETWORKS)


def both(train, backend, **how):
    return [verified(train(backend, network), backend, **how) for network in networks(backend)]


BACKENDS = pytest.mark.parametrize("backend", list(THREADS))


def test_the_page_says_of_every_cell_what_was_tested():
    assert set(cells().values()) <= {"holds", "differs", "not tested", "—"}
    tested = {what for what, _ in cells() if cells()[what, "TensorFlow"] in ("holds", "differs")}
    source = Path(__file__).read_text("utf-8")
    assert [what for what in tested if f'"{what}"' not in source] == []


@BACKENDS
def test_again(train, backend):
    expect("nothing: the same machine again", backend, both(train, backend))


@BACKENDS
@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset")
def test_other_cores(train, backend):
    expect("other cores, the same threads", backend, both(train, backend, cores="0"))


@pytest.mark.parametrize("backend", ["TensorFlow", "torch"])
def test_other_threads(train, backend):
    codes = [code for count in "13" for code in both(train, backend, **{THREADS[backend]: count})]
    expect("another number of threads", backend, codes)


def test_threads_between_operations(train):
    codes = both(train, "TensorFlow", TF_NUM_INTEROP_THREADS="1")
    expect("another number of threads between operations", "TensorFlow", codes)


def test_onednn_off(train):
    expect("oneDNN on or off", "TensorFlow", both(train, "TensorFlow", TF_ENABLE_ONEDNN_OPTS="0"))


def test_older_instructions(train):
    expect("oneDNN with older instructions", "TensorFlow", both(train, "TensorFlow", ONEDNN_MAX_CPU_ISA="AVX2"))


@BACKENDS
def test_other_precision(train, copy, backend):
    run = copy(train(backend, "dense"))
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "precision": "bfloat16"})
    expect("another precision", backend, [verified(run, backend)])


@BACKENDS
@pytest.mark.parametrize("cores", [None, "0"])
def test_resumed(train, tmp_path, backend, cores):
    """Paused after its first epoch and resumed in another process, also with fewer cores."""
    if cores and shutil.which("taskset") is None:
        pytest.skip("needs taskset")
    codes = []
    for network in networks(backend):
        whole = train(backend, network)
        program = (
            "from cifarlab import training\n"
            f"training.train({str(whole.recipe_file)!r}, runs_dir={str(tmp_path)!r}, name={network!r}, until=1)"
        )
        environment = {**os.environ, "KERAS_BACKEND": backend.lower(), THREADS[backend]: "2"}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
        run = open_run(tmp_path / network)
        code, said = cifarlab("train", "--resume", run.path, backend=backend, cores=cores)
        assert code == 0, said
        assert not re.search("notice: the weights may differ", said)
        codes.append(SAME if weights(run) == weights(whole) else OTHERS)
    what = "stopped and resumed" if cores is None else "stopped, and resumed with other cores"
    expect(what, backend, codes)


def weights(run):
    """Every variable of the last epoch, as bytes."""
    with np.load(run.checkpoint_file) as stored:
        return [stored[name].tobytes() for name in sorted(stored.files) if name.startswith("values/")]


def test_a_resume_with_other_kernels_says_so(train, tmp_path):
    whole = train("TensorFlow", "dense")
    program = (
        "from cifarlab import training\n"
        f"training.train({str(whole.recipe_file)!r}, runs_dir={str(tmp_path)!r}, name='run', until=1)"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        check=True,
        capture_output=True,
    )
    words = ("train", "--resume", tmp_path / "run")
    code, said = cifarlab(*words, backend="TensorFlow", TF_ENABLE_ONEDNN_OPTS="0")
    assert code == 0
    (line,) = [line for line in said.splitlines() if "the weights may differ" in line]
    assert "TF_ENABLE_ONEDNN_OPTS 0, was 1" in line
    (resumed,) = open_run(tmp_path / "run").environment["resumed"]
    assert resumed == {"after_epoch": 1, "differs": ["TF_ENABLE_ONEDNN_OPTS 0, was 1"]}
