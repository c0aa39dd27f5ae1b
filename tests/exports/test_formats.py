"""What every format keeps: a file that answers as its run does, said and proven; found without being told."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cifarlab.datasets.digits import CLASS_NAMES
from cifarlab.exports import choosing
from cifarlab.exports.about import QUANTISATIONS
from cifarlab.exports.exporting import ExportedFile, export_each
from cifarlab.exports.records import checksum, read_record, record_file
from cifarlab.exports.verifying import verify_file
from cifarlab.runs import Run
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.progress import ignore

FORMATS = discovery.names("exports.formats")


@pytest.fixture(scope="session")
def export_to(digits_run: Run, exports: Path) -> Callable[..., ExportedFile]:
    """Exports in a format, once; or skips the test where something is missing that it needs."""

    @cache
    def export(form: str, quantise: str | None = None) -> ExportedFile:
        try:
            choosing.choose_formats([form], quantise)
        except CifarlabError as error:
            pytest.skip(str(error))
        options = {"most_lost": 100.0, "data_dir": None, "code": (), "progress": ignore}
        found = export_each(digits_run, [form], quantise=quantise, output=exports, **options)
        assert found.refused == {}
        (file,) = found.files
        return file

    return export


@pytest.fixture
def copy_of(export_to: Callable[..., ExportedFile], tmp_path: Path) -> Callable[[str], Path]:
    """Copies what was exported in a format, to be changed."""

    def copy(form: str) -> Path:
        place = export_to(form).path
        shutil.copy(record_file(place), tmp_path)
        there = tmp_path / place.name
        return Path(shutil.copytree(place, there) if place.is_dir() else shutil.copy(place, there))

    return copy


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_says_what_it_is(form: str) -> None:
    module = choosing.find_format(form)
    assert module.SUFFIX[0] in ".-"
    assert module.BACKEND in ("tensorflow", "torch")
    assert set(module.QUANTISES) <= set(QUANTISATIONS)
    assert callable(module.write)
    assert callable(module.open_answers)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_answers_as_its_run_and_can_be_asked_again(form: str, digits_run: Run, exports: Path, export_to) -> None:
    file = export_to(form)
    assert file.path.exists()
    record = read_record(file.path)
    assert (record.form, record.about.run, record.sha256) == (form, "digits-run", checksum(file.path))
    assert record.about.class_names == CLASS_NAMES
    assert [each.name for each in exports.glob(".*")] == []
    if not choosing.find_format(form).PROVES:
        assert file.proof is None
        return
    assert (file.proof.pictures, file.proof.same_classes) == (359, 359)
    assert file.proof.largest_difference <= 1e-4
    assert min(file.milliseconds.values()) > 0
    again = verify_file(file.path, digits_run)
    assert again.objection == ""
    assert again.proof.same_classes == 359


@pytest.mark.parametrize("quantise", QUANTISATIONS)
@pytest.mark.parametrize("form", FORMATS)
def test_a_quantised_file_is_smaller_and_told_by_its_accuracy(
    form: str, quantise: str, digits_run: Run, export_to
) -> None:
    if quantise not in choosing.find_format(form).QUANTISES:
        pytest.skip(f"{form} has no {quantise}")
    looks = len(digits_run.looks())
    file = export_to(form, quantise)
    assert quantise in file.path.name
    assert file.proof.accuracy_change is not None
    assert read_record(file.path).about.quantised == quantise
    assert len(digits_run.looks()) == looks + 1
    verify_file(file.path, digits_run)
    assert digits_run.looks()[looks + 1]["why"] == f"export --verify {file.path.name}"


@pytest.mark.parametrize("form", ["onnx", "web"])
@pytest.mark.parametrize("where", ["record", "file", "both"])
def test_other_class_names_are_found_though_every_checksum_fits(
    form: str, where: str, digits_run: Run, copy_of
) -> None:
    place = copy_of(form)
    if where != "record":
        for path in [place] if place.is_file() else [place / "network.js"]:
            names, turned = (json.dumps(each) for each in (CLASS_NAMES, CLASS_NAMES[::-1]))
            content = path.read_bytes()
            assert names.encode() in content
            path.write_bytes(content.replace(names.encode(), turned.encode()))
    told = json.loads(record_file(place).read_text())
    told["sha256"] = checksum(place)
    if where != "file":
        told["about"]["class_names"].reverse()
    record_file(place).write_text(json.dumps(told))
    with pytest.raises(CifarlabError, match="names other classes"):
        verify_file(place, digits_run)


def test_a_file_that_was_altered_is_not_asked(digits_run: Run, copy_of) -> None:
    file = copy_of("onnx")
    with file.open("ab") as opened:
        opened.write(b"more")
    with pytest.raises(CifarlabError, match="is not as it was exported"):
        verify_file(file, digits_run)


def test_a_file_of_another_model_is_not_compared(digits_run: Run, copy_of) -> None:
    file = copy_of("onnx")
    told = json.loads(record_file(file).read_text())
    told["about"]["model_checksum"] = "crc32:0"
    record_file(file).write_text(json.dumps(told))
    with pytest.raises(CifarlabError, match="is of another model than the run digits-run has now"):
        verify_file(file, digits_run)


def test_a_part_of_an_exported_folder_leads_to_the_folder(digits_run: Run, copy_of) -> None:
    place = copy_of("web")
    with pytest.raises(CifarlabError, match=r"is part of an exported folder: give .*digits-run-web$"):
        verify_file(place / "digits-run.html", digits_run)


def test_a_file_whose_run_is_elsewhere_says_how_to_name_it(digits_run: Run, copy_of, tmp_path: Path) -> None:
    file = copy_of("onnx")
    with pytest.raises(CifarlabError, match="cifarlab export RUN --verify"):
        verify_file(file, runs_dir=tmp_path / "nowhere")
    moved = shutil.move(file, tmp_path / "moved.onnx")
    with pytest.raises(CifarlabError, match=r"has no moved\.onnx\.json beside it"):
        verify_file(moved, digits_run)


def test_what_a_file_says_of_itself_lies_in_it(export_to) -> None:
    onnx = pytest.importorskip("onnx")
    file = export_to("onnx").path
    (told,) = [each.value for each in onnx.load_model(file).metadata_props if each.key == "cifarlab"]
    about = json.loads(told)
    assert about == json.loads(record_file(file).read_text())["about"]
    assert about["image_shape"] == [32, 32, 3]
    assert np.isclose(about["temperature"], 1.0)
