import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifarlab import datasets, metrics, recipes, runs
from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.evaluation import scoring
from cifarlab.evaluation.human_labels import HumanLabels
from cifarlab.evaluation.scoring import evaluate
from cifarlab.inference import prediction
from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.trained_images import remember_images
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data

# Keras on TensorFlow hands its variables to NumPy in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NAMES = ("dark", "light")
SOURCE = Source("grey", "/somewhere", "made here", {"a.npy": "md5:1", "b.npy": "md5:2"})


def part(split: str, count: int, size: int = 4, names: tuple[str, ...] = NAMES) -> ImageSet:
    labels = np.arange(count, dtype=np.int64) % 2
    # Each image is of one grey, which no other has, in whatever part.
    greys = np.where(labels == 1, 180, 50) + np.arange(count) + {"train": 0, "validation": 20, "test": 30}[split]
    if count > 1:
        greys[0] = {"train": 255, "validation": 254, "test": 253}[split]  # one dark image that is light
    images = greys.astype(np.uint8)[:, None, None, None] * np.ones((1, size, size, 3), np.uint8)
    return ImageSet(images, labels, np.array([f"{split}-{index}" for index in range(count)], dtype=str), names)


def splits(source: Source = SOURCE, validation: int = 6, **changes: Any) -> Splits:
    return Splits(
        part("train", 20, **changes), part("validation", validation, **changes), part("test", 10, **changes), source
    )


def build(shape: tuple[int, int, int], num_classes: int) -> Any:
    choose_backend()
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(2 / 255, offset=-1)(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(x))


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    model = build((4, 4, 3), 2)
    model.layers[-1].set_weights([np.tile(np.float32([-1, 1]), (48, 1)), np.zeros(2, np.float32)])
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path.read_bytes()


@pytest.fixture
def run(tmp_path: Path, model_bytes: bytes) -> Run:
    run = runs.create_run(tmp_path / "runs", "tiny")
    run.set_state("finished")
    recipe = recipes.Recipe(model="mlp", data="grey", validation_fraction=0.2)
    files.write_json(run.recipe_file, recipes.to_dict(recipe))
    files.write_json(run.data_file, {**dataclasses.asdict(SOURCE), "class_names": list(NAMES)})
    files.write_json(run.environment_file, {})
    run.model_file.write_bytes(model_bytes)
    return run


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Splits], list[tuple[Any, ...]]]:
    """Have `load_data` give these splits, and remember what it was asked for."""

    def install(found: Splits) -> list[tuple[Any, ...]]:
        asked: list[tuple[Any, ...]] = []

        def load_data(name: str, *, data_dir: Any, validation_fraction: float, fold: int, **_: Any) -> Splits:
            asked.append((name, data_dir, validation_fraction))
            return found

        monkeypatch.setattr(datasets, "load_data", load_data)
        return asked

    return install


def change_data(run: Run, **changes: Any) -> None:
    files.write_json(run.data_file, {**run.data, **changes})


def test_scores_and_predictions_are_written_and_returned(run, serve) -> None:
    asked = serve(splits())
    scores = evaluate(run)
    assert asked == [("grey", None, 0.2)]
    assert scores.accuracy == pytest.approx(0.9)
    assert (scores.run, scores.data, scores.split, scores.count) == ("tiny", "grey", "test", 10)
    assert (scores.looks, scores.notices) == (1, ())
    assert scores == run.scores("test")
    stored = json.loads(run.scores_file("test").read_text())
    assert stored.pop("checksum").startswith("sha256:")
    assert stored == json_data(scores)
    stored = Predictions.load(run.predictions_file("test"))
    assert stored.ids.tolist() == splits().test.ids.tolist()
    assert metrics.score(stored).scores == scores.scores


def test_every_look_at_a_split_is_counted(run, serve) -> None:
    serve(splits())
    assert [evaluate(run.path).looks for _ in range(2)] == [1, 2]
    assert evaluate(str(run.path), split="validation").looks == 1
    assert [look["split"] for look in run.looks()] == ["test", "test", "validation"]
    assert run.scores("validation").count == 6


def test_what_was_not_held_out_is_refused(run, serve) -> None:
    asked = serve(splits(validation=0))
    with pytest.raises(CifarlabError, match="grey has no validation images"):
        evaluate(run, split="validation")
    everything = dataclasses.replace(run.recipe, validation_fraction=0.0)
    files.write_json(run.recipe_file, recipes.to_dict(everything))
    asked.clear()
    with pytest.raises(CifarlabError, match="held out no validation images"):
        evaluate(run, split="validation")
    assert not asked
    with pytest.raises(CifarlabError, match="unknown split 'tset': expected train, validation, test"):
        evaluate(run, split="tset")
    assert not run.looks()


def test_altered_data_do_not_go_unnoticed(run, serve) -> None:
    serve(splits(dataclasses.replace(SOURCE, checksums={"a.npy": "md5:1", "b.npy": "md5:9"})))
    with pytest.raises(CifarlabError, match=r"b\.npy has checksum md5:9 instead of md5:2; restore the data"):
        evaluate(run)
    assert not run.scores_file("test").exists()
    (notice,) = evaluate(run, data="grey").notices
    assert "The data were altered" in notice


