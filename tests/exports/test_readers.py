"""The readers of examples/: a picture is named as by the run, where there is no cifarlab."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from cifarlab.datasets import load_data
from cifarlab.exports import choosing
from cifarlab.exports.exporting import export_each
from cifarlab.inference.prediction import compute_logits, load_model
from cifarlab.runs import Run
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ignore

READERS = Path(__file__).parents[2] / "examples" / "readers"
# As in an environment without cifarlab: whoever imports it there gets an ImportError.
PROGRAM = "import runpy, sys; sys.modules['cifarlab'] = None; del sys.argv[0]; runpy.run_path(sys.argv[0])"


@pytest.mark.parametrize("form", discovery.names("exports.formats"))
def test_every_format_has_a_short_reader(form: str) -> None:
    text = (READERS / f"read_{form}.py").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines()[1:] if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 10
    assert "cifarlab import" not in text


@pytest.mark.parametrize("form", discovery.names("exports.formats"))
def test_a_reader_names_what_the_run_names(form: str, digits_run: Run, exports: Path, tmp_path: Path) -> None:
    try:
        choosing.choose_formats([form], None)
    except CifarlabError as error:
        pytest.skip(str(error))
    if not choosing.find_format(form).PROVES:
        pytest.skip(f"the runtime of {form} is not on this machine")
    options = {"quantise": None, "most_lost": 1.0, "data_dir": None, "code": (), "progress": ignore}
    (file,) = export_each(digits_run, [form], output=exports, **options).files
    pixels = load_data("digits").test.images[:1]
    Image.fromarray(pixels[0]).save(tmp_path / "digit.png")
    command = [sys.executable, "-I", "-c", PROGRAM, READERS / f"read_{form}.py", file.path, tmp_path / "digit.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (probabilities,) = softmax(compute_logits(load_model(digits_run), pixels), axis=1)
    name, probability = done.stdout.splitlines()[-1].split()
    assert name == load_data("digits").class_names[probabilities.argmax()]
    assert np.isclose(float(probability), probabilities.max(), atol=1e-4)
