"""The built-in model, on a stand-in made from an untrained network on digits; and the real one where it is there."""

import dataclasses
import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import cifarlab as cl
from cifarlab import datasets, recipes
from cifarlab.cli import completion, demo
from cifarlab.cli import main as cli
from cifarlab.evaluation import scoring
from cifarlab.inference import prediction
from cifarlab.models.pretrained import builtin
from cifarlab.recipes import Recipe
from cifarlab.runs import Run, create_run, pretrained_run
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

# Keras on TensorFlow hands its variables to NumPy in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
RECIPE = Recipe(model="mlp", model_args={"widths": (16,), "dropout": 0.5}, data="digits", precision="bfloat16", seed=7)


@pytest.fixture(scope="module")
def maker(load_benchmark: Callable[[str], ModuleType]) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))  # as Python does for a program
        yield load_benchmark("make_builtin")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished, evaluated run whose network was never trained."""
    choose_backend()
    import keras

    from cifarlab.models import mlp

    splits = datasets.load_data("digits")
    run = create_run(tmp_path_factory.mktemp("source"), "mlp")
    keras.utils.set_random_seed(1)
    mlp.build(splits.train.image_shape, 10, **RECIPE.model_args).save(run.model_file)
    files.write_json(run.recipe_file, recipes.to_dict(RECIPE))
    described = {"class_names": list(splits.class_names), "fingerprints": {"test": splits.test.fingerprint}}
    files.write_json(run.data_file, {**dataclasses.asdict(splits.source), **described, "data_dir": "/home/somebody"})
    machine = {"processor": "a processor", "platform": "a machine", "backend": "tensorflow", "training_seconds": 1.5}
    files.write_json(run.environment_file, {**machine, "versions": {"keras": "3", "jax": "0"}, "parameters": 5})
    files.write_text(run.command_file, "cifarlab train mlp1 --data-dir /home/somebody --set seed=7\n")
    run.write_history([{"epoch": 1.0, "train_loss": 2.0, "validation_accuracy": 0.1, "validation_loss": 2.0}])
    run.set_state("finished")
    scoring.evaluate(run)
    return run


@pytest.fixture(scope="module")
def package(source: Run, maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `weights.npz`, `card.json` and `card.md`."""
    folder = tmp_path_factory.mktemp("package")
    maker.make_builtin(source, folder, None, ["flip-shift"])
    return folder


