"""The demonstration, and with its runs every other command once, on a network small enough for a test."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifarlab import datasets, recipes
from cifarlab.cli import demo
from cifarlab.cli import main as cli


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder with `demo/`, made where there is neither CIFAR-10 nor a network, and what was printed."""
    folder = tmp_path_factory.mktemp("shown")
    load_data = datasets.load_data

    def load_digits(name="cifar10", **arguments):
        if name == "cifar10":
            raise datasets.NoDataError("no cifar10 on this machine and no network (no answer within 10 s)")
        return load_data(name, **arguments)

    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(datasets, "load_data", load_digits)
        patch.setattr(demo, "RECIPES", ("smoke", "mlp1"))
        patch.setattr(demo, "SETTINGS", {"digits": ("epochs=2", "batch_size=100", "model.widths=(16,)")})
        patch.setattr("cifarlab.reports.writing.write_figures", lambda *_: [])  # nobody looks at them here
        patch.setattr("sys.stdout", printed)
        assert cli.main(["demo"]) == 0
    return folder, printed.getvalue()


@pytest.fixture
def runs(shown, monkeypatch) -> list[str]:
    monkeypatch.chdir(shown[0])
    return sorted(str(path) for path in Path("demo/runs").iterdir())


def test_it_says_in_terminal_and_report_that_these_are_digits(shown):
    folder, printed = shown
    page = (folder / "demo" / "report.html").read_text(encoding="utf-8")
    for text in (printed, page):
        assert "not results on CIFAR-10 but on the built-in handwritten digits" in text
        assert "no answer within 10 s" in text


def test_it_prints_the_results_with_intervals_and_the_reports_path(shown, runs):
    printed = shown[1].splitlines()
    assert printed[-1].endswith("the report: demo/report.html")
    assert len(runs) == 2
    for run in runs:
        row = next(line for line in printed if line.startswith(Path(run).name + " "))
        assert row.count(" to ") == 4  # accuracy, top-3, macro F1, loss


def test_evaluate_again_counts_the_look(runs, capsys):
    assert cli.main(["evaluate", *runs, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [(entry["path"], entry["looks"]) for entry in entries] == [(run, 2) for run in runs]
    assert all(0 <= entry["accuracy"] <= 1 and entry["loss"] > 0 for entry in entries)


def test_compare(runs, capsys):
    assert cli.main(["compare", *runs]) == 0
    assert "McNemar" in capsys.readouterr().out
    assert cli.main(["compare", *runs, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["pairs"]) == 1


def test_report_prints_its_path(runs, undrawn, without_figures, capsys):
    assert cli.main(["report", runs[0]]) == 0
    assert Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_predict_from_a_file_a_folder_and_standard_input(runs, tmp_path, monkeypatch, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 40, 3), np.uint8)
    for name in ("a.png", "b.jpg"):
        Image.fromarray(pixels).save(tmp_path / name)
    stdin = io.TextIOWrapper(io.BytesIO((tmp_path / "a.png").read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    words = ["predict", str(tmp_path / "a.png"), str(tmp_path), "-", "--model", runs[0], "--top", "2"]
    assert cli.main([*words, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [Path(row["image"]).name for row in rows] == ["a.png", "a.png", "b.jpg", "-"]
    assert rows[0]["class_1"] == rows[3]["class_1"]
    assert float(rows[0]["probability_1"]) >= float(rows[0]["probability_2"])
    assert cli.main(["predict", str(tmp_path / "a.png"), "--model", runs[0]]) == 0
    assert "probability" in capsys.readouterr().out


def test_a_picture_that_is_none_is_one_line(runs, tmp_path, capsys):
    (tmp_path / "a.png").write_text("not a picture")
    assert cli.main(["predict", str(tmp_path / "a.png"), "--model", runs[0]]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_loss_that_is_no_number_stops_and_says_where(runs, tmp_path, capsys):
    words = ["train", "smoke", "--data", "digits", "--set", "learning_rate=1e38", "--runs-dir", str(tmp_path)]
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert "step" in error
    assert error.count("\n") == 1
    (run,) = tmp_path.iterdir()
    assert json.loads((run / "run.json").read_text())["state"] == "failed"


def test_training_prints_where_the_run_is(runs, tmp_path, capsys):
    words = ["train", "smoke", "--seeds", "2", "--epochs", "1", "--runs-dir", str(tmp_path)]
    assert cli.main(words) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [recipes.from_dict(json.loads((path / "recipe.json").read_text())).seed for path in paths] == [0, 1]


def test_damaged_data_is_an_error_and_not_replaced_by_digits(tmp_path, capsys):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"damaged")
    assert cli.main(["demo", "--data-dir", str(tmp_path), "--output", str(tmp_path / "demo")]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "digits" not in captured.out
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("data", demo.SETTINGS)
def test_the_short_versions_are_right_for_the_recipes(data):
    for name in demo.RECIPES:
        recipes.override(recipes.load_recipe(name), demo.SETTINGS[data])