def test_images_are_compared_themselves_where_the_run_remembers_them(run, serve) -> None:
    change_data(run, fingerprints={"test": splits().test.fingerprint})
    serve(splits(dataclasses.replace(SOURCE, checksums={"the same images in another archive": "md5:5"})))
    assert evaluate(run).notices == ()
    altered = splits()
    altered.test.images[3, 0, 0, 0] ^= 1
    serve(altered)
    with pytest.raises(CifarlabError, match="not what tiny was trained on: its test images or labels have changed"):
        evaluate(run)
    (notice,) = evaluate(run, data="grey").notices
    assert "The data were altered" in notice


def test_files_that_cannot_be_compared_are_mentioned(run, serve) -> None:
    serve(splits(dataclasses.replace(SOURCE, checksums={"all.zip": "md5:5"})))
    assert "could not be checked" in evaluate(run).notices[0]


def test_other_data_of_the_same_classes_are_named(run, serve) -> None:
    asked = serve(splits(dataclasses.replace(SOURCE, name="folder:mine", checksums={})))
    assert evaluate(run, data="folder:mine", data_dir="there").notices == (
        "Evaluated on folder:mine; tiny was trained on grey.",
    )
    # What it was trained on is looked up too, to see whether any of these images are among it.
    assert asked == [("folder:mine", "there", 0.2), ("grey", None, 0.2)]


def test_other_data_leave_the_runs_own_numbers_alone(run, serve) -> None:
    serve(splits())
    evaluate(run)
    own = {file: file.read_bytes() for file in (run.scores_file("test"), run.predictions_file("test"))}
    assert [file.name for file in own] == ["scores.json", "predictions-test.npz"]
    for name in ("folder:a/b", "folder:a-b", "other"):
        serve(splits(dataclasses.replace(SOURCE, name=name, checksums={})))
        assert [evaluate(run, data=name).looks for _ in range(2)] == [1, 2]
        assert files.read_json(run.scores_file("test", name))["data"] == name
        assert len(Predictions.load(run.predictions_file("test", name))) == 10
    assert {file: file.read_bytes() for file in own} == own
    written = sorted(file.name for file in run.path.glob("scores*"))
    assert len(written) == 4
    assert "scores-test-other.json" in written
    assert all(name.replace("-", "").replace(".", "").isalnum() for name in written)
    serve(splits())
    assert evaluate(run).looks == 2
    assert [look["data"] for look in run.looks()].count("grey") == 2


def test_looks_that_name_no_data_count_as_the_runs_own(run, serve) -> None:
    files.write_json(run.looks_file, [{"split": "test", "when": "2026-01-01T00:00:00+00:00", "why": ""}])
    serve(splits())
    assert evaluate(run).looks == 2


def test_data_that_do_not_fit_are_refused(run, serve) -> None:
    serve(splits(names=("light", "dark")))
    with pytest.raises(CifarlabError, match=r"other classes than .*: light, dark instead of dark, light"):
        evaluate(run)
    serve(splits(size=5))
    with pytest.raises(CifarlabError, match="takes 4 x 4 x 3 images, these are 5 x 5 x 3"):
        evaluate(run)
    change_data(run, class_names=[])
    with pytest.raises(CifarlabError, match="names no classes"):
        evaluate(run)
    assert not run.looks()


def test_the_data_folder_of_the_training_is_remembered(run, serve, tmp_path) -> None:
    asked = serve(splits())
    change_data(run, data_dir=str(tmp_path))
    evaluate(run)
    evaluate(run, data_dir="elsewhere")
    change_data(run, data_dir=str(tmp_path / "gone"))
    evaluate(run)
    assert [each[1] for each in asked] == [str(tmp_path), "elsewhere", None]


def test_an_unfinished_training_is_mentioned(run, serve) -> None:
    serve(splits())
    run.set_state("failed", "the loss became NaN in step 7")
    assert evaluate(run).notices == (
        "The training of tiny did not finish: it is failed (the loss became NaN in step 7).",
    )


