"""Every script in examples/ does what it says."""

import runpy
from pathlib import Path

import pytest

import cifarlab as cl

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_no_example_is_forgotten():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"own_model.py", "own_recipe.py", "train_and_report.py"}


def test_train_and_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "train_and_report.py"))["main"]()
    out = capsys.readouterr().out
    assert "95 % interval" in out
    assert (tmp_path / "runs" / "smoke-seed0" / "report.html").is_file()
    assert {path.name for path in (tmp_path / "runs" / "smoke-seed0" / "figures").iterdir()} == {
        "training-curves.png",
        "test-confusion-matrix.png",
        "test-per-class-scores.png",
        "test-mistakes.png",
    }


@pytest.mark.thorough  # files of a user's own have faster tests beside recipes and models
def test_own_recipe_and_own_model(tmp_path):
    recipe = cl.train(str(EXAMPLES / "own_recipe.py"), runs_dir=tmp_path, settings=["epochs=1"])
    assert recipe.path.name == "own_recipe-seed0"
    settings = [f"model={EXAMPLES / 'own_model.py'}", "model.dropout=0.2", "epochs=1"]
    model = cl.train("smoke", runs_dir=tmp_path, settings=settings)
    assert 0 < cl.evaluate(model)["accuracy"] < 1