@pytest.fixture
def standin(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the stand-in as the built-in model, in an empty working folder."""
    folder = tmp_path / "package"
    shutil.copytree(package, folder)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(builtin, "FOLDER", folder)
    return folder


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of cifarlab without a built-in model."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(builtin, "FOLDER", tmp_path)


def picture(path: Path) -> str:
    Image.fromarray(np.random.default_rng(0).integers(256, size=(50, 70, 3), dtype=np.uint8)).save(path)
    return str(path)


def test_the_weights_are_the_runs_rounded_to_float16(source: Run, standin: Path) -> None:
    trained, rebuilt = prediction.load_model(source), builtin.load_model()
    assert len(rebuilt.weights) == 4  # the states of dropout's random numbers are no weights
    for before, after in zip(trained.get_weights(), rebuilt.get_weights(), strict=True):
        assert after.dtype == np.float32
        np.testing.assert_array_equal(after, before.astype(np.float16).astype(np.float32))
    with np.load(standin / "weights.npz") as stored:
        assert {stored[name].dtype for name in stored.files} == {np.dtype(np.float16)}


def test_it_computes_in_float32_whatever_it_was_trained_in(standin: Path) -> None:
    import keras

    before = keras.config.dtype_policy()
    assert {layer.compute_dtype for layer in builtin.load_model().layers} == {"float32"}
    assert keras.config.dtype_policy() == before


def test_the_card_tells_everything_but_the_folders_of_a_machine(standin: Path) -> None:
    card = builtin.read_card()
    assert card["command"] == "cifarlab train mlp1 --set seed=7"
    assert (card["seed"], card["data"]["name"], card["image_shape"]) == (7, "digits", [32, 32, 3])
    assert card["sizes"]["weights_bytes"] == (standin / "weights.npz").stat().st_size
    assert list(card["scores"]) == ["none", "flip-shift"]
    for file in ("card.json", "card.md"):
        text = (standin / file).read_text(encoding="utf-8")
        assert "somebody" not in text
        assert "a machine" not in text
    assert "| TTA flip-shift | " in text
    assert f"{100 * card['scores']['none']['accuracy']:.2f} %" in text
    assert "keras 3" in text
    assert "jax" not in text


def test_the_command_of_the_real_card_is_that_of_its_recipe() -> None:
    card = builtin.read_card()
    _, _, name, *words = shlex.split(card["command"])
    options = dict(zip(words[::2], words[1::2], strict=True))
    settings = [value for option, value in zip(words[::2], words[1::2], strict=True) if option == "--set"]
    named = recipes.override(recipes.load_recipe(name), [*settings, f"seed={options['--seed']}"])
    made = recipes.from_dict(card["recipe"])
    assert dataclasses.replace(named, precision=made.precision) == made


def test_evaluating_it_gives_the_numbers_of_its_card(standin: Path) -> None:
    card = builtin.read_card()
    for tta, written in card["scores"].items():
        scores = scoring.evaluate("builtin", tta=tta)
        stored = json_data(scores)
        assert {key: stored[key] for key in written} == written
        assert scores.run == "builtin"
    assert scores.looks == 5  # one by the run, two for the card, two here
    assert scores.looks_in_making == 3
    run = Run(Path("runs/builtin"))
    assert run.state["state"] == "finished"
    assert run.recipe == RECIPE
    assert run.environment["processor"] == "a processor"
    assert run.history()[0]["train_loss"] == 2.0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["builtin"]


def test_report_and_compare_take_the_name(
    standin: Path, source: Run, undrawn: None, without_figures: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["report", "builtin"], ["compare", "builtin", str(source.path)], ["doubts", "builtin"]):
        assert cli.main(words) == 2
        assert "run cifarlab evaluate builtin first" in capsys.readouterr().err
        assert list(Path().iterdir()) == []
    assert cli.main(["calibrate", "builtin"]) == 2
    assert "the built-in model learned from all training images" in capsys.readouterr().err
    assert cli.main(["evaluate", "builtin"]) == 0
    assert "look 4 at this split, 3 of them when the model was made\n" in capsys.readouterr().out
    assert cli.main(["compare", "builtin", str(source.path), "--json"]) == 0
    assert cli.main(["doubts", "builtin", "--no-duplicates", "--top", "1", "--json"]) == 0
    assert cli.main(["report", "builtin"]) == 0
    assert capsys.readouterr().out.endswith("runs/builtin/report.html\n")
    assert "<p>4 looks, 3 of them when the model was made, the last on" in Path("runs/builtin/report.html").read_text()


def test_its_run_is_found_where_evaluate_was_told_to_make_it(
    standin: Path, source: Run, undrawn: None, without_figures: None, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = ["--runs-dir", "elsewhere"]
    assert cli.main(["report", "builtin", *elsewhere]) == 2
    assert "run cifarlab evaluate builtin --runs-dir elsewhere first" in capsys.readouterr().err
    pretrained_run.open_run("builtin", runs_dir="elsewhere")  # as robustness and image make it: without predictions
    assert cli.main(["report", "builtin", *elsewhere]) == 2
    assert (
        "no scores on test (expected scores.json in it): run cifarlab evaluate elsewhere/b" in capsys.readouterr().err
    )
    assert cli.main(["evaluate", "builtin", *elsewhere]) == 0
    for words in (["compare", "builtin", str(source.path)], ["report", "builtin"], ["doubts", "builtin"]):
        assert cli.main([*words, *elsewhere]) == 0
    assert not Path("runs").exists()


def test_its_run_is_made_once_and_elsewhere_on_demand(standin: Path) -> None:
    run = pretrained_run.open_run("builtin", runs_dir="elsewhere")
    assert run.path == Path("elsewhere/builtin")
    made = run.model_file.stat().st_mtime_ns
    assert cl.open_run("builtin", runs_dir="elsewhere") == run
    assert run.model_file.stat().st_mtime_ns == made
    assert not Path("runs").exists()


def test_a_run_of_another_origin_in_its_place_is_left_alone(standin: Path, source: Run) -> None:
    shutil.copytree(source.path, "runs/builtin")
    before = {path: path.read_bytes() for path in Path("runs/builtin").rglob("*") if path.is_file()}
    with pytest.raises(CifarlabError, match=r"runs/builtin is not a run of this version's built-in model: rename"):
        scoring.evaluate("builtin")
    assert {path: path.read_bytes() for path in Path("runs/builtin").rglob("*") if path.is_file()} == before


def test_a_folder_of_that_name_is_reached_by_its_path(standin: Path, source: Run) -> None:
    assert completion.models("bu") == ["builtin"]
    shutil.copytree(source.path, "builtin")
    for named in ("./builtin", Path("builtin")):
        assert pretrained_run.open_run(named).path == pretrained_run.open_evaluated(named).path == Path("builtin")
    assert pretrained_run.open_run("./builtin").command.startswith("cifarlab train mlp1 --data-dir")
    assert not pretrained_run.is_builtin(Path("builtin"))


def test_pictures_are_named_by_it_where_no_model_is_named(
    standin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = picture(tmp_path / "photo.png")
    assert cli.main(["predict", photo, "--json", "--top", "1"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["top"][0]["class_name"] in builtin.read_card()["class_names"]
    (found,) = cl.predict([photo], "builtin", top=1)
    assert prediction.predict([photo], top=1) == [found]
    assert answer == json_data(found)
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("nothing")
def test_without_weights_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = picture(tmp_path / "photo.png")
    for words in (["predict", photo], ["evaluate", "builtin"]):
        assert cli.main(words) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert "has no built-in model (it lacks card.json and weights.npz): name a run of your own" in line
    assert list(Path().iterdir()) == []
    assert demo.ask_builtin("digits").startswith("The built-in model is not shown: this copy of cifarlab has no")


def test_damaged_weights_are_one_line(standin: Path) -> None:
    weights, card = standin / "weights.npz", builtin.read_card()
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    with pytest.raises(CifarlabError, match=r"weights\.npz are damaged \(its SHA-256 is .*: install cifarlab again"):
        builtin.load_model()
    weights.write_bytes(b"no zip")
    sizes = {**card["sizes"], "weights_sha256": files.checksum(weights, "sha256")}
    files.write_json(standin / "card.json", {**card, "sizes": sizes})
    with pytest.raises(CifarlabError, match="damaged"):
        builtin.load_model()
    weights.write_bytes(whole)
    files.write_json(standin / "card.json", {**card, "recipe": {**card["recipe"], "model_args": {"widths": [17]}}})
    with pytest.raises(CifarlabError, match="do not fit the model mlp"):
        builtin.load_model()
    (standin / "card.json").write_text("{}")
    with pytest.raises(CifarlabError, match="damaged: expected an object with recipe"):
        builtin.read_card()


def test_weights_that_float16_cannot_hold_or_that_are_too_large_are_refused(
    maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CifarlabError, match=r"weight 1 does not fit into float16: it reaches 1e\+06"):
        maker.pack([np.ones(3, np.float32), np.float32([1e6])])
    monkeypatch.setattr(maker, "MOST_BYTES", 100)
    with pytest.raises(CifarlabError, match="expected at most 100"):
        maker.pack([np.ones(3, np.float32)])


def test_the_demonstration_asks_it(standin: Path) -> None:
    first, *lines = demo.ask_builtin("digits").splitlines()
    assert "first 5 test images" in first
    assert len(lines) == 5
    assert all(": " in line and "%" in line for line in lines)
    assert "it knows the classes of digits, and this is cifar10" in demo.ask_builtin("cifar10")


@pytest.mark.data
@pytest.mark.thorough
def test_the_real_one_keeps_the_promises_of_its_card(cifar10_dir: Path, tmp_path: Path) -> None:
    if not (builtin.FOLDER / "weights.npz").is_file():
        pytest.skip("the built-in weights are not in this tree")
    card = builtin.read_card()
    assert (builtin.FOLDER / "weights.npz").stat().st_size == card["sizes"]["weights_bytes"] <= 5_000_000
    scores = scoring.evaluate("builtin", data_dir=str(cifar10_dir), runs_dir=tmp_path)
    written = card["scores"]["none"]
    assert scores.notices == ()
    assert scores.count == written["count"] == 10_000
    # Another processor or backend rounds differently: a handful of images may fall on the other side.
    assert scores.accuracy == pytest.approx(written["accuracy"], abs=5e-4)
    assert scores.loss == pytest.approx(written["loss"], abs=1e-3)
