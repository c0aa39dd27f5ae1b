"""What a quantised file is calibrated on, and that one which loses too much leaves nothing behind."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cifarlab.cli.tables.export import print_verified
from cifarlab.datasets import load_data
from cifarlab.exports import choosing, exporting
from cifarlab.exports.pictures import choose_pictures
from cifarlab.exports.proof import Proof
from cifarlab.exports.quantising import CALIBRATION_PICTURES
from cifarlab.exports.verifying import Verified
from cifarlab.inference.prediction import compute_logits, load_model
from cifarlab.runs import Run
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.results import Interval


def test_calibration_pictures_are_of_training_and_of_no_other_part(digits_run: Run) -> None:
    splits = load_data("digits", **digits_run.recipe.held_out)
    parts = {name: {image.tobytes() for image in splits[name].images} for name in ("train", "validation", "test")}
    chosen = choose_pictures(digits_run, None, is_quantised=True)
    calibration = {image.tobytes() for image in chosen.calibration}
    assert len(chosen.calibration) == CALIBRATION_PICTURES
    assert calibration <= parts["train"]
    assert not calibration & (parts["validation"] | parts["test"])
    assert chosen.split == "test"


@pytest.mark.parametrize("form", ["onnx", "litert", "openvino", "web"])
def test_a_file_that_loses_too_much_leaves_nothing(
    form: str, digits_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        choosing.choose_formats([form], "int8")
    except CifarlabError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(exporting, "choose_pictures", _calibrated_in_the_dark)
    with pytest.raises(CifarlabError, match=f"^no {form} file: it loses .* points of accuracy .*, more than 1$"):
        exporting.export(digits_run, form, quantise="int8", output=tmp_path / "exports", show=False)
    assert [each for each in tmp_path.rglob("*") if each.name != "exports"] == []


def test_a_repeated_proof_of_a_quantised_file_says_what_became_of_the_accuracy(capsys: pytest.CaptureFixture) -> None:
    change = Interval(-0.001, -0.0027, 0.0007, "Newcombe 95 %, paired")
    proof = Proof(10_000, "test", 9_914, 0, 1.025, 0.2, change)
    print_verified(Verified(Path("a-int8.tflite"), "litert", "a", proof, ""))
    said = " ".join(capsys.readouterr().out.replace("\N{MINUS SIGN}", "-").split())
    assert "answers as a, quantised, its accuracy changed by -0.10 (-0.27 to +0.07) points; 9,914 of 10,000" in said


def _calibrated_in_the_dark(*given, **options):
    """Labels that the run answers, and black pictures, whose ranges fit no other."""
    pictures = choose_pictures(*given, **options)
    labels = compute_logits(load_model(given[0]), pictures.images).argmax(axis=1)
    return dataclasses.replace(pictures, labels=labels, calibration=np.zeros_like(pictures.calibration))
