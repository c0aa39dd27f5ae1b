"""The pixel-permutation test: what is trained, what is not trained again, and what is said about the difference."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cifarlab import datasets, recipes, runs
from cifarlab.cli import main as cli
from cifarlab.evaluation import scoring
from cifarlab.evaluation.pixel_permutation import measure_pairs, plan_pairs
from cifarlab.metrics.statistics.significance import mean_difference
from cifarlab.runs.predictions import Predictions
from cifarlab.training import launch
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError

RIGHT = {"": 90, "-shuffled": 60}
"""Of 143 validation images."""


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Trainings that take no time: their runs, and which were asked for."""
    monkeypatch.chdir(tmp_path)
    splits = datasets.load_data("digits", validation_fraction=0.1)
    asked = []

    def train(source, *, settings, seed, data, data_dir, runs_dir, name, show):
        asked.append(name)
        run = runs.create_run(Path(runs_dir), name)
        wanted = resolve_start(recipes.load_recipe(source), settings)
        wanted = dataclasses.replace(wanted, seed=seed, data=data or wanted.data)
        precision = "bfloat16" if wanted.precision == "auto" else wanted.precision
        files.write_json(run.recipe_file, recipes.to_dict(dataclasses.replace(wanted, precision=precision)))
        files.write_json(run.data_file, {**dataclasses.asdict(splits.source), "name": "digits"})
        files.write_json(run.environment_file, {})
        run.model_file.write_bytes(b"")
        run.set_state("finished")
        return run

    def evaluate(run, *, split, data_dir):
        part = splits[split]
        right = RIGHT["-shuffled" if "shuffled" in run.name else ""] + run.recipe.seed
        logits = np.zeros((len(part), 10), np.float32)
        shift = (np.arange(len(part)) >= right).astype(np.int64)
        logits[np.arange(len(part)), (part.labels + shift) % 10] = 5
        Predictions(part.ids, part.labels, logits, part.class_names).save(run.predictions_file(split))
        files.write_json(run.scores_file(split), {"accuracy": right / len(part), "scores": {}})

    monkeypatch.setattr(launch, "train", train)
    monkeypatch.setattr(scoring, "evaluate", evaluate)
    return asked


def test_both_ways_are_trained_once_and_compared_on_the_same_images(trained):
    result = measure_pairs(plan_pairs(["smoke"]))
    assert trained == ["smoke-seed0", "smoke-shuffled-seed0"]
    (row,) = result.recipes
    count = row.count
    assert (result.split, row.data) == ("validation", "digits")
    assert row.accuracy.value == pytest.approx(90 / count)
    assert row.shuffled_accuracy.value == pytest.approx(60 / count)
    assert row.difference.value == pytest.approx(-30 / count)
    assert "paired" in row.difference.method
    assert row.difference.low < -30 / count < row.difference.high < 0
    assert row.sentence.startswith(f"smoke loses {3000 / count:.2f} percentage points")
    measure_pairs(plan_pairs(["smoke"]))
    assert len(trained) == 2  # finished runs are there
    measure_pairs(plan_pairs(["smoke"], ["epochs=4"]))
    assert len(trained) == 4  # another recipe is another run, whatever its name
    assert sorted(path.name for path in Path("runs").iterdir())[:2] == ["smoke-seed0", "smoke-seed0-2"]


def test_a_run_that_did_not_finish_is_trained_again(trained):
    measure_pairs(plan_pairs(["smoke"]))
    runs.open_run("runs/smoke-seed0").set_state("stopped")
    measure_pairs(plan_pairs(["smoke"]))
    assert trained == ["smoke-seed0", "smoke-shuffled-seed0", "smoke-seed0"]


def test_several_seeds_are_compared_seed_by_seed(trained, monkeypatch):
    monkeypatch.setitem(RIGHT, "-shuffled", 90)
    (row,) = measure_pairs(plan_pairs(["smoke"], seeds=3)).recipes
    assert trained[:4] == ["smoke-seed0", "smoke-shuffled-seed0", "smoke-seed1", "smoke-shuffled-seed1"]
    assert row.accuracy.value == pytest.approx(91 / row.count)
    assert (row.difference.value, row.difference.method) == (
        0,
        "no interval: all 3 seeds differ by the same",
    )
    assert row.sentence.startswith("Every seed of smoke differs by the same +0.00 percentage points")


