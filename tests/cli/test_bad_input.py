"""Bad input: one clear line on standard error, exit code 2, nothing half-written."""

import errno
import gzip
import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifarlab.cli import main as cli
from cifarlab.cli import training


def refused(capsys, *words: str) -> str:
    """The one line with which a command refuses its input."""
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("cifarlab: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("trian mlp1", "did you mean 'train'"),
        ("train", "name a recipe"),
        ("train --sead 1 mlp1", "--seed"),
        ("train mpl1", "did you mean mlp1"),
        ("train mlp1 nonsense", "unknown recipe 'nonsense'"),
        ("train missing.py", "no file missing.py"),
        ("train smoke --set epoch=3", "did you mean epochs"),
        ("train smoke --set epochs", "key=value"),
        ("train smoke --set epochs=many", "whole number"),
        ("train smoke --set flip=perhaps", "one of none, random, alternating"),
        ("train smoke --set optimizer=adan", "optimizer must be one of adam"),
        ("train smoke --epochs -1", "epochs must be at least 1"),
        ("train smoke --batch-size 0", "batch_size must be at least 1"),
        ("train smoke --set learning_rate=nan", "finite"),
        ("train smoke --set seed=-1", "seed"),
        ("train smoke --seed one", "integer"),
        ("train smoke --seeds 0", "--seeds"),
        ("train smoke --seed 1 --seeds 2", "exclude each other"),
        ("train smoke --seeds 2 --set seed=7", "--set seed=N and --seed or --seeds exclude each other"),
        ("train smoke --folds 3 --set validation_fraction=0.3", "--set validation_fraction and --folds exclude each"),
        ("train smoke --folds 3 --set fold=2", "--set fold and --folds exclude each other"),
        ("sweep smoke --over epochs=1,2 --set seed=7", "seed cannot be set"),
        ("tune smoke --fix epochs=2", "epochs is not fixed: give --epochs"),
        ("train smoke --data cifar11", "cifar10"),
        ("train smoke --data nonsense", "folder:PATH"),
        ("train smoke --data missing.py", "no file missing.py"),
        ("train smoke --name ../x", "a run's name is made of"),
        ("train smoke --set model=mpl", "did you mean mlp"),
        ("train smoke --set model=missing.py", "no file missing.py"),
        ("train smoke --set model.widhts=(3,)", "unknown setting 'model.widhts': did you mean model.widths?"),
        ("train smoke --set model.num_classes=3", "unknown setting 'model.num_classes'"),
        ("train smoke --data digits --batch-size 5000", "training images"),
        ("train smoke --resume runs/x", "--resume"),
        ("train --resume runs/x --seed 3", "--resume"),
        ("tune smok", "did you mean smoke"),
        ("tune smoke --range learning_rate=1..1", "is empty"),
        ("tune smoke --choice lerning_rate=1,2", "did you mean learning_rate"),
        ("tune smoke --pruner halvin", "did you mean halving"),
        ("tune smoke --only", "nothing is left to vary"),
        ("tune smoke --asynchronous", "needs --pruner halving"),
        ("tune smoke --studies-dir s3://bucket/studies", "is an address, and no folder"),
        ("tune smoke --name ../elsewhere", "a study's name"),
        ("sweep smoke --over learning_rate=1e-3,1e-2 --sweeps-dir s3://bucket", "is an address, and no folder"),
        ("sweep smoke --over learning_rate=1e-3,1e-2 --runs-dir s3://bucket", "is an address, and no folder"),
        ("train --resume runs/x", "no run at runs/x"),
        ("image test/0", "--runs"),
        ("image test/0 --runs runs/x", "no run at runs/x"),
        ("data cifar11", "cifar10"),
        ("data --data-dir .", "holds no CIFAR-10"),
        ("data --data-dir elsewhere", "elsewhere, named by --data-dir"),
        ("data folder:elsewhere", "elsewhere"),
        ("explore cifar11", "cifar10"),
        ("evaluate", "nothing to evaluate"),
        ("evaluate runs/x", "no run at runs/x"),
        ("evaluate .", "not a run"),
        ("report runs/x", "no run at runs/x"),
        ("compare runs/x runs/y", "no run at runs/x"),
        ("predict", "missing argument"),
        ("predict picture.png --model runs/x", "no run at runs/x"),
        ("predict picture.png --model runs/x --csv --json", "exclude each other"),
        ("predict picture.png --model runs/x --top 0", "--top"),
        ("evaluate --human-labels counts.npy", "nothing to evaluate"),
        ("evaluate runs/x --human-labels counts.npy", "no run at runs/x"),
        ("evaluate --predictions theirs.npy", "no file theirs.npy: expected logits or probabilities, images x classes"),
        ("evaluate --predictions theirs.npy --human-labels counts.npy", "cannot read counts.npy"),
        ("report runs/x --human-labels counts.npy", "no run at runs/x"),
        ("calibrate", "missing argument"),
        ("calibrate runs/x", "no run at runs/x"),
        ("calibrate .", "not a run"),
        ("calibrate builtin", "learned from all training images"),
        ("report builtin", "run cifarlab evaluate builtin first"),
        ("compare builtin runs/x", "run cifarlab evaluate builtin first"),
        ("doubts", "missing argument"),
        ("doubts runs/x", "no run at runs/x"),
        ("doubts .", "not a run"),
        ("doubts builtin", "run cifarlab evaluate builtin first"),
        ("doubts runs/x --split tset", "unknown split 'tset': did you mean test"),
        ("doubts runs/x --score self-confidence", "did you mean self_confidence"),
        ("doubts runs/x --train --split validation", "exclude each other"),
        ("doubts runs/x --top 0", "--top"),
        ("doubts runs/x --csv .", ". is a folder: --csv"),
        ("doubts runs/x --output .", ". is a folder: --output"),
        ("robustness", "missing argument"),
        ("robustness runs/x", "no run at runs/x"),
        ("robustness .", "not a run"),
        ("robustness runs/x --severities high", "such as 1,3,5"),
        ("robustness runs/x --severities ,", "--severities takes"),
        ("robustness runs/x --corruptions ,", "--corruptions takes"),
        ("robustness runs/x --attacks ''", "--attacks takes words with commas between them, or none"),
        ("robustness runs/x --limit 0", "--limit"),
        ("permutation", "missing argument"),
        ("permutation smoek", "did you mean smoke"),
        ("permutation smoke --seeds 0", "--seeds"),
        ("permutation smoke --split train", "unknown split 'train'"),
        ("permutation smoke --set shuffle_pixels=True", "it is what is compared"),
        ("recipes mlp", "did you mean mlp"),
        ("recipes missing.py", "no file missing.py"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(words, expected, empty_folder, capsys):
    assert expected.lower() in refused(capsys, *shlex.split(words)).lower()
    assert list(empty_folder.iterdir()) == []


def test_a_mistake_in_the_last_recipe_is_found_before_the_first_is_trained(empty_folder, monkeypatch, capsys):
    monkeypatch.setattr(training, "train_all", lambda *_, **__: pytest.fail("it trained"))
    for change in ('data="nonsense"', 'model_args={"widhts": (3,)}', 'model="mpl"'):
        text = f"from cifarlab.recipes import Recipe\nRECIPE = Recipe(**{{'model': 'mlp', **dict({change})}})\n"
        Path("last.py").write_text(text)
        assert "did you mean" in (line := refused(capsys, "train", "smoke", "last.py")) or "nonsense" in line
    Path("my recipe.py").write_text(text.replace("mpl", "mlp"))
    assert "a run's name" in refused(capsys, "train", "smoke", "my recipe.py")


def spoil_pictures(folder: Path, kind: str) -> None:
    """Two classes of three pictures each, with one thing wrong."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for index in range(3):
            Image.new("RGB", (40, 30), (index, 0, 0)).save(folder / name / f"{index}.png")
    if kind == "one class":
        shutil.rmtree(folder / "dog")
    elif kind == "a class without pictures":
        (folder / "ship").mkdir()
        (folder / "ship" / "photo.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    elif kind == "a text file":
        (folder / "cat" / "0.png").write_text("a cat")
    elif kind == "a zero-byte picture":
        (folder / "cat" / "0.png").write_bytes(b"")
    else:
        Image.new("1", (20_000, 20_000)).save(folder / "cat" / "0.png")


@pytest.mark.parametrize("words", ["data {}", "train smoke --data {}"])
@pytest.mark.parametrize(
    "kind",
    [
        "one class",
        "a class without pictures",
        "a text file",
        "a zero-byte picture",
        "a picture of 20,000 x 20,000 pixels",
    ],
)
def test_a_spoilt_folder_of_pictures_is_one_line(kind, words, tmp_path, monkeypatch, capsys):
    spoil_pictures(tmp_path / "pictures", kind)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    line = refused(capsys, *shlex.split(words.format(f"folder:{tmp_path / 'pictures'}")))
    assert str(tmp_path / "pictures") in line
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("words", ["data", "train mlp1", "explore"])
def test_no_data_and_no_network_is_one_line(words, empty_folder, monkeypatch, capsys):
    monkeypatch.delenv("CIFARLAB_DATA", raising=False)
    monkeypatch.setattr("cifarlab.datasets.cifar10.keras_cache_folders", lambda: [empty_folder])
    monkeypatch.setattr("cifarlab.datasets._download._ask", lambda url: "no answer within 10 s")
    assert "no network (no answer within 10 s): give it with --data-dir" in refused(capsys, *shlex.split(words))
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("words", ["data", "train mlp1", "explore"])
def test_a_truncated_archive_is_one_line(words, tmp_path, monkeypatch, capsys):
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(gzip.compress(bytes(100_000))[:-20])
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert archive.name in refused(capsys, *shlex.split(words), "--data-dir", str(tmp_path))
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        "evaluate {}",
        "report {}",
        "compare {} {}",
        "predict . --model {}",
        "train --resume {}",
        "calibrate {}",
        "doubts {}",
        "robustness {}",
    ],
)
def test_a_run_of_another_format_is_refused(words, make_run, capsys):
    run = make_run()
    run.state_file.write_text(json.dumps({**run.state, "format": 99, "cifarlab": "9.9"}))
    assert "format 99" in refused(capsys, *shlex.split(words.format(run.path, run.path)))


@pytest.mark.parametrize("words", ["evaluate {}", "predict . --model {}", "calibrate {}", "robustness {}"])
def test_an_incomplete_run_is_refused(words, make_run, capsys):
    run = make_run()
    run.model_file.unlink()
    assert "lacks model.keras" in refused(capsys, *shlex.split(words.format(run.path)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("calibrate {} runs/x", "no run at runs/x"),
        ("doubts {}", "no predictions on test (expected predictions-test.npz in it): run cifarlab evaluate"),
        ("doubts {} --split validation", "--split validation"),
        ("doubts {} --train", "no predictions on validation (expected predictions-validation.npz in it): run cifarlab"),
        ("robustness {} --severities 1,9", "some of 1, 2, 3, 4, 5"),
        ("robustness {} --corruptions fgo", "unknown corruption 'fgo': did you mean fog"),
        ("robustness {} --attacks pdg", "unknown attack 'pdg': did you mean pgd"),
        ("robustness {} --cifar10c nowhere", "no CIFAR-10-C in nowhere"),
        ("robustness {} --cifar101 nowhere", "no CIFAR-10.1 in nowhere"),
        ("evaluate {} --human-labels counts.npy", "these are the test images of digits: leave out --human-labels"),
        ("evaluate {} --split train --human-labels counts.npy", "these are the train images of digits"),
        ("report {} --human-labels counts.npy", "run cifarlab evaluate"),
    ],
)
def test_what_a_run_cannot_give_is_one_line_and_changes_nothing(words, expected, make_run, capsys):
    run = make_run()
    before = sorted(run.path.iterdir())
    assert expected in refused(capsys, *shlex.split(words.format(run.path)))
    assert sorted(run.path.iterdir()) == before


def test_a_run_that_held_nothing_out_is_not_calibrated(make_run, capsys):
    run = make_run()
    run.recipe_file.write_text(json.dumps({**json.loads(run.recipe_file.read_text()), "validation_fraction": 0.0}))
    assert "held out no validation images" in refused(capsys, "calibrate", str(run.path))


def test_counts_that_are_none_are_one_line(make_run, capsys):
    run = make_run()
    run.data_file.write_text(json.dumps({**run.data, "name": "cifar10"}))
    words = ("evaluate", str(run.path), "--human-labels")
    assert "cannot read missing.npy" in refused(capsys, *words, "missing.npy")
    np.save("probabilities.npy", np.full((10_000, 10), 0.1))
    assert "not the file of probabilities" in refused(capsys, *words, "probabilities.npy")
    np.save("few.npy", np.ones((100, 10), np.int64))
    assert "expected counts, (10000, 10) whole numbers" in refused(capsys, *words, "few.npy")


def test_a_finished_run_is_not_resumed(make_run, capsys):
    assert "finished" in refused(capsys, "train", "--resume", str(make_run().path))


@pytest.mark.parametrize("installed", ["none", "another"])
def test_no_backend_is_one_line(installed, empty_folder, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax" if installed == "another" else "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install" in refused(capsys, "train", "smoke")
    assert list(empty_folder.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_one_line(code, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(code, os.strerror(code), "runs/x/events")

    monkeypatch.setattr(training, "train_all", full)
    assert os.strerror(code) in refused(capsys, "train", "smoke")


def test_an_interrupt_is_one_line_and_130(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_all", interrupt)
    assert cli.main(["train", "smoke"]) == 130
    assert capsys.readouterr().err == "cifarlab: interrupted\n"
