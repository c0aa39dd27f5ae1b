"""Beginning with trained weights: what is taken over, what stays as it is, what is refused, what is remembered."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, datasets, open_run, training
from cifarlab.cli import main as cli
from cifarlab.datasets import ImageSet, Source, Splits, image_shape, load_data
from cifarlab.inference.prediction import load_model, predict_images
from cifarlab.models import convnet
from cifarlab.recipes import load_recipe
from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.started_from import Ancestor, StartedFrom, read_start, remember_start, start_notices
from cifarlab.runs.trained_images import find_overlap
from cifarlab.training import beginning, preparation, small_data
from cifarlab.training.checkpoint import load_checkpoint
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import files

SOURCE = Recipe(
    model="convnet",
    model_args={"widths": (8, 8)},
    data="digits",
    epochs=2,
    batch_size=200,
    learning_rate=1e-2,
)
ON = dataclasses.replace(load_recipe("finetune"), data="digits", epochs=3, batch_size=20, translate_pixels=1)


def relabelled(splits: Splits, names: tuple[str, ...], source: str) -> Splits:
    """The digits as two other classes: below five or not."""
    train, validation, test = (
        ImageSet(part.images, (part.labels >= 5).astype(np.int64), part.ids, names)
        for part in (splits.train.take(np.arange(60)), splits.validation, splits.test)
    )
    return Splits(train, validation, test, Source(source, "here", "made"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return training.train(SOURCE, runs_dir=tmp_path_factory.mktemp("source"), name="source", until=2)


@pytest.fixture(scope="module")
def few() -> Splits:
    return relabelled(load_data("digits"), ("low", "high"), "low-or-high")


def begin(source: Run, splits: Splits, runs_dir: Path, *settings: str, recipe: Recipe = ON, until: int = 3) -> Run:
    return training.train(
        recipe, start_from=source.path, settings=settings, splits=splits, runs_dir=runs_dir, until=until
    )


def body(model: keras.Model) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(weight)) for layer in model.layers[:-1] for weight in layer.weights]


def test_frozen_layers_keep_every_weight_and_statistic(source, few, tmp_path):
    run = begin(source, few, tmp_path, "from_rate=0", "learning_rate=0.1")
    before, after = load_model(source), load_model(run)
    assert all(np.array_equal(*pair) for pair in zip(body(before), body(after), strict=True))
    assert after.output_shape == (None, 2)


def test_slow_layers_move_less_than_the_last_one_and_normalisation_stays(source, few, tmp_path):
    run = begin(source, few, tmp_path, "from_rate=0.01", "head_first=False")
    before, after = load_model(source), load_model(run)
    moved = np.abs(before.get_layer("group2_conv2").kernel - after.get_layer("group2_conv2").kernel).max()
    assert 0 < moved < 0.01 * ON.learning_rate * 3 * 60  # Adam takes steps of the learning rate at most, or little more
    for name in ("group1_norm1", "group2_norm2"):
        for old, new in zip(before.get_layer(name).weights, after.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(old, new)
    assert read_start(run).head == "new"


def test_all_weights_learn_at_full_rate_and_statistics_too(source, few, tmp_path):
    run = begin(source, few, tmp_path, "from_rate=1")
    before, after = load_model(source).get_layer("group1_norm1"), load_model(run).get_layer("group1_norm1")
    assert not np.allclose(before.moving_mean, after.moving_mean)


def test_the_fitted_last_layer_weighs_classes_as_the_recipe_says(source, few, tmp_path):
    frozen = ("from_rate=0", "learning_rate=1e-9", "epochs=1")
    weights = ("none", '{"low": 1000.0}')
    runs = [begin(source, few, tmp_path, *frozen, f"class_weight={each}", until=1) for each in weights]
    low = [int((predict_images(load_model(run), few.test).predicted == 0).sum()) for run in runs]
    assert low[1] > low[0]


def test_of_the_same_classes_the_last_layer_is_taken_over_too(source, tmp_path):
    splits = load_data("digits")
    small = Splits(splits.train.take(np.arange(100)), splits.validation, splits.test, splits.source)
    run = begin(source, small, tmp_path, "learning_rate=1e-9", "from_rate=0.5")
    assert read_start(run).head == "taken over"
    before, after = (predict_images(load_model(each), splits.test).logits for each in (source, run))
    np.testing.assert_allclose(before, after, atol=1e-3)


def test_it_resumes_bit_for_bit_without_the_source(source, few, tmp_path):
    whole = begin(source, few, tmp_path / "whole")
    moved = tmp_path / "moved"
    source.path.rename(moved)
    try:
        moved.rename(source.path)
        cut = begin(source, few, tmp_path / "cut", until=1)
        source.path.rename(moved)
        assert cut.state["state"] == "stopped"
        training.resume(cut, splits=few)
    finally:
        moved.rename(source.path)
    pairs = zip(load_checkpoint(whole).values, load_checkpoint(cut).values, strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)


def test_a_run_without_a_checkpoint_begins_with_the_same_weights_again(source, few, tmp_path):
    run = begin(source, few, tmp_path, "epochs=1", until=1)
    splits, model = few, preparation.build_model(convnet, run.recipe, few)
    again = preparation.build_model(convnet, run.recipe, few)
    start = beginning.open_beginning(run.recipe.start_from, "digits")
    start.hand_over(model, run.recipe, splits)
    beginning.begin_again(run, again, splits)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "start_checksum": "crc32:0"})
    with pytest.raises(CifarlabError, match="has other weights than the recipe began with"):
        beginning.begin_again(run, again, splits)


def test_a_run_that_cannot_begin_again_stays_as_it_was(source, few, tmp_path):
    run = begin(source, few, tmp_path, "epochs=2", until=1)
    for file in (run.checkpoint_file, run.earlier_checkpoint_file, run.trained_images_file):
        file.unlink(missing_ok=True)
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "start_from": str(tmp_path / "gone")})
    before = run.state_file.read_bytes(), run.environment_file.read_bytes()
    with pytest.raises(CifarlabError, match=r"no run at .*gone"):
        training.resume(run, splits=few)
    assert (run.state_file.read_bytes(), run.environment_file.read_bytes()) == before


def test_what_a_lost_file_knew_of_the_source_is_not_made_up(source, few, tmp_path):
    run = begin(source, few, tmp_path, "epochs=2", until=1)
    run.trained_images_file.unlink()
    training.resume(run, splits=few)
    assert not run.trained_images_file.is_file()
    (notice,) = start_notices(run, "folder:x", ("cup", "pen"))
    assert "which images those were is not known here" in notice
    again = begin(run, few, tmp_path, "epochs=1", until=1)
    assert [each.images for each in read_start(again).ancestors] == [0, 0]


def test_the_run_remembers_weights_images_and_looks(source, few, tmp_path):
    source.record_look("test", "evaluate on digits")
    run = begin(source, few, tmp_path, "epochs=1", until=1)
    assert run.recipe.start_from == str(source.path)
    assert run.recipe.start_checksum == model_checksum(source)
    assert (run.recipe.model, run.recipe.model_args) == ("convnet", {"widths": (8, 8)})
    digits = load_data("digits")
    (ancestor,) = read_start(run).ancestors
    known = len({image.tobytes() for image in digits.train.images})
    assert (ancestor.data, ancestor.images) == ("digits", known)
    # The source's training images are no test for the run, and its validation images chose the source's epoch.
    assert find_overlap(run, digits.train, "digits").trained_on.all()
    assert find_overlap(run, digits.validation, "digits").seen.all()
    assert not find_overlap(run, digits.test, "digits").trained_on.any()
    assert run.looks_in_making("test", "digits") == 1
    assert run.looks_in_making("test") == 0
    twice = begin(run, few, tmp_path, "epochs=1", until=1)
    assert [each.name for each in read_start(twice).ancestors] == [str(run.path), str(source.path)]
    assert find_overlap(twice, digits.train, "digits").trained_on.all()


def test_a_recorded_recipe_wants_the_same_weights(source, few, tmp_path):
    run = begin(source, few, tmp_path, "epochs=1", until=1)
    recipe = load_recipe(str(run.recipe_file))
    assert resolve_start(recipe, ()) == recipe
    other = dataclasses.replace(recipe, start_checksum="crc32:0")
    with pytest.raises(CifarlabError, match="has other weights than the recipe began with"):
        resolve_start(other, ())


@pytest.mark.parametrize(
    ("recipe", "settings", "message"),
    [
        ("mlp2", (), "is a convnet, the recipe trains a mlp: leave the recipe out, or name finetune or frozen"),
        ("finetune", ("model=mlp",), "is a convnet: leave out --set model=mlp"),
        ("mlp2", ("start_from=", "from_rate=0.5"), "from_rate is about weights to begin with"),
        ("finetune", ("from_rate=2",), "from_rate must be between 0 and 1"),
        ("finetune", ("start_from=runs/none",), "no run at runs/none"),
    ],
)
def test_what_cannot_be_begun_with_is_one_line(source, recipe, settings, message):
    with pytest.raises(CifarlabError, match=message):
        resolve_start(load_recipe(recipe), (f"start_from={source.path}", *settings))


def test_other_widths_are_another_network(source, few, tmp_path):
    with pytest.raises(CifarlabError, match="has other layers than the recipe's: leave out settings such as"):
        begin(source, few, tmp_path, "model.widths=(8, 16)")
    assert not list(tmp_path.iterdir())


def write_source(run: Run, path: Path, model: keras.Model) -> Run:
    """A run like another, with another network in it."""
    path.mkdir()
    for name in ("recipe.json", "data.json", "environment.json", "run.json"):
        (path / name).write_bytes((run.path / name).read_bytes())
    model.save(path / "model.keras")
    return open_run(path)


def test_size_and_head_are_checked_before_the_data_are_read(source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(preparation, "load_splits", lambda *_: pytest.fail("the data were read"))
    monkeypatch.setattr(datasets, "load_data", lambda *_, **__: pytest.fail("the data were read"))
    small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    headless = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    for name, model, message in (
        ("small", small, "takes images of 8 x 8 x 3, digits has 32 x 32 x 3"),
        ("headless", headless, "has no last layer to replace: expected a dense layer of 10 logits"),
    ):
        run = write_source(source, tmp_path / name, model)
        for recipe in ([], ["finetune"]):
            words = ["train", *recipe, "--from", str(run.path), "--data", "digits", "--runs-dir", str(tmp_path / "r")]
            assert cli.main(words) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert message in line
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "builtin"], "name your pictures too"),
        (["--from", "builtn", "--data", "digits"], "no run at builtn"),
        ([], "nothing to train"),
    ],
)
def test_a_command_that_lacks_something_is_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def pictures(a_class: int, classes: int = 3) -> ImageSet:
    count = a_class * classes
    images = np.zeros((count, 2, 2, 3), np.uint8)
    labels = np.arange(count) % classes
    return ImageSet(images, labels, np.arange(count).astype(str), tuple("abcdefgh"[:classes]))


@pytest.mark.parametrize("a_class", [2, 5, 10, 20, 21, 50, 100, 1000])
def test_the_choice_fits_the_pictures_and_says_so(a_class):
    choice = small_data.choose_for(lambda **held_out: part_of(pictures(a_class), **held_out), [], "mine")
    recipe = resolve_start(load_recipe(choice.recipe), choice.settings)
    assert choice.why.startswith(f"about {a_class:,} pictures a class: recipe {choice.recipe}")
    assert (recipe.validation_fraction == 0) == (a_class <= small_data.MOST_WITHOUT_VALIDATION)
    assert recipe.batch_size <= a_class * 3 * (1 - recipe.validation_fraction)


def part_of(images: ImageSet, validation_fraction: float, fold: int = 0, **_: float) -> ImageSet:
    """Folds of very different size, as those of a folder are."""
    return images.take(np.arange(round(len(images) * (1 - validation_fraction) / (fold + 1))))


def test_the_folds_of_few_pictures_have_one_batch_that_fits_each():
    for fold in range(3):
        settings = [f"validation_fraction={1 / 3!r}", f"fold={fold}"]
        choice = small_data.choose_for(lambda **held_out: part_of(pictures(10), **held_out), settings, "mine")
        recipe = resolve_start(load_recipe(choice.recipe), [*choice.settings, *settings])
        assert recipe.batch_size == 7  # of the last fold
        assert "validation_fraction" not in choice.why  # it is the user's own


def test_a_batch_of_the_users_own_is_left_as_it_is():
    choice = small_data.choose_for(lambda **held_out: part_of(pictures(2), **held_out), ["batch_size=99"], "mine")
    assert choice.settings == ("validation_fraction=0.0",)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "digits", "folder:x", "mnist", "fashion_mnist"])
def test_a_data_set_says_how_large_its_images_are(name):
    assert image_shape(name) == ((28, 28, 1) if "mnist" in name else (32, 32, 3))


def test_that_is_how_large_they_are():
    assert load_data("digits").train.image_shape == image_shape("digits")


def test_classes_that_are_no_news_and_images_that_are_not_known_are_said(source, tmp_path):
    run = write_source(source, tmp_path / "run", keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()]))
    assert start_notices(run, "digits", ("zero", "one")) == []
    remember_start(run, StartedFrom((Ancestor("builtin", "x", "convnet", "cifar10", ("cat", "dog"), 7),), "new"))
    run.trained_images_file.touch()
    assert start_notices(run, "folder:x", ("cup", "pen")) == []
    run.trained_images_file.unlink()  # and with it what is known of the built-in model's images
    (gone,) = start_notices(run, "folder:x", ("cup", "pen"))
    assert "which images those were is not known here" in gone
    run.trained_images_file.touch()
    (some,) = start_notices(run, "folder:x", ("dog", "pen"))
    assert "trained on cifar10, which has dog: this is no accuracy on classes that are new" in some
    (same,) = start_notices(run, "cifar10", ("cat", "dog"))
    assert "all of these classes" in same
    remember_start(run, StartedFrom((Ancestor("builtin", "x", "convnet", "cifar10", ("cat",)),), "new"))
    (unknown,) = start_notices(run, "folder:x", ("cup", "pen"))
    assert "which images those were is not known here" in unknown
    for damage in ("[1]", '{"ancestors": [], "head": "new"}'):
        files.write_text(run.started_from_file, damage)
        with pytest.raises(CifarlabError, match=r"started-from\.json is damaged"):
            read_start(run)


def test_the_built_in_model_is_begun_with(few, tmp_path):
    found = beginning.open_beginning("builtin", "digits")
    assert found is not None
    assert found.point.class_names[0] == "airplane"
    assert all(look["phase"] == "making" for look in found.point.looks)