def test_a_gain_is_called_one(trained, monkeypatch):
    monkeypatch.setitem(RIGHT, "-shuffled", 130)
    (row,) = measure_pairs(plan_pairs(["smoke"])).recipes
    assert row.sentence.startswith("smoke gains")


def test_precision_that_was_decided_by_the_machine_is_the_same_recipe(trained):
    measure_pairs(plan_pairs(["smoke"], ["precision=auto"]))
    measure_pairs(plan_pairs(["smoke"], ["precision=auto"]))
    assert len(trained) == 2


def test_trainings_that_begin_with_trained_weights_are_known_again(trained):
    for _ in range(2):
        measure_pairs(plan_pairs(["finetune"], data="digits"))
    assert trained == ["finetune-seed0", "finetune-shuffled-seed0"]


def test_what_the_test_cannot_have_is_changed_for_both_and_said(trained, capsys):
    (pair,) = plan_pairs(["convnet94"], ["epochs=2"], data="digits")
    assert pair.changed == ("image_pixels=()", "validation_fraction=0.1")
    for arm, shuffled in ((pair.plain, False), (pair.shuffled, True)):
        wanted = recipes.override(recipes.load_recipe("convnet94"), arm[0].settings)
        assert (wanted.image_pixels, wanted.validation_fraction, wanted.shuffle_pixels) == ((), 0.1, shuffled)
    assert plan_pairs(["convnet94"], split="test")[0].changed == ("image_pixels=()",)
    assert cli.main(["permutation", "convnet94", "--set", "epochs=2", "--data", "digits"]) == 0
    assert "convnet94: both with image_pixels=(), validation_fraction=0.1" in capsys.readouterr().out


def test_the_command_prints_a_table_and_writes_figure_and_numbers(trained, capsys):
    assert cli.main(["permutation", "smoke", "smoke", "--output", "out"]) == 0
    shown = capsys.readouterr().out
    assert "143 validation images of digits" in shown
    assert shown.count("smoke loses") == 1
    assert "out/permutation.png" in shown
    assert Path("out/permutation.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("out/permutation.svg").read_text()
    assert cli.main(["permutation", "smoke", "--output", "out", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads(Path("out/permutation.json").read_text())
    assert printed["recipes"] == stored["recipes"]
    assert printed["files"] == ["out/permutation.json", "out/permutation.png", "out/permutation.svg"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["smoek"],), {}, "did you mean smoke"),
        ((["smoke"], ["shuffle_pixels=True"]), {}, "it is what is compared"),
        ((["smoke"], ["seed=3"]), {}, "give --seeds"),
        ((["smoke", "mlp2"], ["model.width=3"]), {}, "did you mean model.widths"),
        ((["smoke"],), {"split": "train"}, "unknown split 'train': expected validation or test"),
    ],
)
def test_mistakes_are_found_before_anything_is_trained(arguments, options, message):
    with pytest.raises(CifarlabError, match=message):
        plan_pairs(*arguments, **options)


def test_the_interval_over_seeds_worked_out_by_hand():
    found = mean_difference([-0.1, -0.2, -0.3])  # deviation 0.1, error 0.1 / sqrt 3, t of 2 degrees 4.3027
    assert found.value == pytest.approx(-0.2)
    assert found.high - found.value == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_a_run_that_learned_by_a_labels_file_is_not_taken(trained):
    measure_pairs(plan_pairs(["smoke"]))
    run = runs.Run(Path("runs/smoke-seed0"))
    files.write_json(run.data_file, {**run.data, "labels": {"file": "labels.csv", "checksum": "sha256:0"}})
    measure_pairs(plan_pairs(["smoke"]))
    assert trained == ["smoke-seed0", "smoke-shuffled-seed0", "smoke-seed0"]


def test_answers_about_other_images_are_not_compared(trained):
    measure_pairs(plan_pairs(["smoke"]))
    file = runs.Run(Path("runs/smoke-seed0")).predictions_file("validation")
    Predictions.load(file).take(np.arange(100)).save(file)
    with pytest.raises(CifarlabError, match="was evaluated on other validation images or labels than"):
        measure_pairs(plan_pairs(["smoke"]))