def test_a_failed_prediction_writes_nothing(run, serve, monkeypatch) -> None:
    serve(splits())
    before = sorted(path.name for path in run.path.iterdir())
    monkeypatch.setattr(prediction, "predict_images", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(run)
    assert sorted(path.name for path in run.path.iterdir()) == before


def test_digits_end_to_end(run) -> None:
    digits = datasets.load_data("digits", validation_fraction=0.2)
    build(digits.train.image_shape, len(digits.class_names)).save(run.model_file)
    change_data(run, **dataclasses.asdict(digits.source), class_names=list(digits.class_names))
    scores = evaluate(run)
    assert scores.data == "digits"
    assert scores.count == len(digits.test) > 100
    assert scores.notices == ()
    assert scores.scores["accuracy"].low < scores.accuracy < 0.5


def test_test_time_augmentation_is_named_and_leaves_the_single_view_files_alone(run, serve) -> None:
    serve(splits())
    single = evaluate(run)
    own = {file: file.read_bytes() for file in (run.scores_file("test"), run.predictions_file("test"))}
    augmented = evaluate(run, tta="flip-shift")
    assert (single.tta, augmented.tta, augmented.looks) == ("none", "flip-shift", 2)
    assert {file: file.read_bytes() for file in own} == own
    assert augmented == run.scores("test", "flip-shift")
    stored = files.read_json(run.path / "scores-test-tta-flip-shift.json")
    assert json_data(augmented) == {key: value for key, value in stored.items() if key != "checksum"}
    stored = Predictions.load(run.path / "predictions-test-tta-flip-shift.npz")
    # Every image is of one colour, so that all of its views are the same.
    np.testing.assert_allclose(stored.logits, Predictions.load(run.predictions_file("test")).logits, rtol=1e-5)
    evaluate(run, split="validation", tta="flip")
    serve(splits(dataclasses.replace(SOURCE, name="other", checksums={})))
    evaluate(run, data="other", tta="flip")
    assert (run.path / "scores-validation-tta-flip.json").is_file()
    assert (run.path / "scores-test-other-tta-flip.json").is_file()
    assert [look["tta"] for look in run.looks()] == ["none", "flip-shift", "flip", "flip"]
    assert run.looks()[1]["why"] == "evaluate on grey, TTA flip-shift"


def test_an_unknown_test_time_augmentation_is_refused_before_the_data_are_read(run, serve) -> None:
    asked = serve(splits())
    with pytest.raises(CifarlabError, match="unknown TTA 'flop': did you mean flip"):
        evaluate(run, tta="flop")
    missing = r"no scores on test with TTA flip \(expected scores-test-tta-flip.json in it\): run .*tiny --tta flip"
    with pytest.raises(CifarlabError, match=missing):
        run.scores("test", "flip")
    assert not asked


def test_people_are_asked_about_the_whole_test_set_only(run, serve, monkeypatch) -> None:
    asked = serve(splits())
    with pytest.raises(CifarlabError, match="of the test images of cifar10, these are the test images of grey"):
        evaluate(run, human_labels="counts.npy")
    assert not asked
    humans = HumanLabels(np.array([[9, 1], [1, 9]] * 5))
    monkeypatch.setattr(scoring, "open_human_labels", lambda path, data, split: humans)
    with pytest.raises(CifarlabError, match="image 0 is test-0 instead of test-00000"):
        evaluate(run, human_labels="counts.npy")
    assert not run.looks()
    ids = np.array([f"test-{index:05d}" for index in range(10)])
    serve(dataclasses.replace(splits(), test=dataclasses.replace(splits().test, ids=ids)))
    scores = evaluate(run, human_labels="counts.npy")
    assert scores.human == run.scores("test").human
    assert scores.human["accuracy_against_majority"]["value"] == pytest.approx(0.9)
    assert evaluate(run).human is None


def test_images_that_were_trained_on_are_counted_and_named(run, serve) -> None:
    before = splits()
    remember_images(run, before.train)
    change_data(run, fingerprints={split: before[split].fingerprint for split in ("train", "validation", "test")})
    leaked = before.test.images.copy()
    leaked[:4] = before.train.images[:4]
    serve(dataclasses.replace(before, test=dataclasses.replace(before.test, images=leaked)))
    with pytest.raises(CifarlabError, match="images that tiny was trained on are then counted and named"):
        evaluate(run)
    scores = evaluate(run, data="grey")
    altered, overlap = scores.notices
    assert altered.startswith("The data were altered")
    assert overlap.startswith("4 of 10 test images are copies of training images (test-0, test-1, test-2, ...)")
    # The first of the four is the dark image that is light; the other six are all right.
    assert scores.accuracy == pytest.approx(0.9)
    assert scores.overlap.accuracy_without.value == 1.0
    assert run.predictions("test").origin.trained_on.tolist() == [True] * 4 + [False] * 6
    assert evaluate(run, data="grey", split="train").overlap is None


def test_where_nothing_tells_what_was_trained_on_altered_data_are_doubted(run, serve) -> None:
    change_data(run, fingerprints={"train": "blake2b:0", "test": "blake2b:0"})
    serve(splits())
    assert evaluate(run, data="grey").notices[1] == (
        "tiny did not record which images it was trained on: some of these may be among them, and then the accuracy is "
        "no test."
    )


def test_scores_and_predictions_carry_the_model_and_the_images(run, serve) -> None:
    serve(splits())
    scores = evaluate(run)
    origin = run.predictions("test").origin
    assert (scores.model_checksum, scores.images) == (origin.model_checksum, origin.images)
    assert scores.model_checksum == model_checksum(run)
    assert scores.images == splits().test.fingerprint


@pytest.mark.parametrize(("noted", "told"), [(5 / 6, 0), (1 / 6, 1)])
def test_a_history_of_another_model_is_told(run, serve, noted, told) -> None:
    run.write_history([{"epoch": 1, "validation_accuracy": noted}])
    serve(splits())
    notices = evaluate(run, split="validation").notices
    assert len(notices) == told
    assert all(
        f"says {100 * noted:.2f} % on validation of the best epoch, this model has 83.33 %" in each for each in notices
    )
    assert evaluate(run).notices == ()
