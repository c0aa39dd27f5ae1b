import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifarlab import recipes, runs
from cifarlab.cli import main as cli
from cifarlab.datasets import ImageSet
from cifarlab.inference import prediction
from cifarlab.inference.prediction import check_fits, compute_logits, load_model, predict, predict_images
from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError

# Keras on TensorFlow hands its variables to NumPy in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NAMES = ("dark", "middle", "light", "never")


def build(shape: tuple[int, int, int] = (8, 8, 3), dropout: float = 0.5) -> Any:
    """A model that knows dark pictures from light ones: logits (-8m, 1, 8m, -9) for mean brightness m in -1..1."""
    choose_backend()
    import keras

    inputs = keras.Input(shape)
    x = keras.layers.Rescaling(2 / 255, offset=-1)(inputs)
    x = keras.layers.Dropout(dropout)(keras.layers.Flatten()(x))
    model = keras.Model(inputs, keras.layers.Dense(len(NAMES))(x))
    weights = np.zeros((int(np.prod(shape)), len(NAMES)), np.float32)
    weights[:, 0], weights[:, 2] = -8 / len(weights), 8 / len(weights)
    model.layers[-1].set_weights([weights, np.array([0, 1, 0, -9], np.float32)])
    return model


@pytest.fixture(scope="module")
def model() -> Any:
    return build()


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(model: Any, **data: Any) -> Run:
        run = runs.create_run(tmp_path / "runs", "tiny")
        run.set_state("finished")
        files.write_json(run.recipe_file, recipes.to_dict(recipes.Recipe(model="mlp")))
        files.write_json(run.data_file, {"name": "digits", "class_names": list(NAMES), **data})
        files.write_json(run.environment_file, {})
        model.save(run.model_file)
        return run

    return make


def image_set(count: int, shape: tuple[int, int, int] = (8, 8, 3)) -> ImageSet:
    images = np.random.default_rng(0).integers(256, size=(count, *shape), dtype=np.uint8)
    ids = np.array([f"test-{index}" for index in range(count)], dtype=str)
    return ImageSet(images, np.zeros(count, np.int64), ids, NAMES)


def picture(path: Path, grey: int, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey, grey, grey)).save(path)
    return path


@pytest.mark.parametrize("count", [0, 1, 4, 5, 11])
def test_no_image_is_dropped_or_moved(model: Any, count: int) -> None:
    images = image_set(count)
    predicted = predict_images(model, images, batch_size=4)
    brightness = images.images.reshape(count, 192).mean(axis=1) * 2 / 255 - 1
    expected = np.stack([-8 * brightness, 0 * brightness + 1, 8 * brightness, 0 * brightness - 9], axis=1)
    assert predicted.logits.dtype == np.float32
    np.testing.assert_allclose(predicted.logits, expected, atol=1e-4)
    assert predicted.ids.tolist() == images.ids.tolist()
    assert predicted.class_names == NAMES


def test_answers_are_keras_own_and_the_model_is_traced_once() -> None:
    import keras

    model = build()
    images = image_set(10).images
    expected = keras.ops.convert_to_numpy(model(images, training=False))
    calls: list[tuple[int, ...]] = []
    inner = model.call
    model.call = lambda inputs, *args, **kwargs: calls.append(tuple(inputs.shape)) or inner(inputs, *args, **kwargs)
    np.testing.assert_allclose(compute_logits(model, images, batch_size=4), expected, atol=1e-5)
    traced = [shape for shape in calls if shape[0] == 4]  # how much memory it takes was asked with another number
    assert traced == [(4, 8, 8, 3)] * (3 if keras.backend.backend() == "torch" else 1)


def test_a_bfloat16_model_gives_float32() -> None:
    import keras

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    outputs = keras.layers.Dense(4, dtype="mixed_bfloat16")(keras.layers.Flatten()(x))
    assert predict_images(keras.Model(inputs, outputs), image_set(3)).logits.dtype == np.float32


def test_nan_is_said_with_the_image(model: Any) -> None:
    broken = build()
    broken.layers[-1].set_weights([np.full((192, 4), np.nan, np.float32), np.zeros(4, np.float32)])
    with pytest.raises(CifarlabError, match=r"NaN or infinity for 3 of 3 images, 'test-0' first"):
        predict_images(broken, image_set(3))


def test_images_and_classes_must_fit(model: Any) -> None:
    with pytest.raises(CifarlabError, match="takes 8 x 8 x 3 images, these are 8 x 8 x 1"):
        predict_images(model, image_set(2, (8, 8, 1)))
    with pytest.raises(CifarlabError, match="tells 4 classes apart, the data have 10"):
        check_fits(model, (8, 8, 3), 10)
    with pytest.raises(CifarlabError, match="images of one size"):
        check_fits(SimpleNamespace(input_shape=(None, None, None, 3), output_shape=(None, 4)), (8, 8, 3), 4)
    with pytest.raises(CifarlabError, match="batch_size must be at least 1"):
        predict_images(model, image_set(2), batch_size=0)


def test_files_folders_and_standard_input(
    model: Any, make_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(model)
    dark = picture(tmp_path / "dark.png", 10)
    light = picture(tmp_path / "album" / "b.jpg", 250)
    middle = picture(tmp_path / "album" / "inner" / "a.webp", 127)
    picture(tmp_path / "album" / ".hidden" / "c.png", 0)
    (tmp_path / "album" / "notes.txt").write_text("not a picture")
    data = io.BytesIO()
    Image.new("L", (5, 5), 255).save(data, "png")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data.getvalue())))
    answers = predict([dark, tmp_path / "album", "-"], run, top=2)
    assert [each.image for each in answers] == [str(dark), str(light), str(middle), "-"]
    assert [each.top[0].class_name for each in answers] == ["dark", "light", "middle", "light"]
    assert all(len(each.top) == 2 for each in answers)
    assert answers[0].top[0].probability > 0.99 > answers[0].top[1].probability
    every = predict([str(dark)], str(run.path), top=99)[0].top
    assert len(every) == 4
    assert sum(each.probability for each in every) == pytest.approx(1)


def test_a_grayscale_model_sees_luminance(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(build((8, 8, 1)))
    green = tmp_path / "green.png"
    Image.new("RGB", (20, 20), (0, 255, 0)).save(green)
    top = {each.class_name: each.probability for each in predict([green], run, top=4)[0].top}
    brightness = 8 * (150 * 2 / 255 - 1)  # 0.587 * 255 rounded
    assert np.log(top["light"] / top["middle"]) == pytest.approx(brightness - 1, abs=1e-3)


def test_wrong_pictures_are_one_line_before_keras_loads(
    make_run: Callable[..., Run], model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(model)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(prediction, "load_model", lambda run: pytest.fail("the model was loaded in vain"))
    for pictures, expected in [
        ([], "no pictures given"),
        ([tmp_path / "none.png"], "none.png: no such file"),
        ([tmp_path / "empty"], "empty: there are no pictures in it"),
        (["-", "-"], "can be read once"),
    ]:
        with pytest.raises(CifarlabError, match=expected):
            predict(pictures, run)
    with pytest.raises(CifarlabError, match=r"top must be at least 1\. Received: 0"):
        predict([tmp_path], run, top=0)
    with pytest.raises(CifarlabError, match=r"data\.json names no classes"):
        predict([tmp_path], make_run(model, class_names=None))


def test_good_pictures_are_answered_beside_bad_ones(
    make_run: Callable[..., Run], model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(model)
    album = tmp_path / "album"
    light, dark = picture(album / "light.png", 250), picture(album / "dark.png", 10)
    (album / "page.png").write_text("<html>404</html>")
    (album / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0garbage")
    (album / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    missing = str(tmp_path / "none.png")
    with pytest.raises(CifarlabError, match=r"3 of 5 pictures.*none\.png"):
        predict([album, missing], run)
    assert cli.main(["predict", str(album), missing, "--model", str(run.path), "--top", "1", "--csv"]) == 2
    out, err = capsys.readouterr()
    assert [line.split(",")[:2] for line in out.splitlines()[1:]] == [[str(dark), "dark"], [str(light), "light"]]
    assert "1 file left out: 1 .HEIC" in err
    last = err.splitlines()[-1]
    assert last.startswith("cifarlab: cannot read 3 of 5 pictures")
    assert all(name in last for name in ("page.png", "photo.jpg", "none.png"))
    assert cli.main(["predict", missing, "--model", str(run.path)]) == 2
    assert capsys.readouterr().out == ""


def test_a_damaged_picture_is_named_before_keras_loads(
    make_run: Callable[..., Run], model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.png"
    text.write_text("this is no picture")
    whole = picture(tmp_path / "whole.png", 250, (300, 200)).read_bytes()
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[: len(whole) // 2])
    good = picture(tmp_path / "good.png", 10)
    run = make_run(model)
    monkeypatch.setattr(prediction, "load_model", lambda run: pytest.fail("the model was loaded in vain"))
    for source in (run, "builtin"):
        for bad in (text, cut):
            with pytest.raises(CifarlabError, match=rf"cannot read .*{bad.name}"):
                predict([good, bad], source)


def test_a_model_file_that_does_not_tell_its_shape_is_asked_through_keras(
    make_run: Callable[..., Run], model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(model)
    assert prediction._stored_shape(run) == (8, 8, 3)
    expected = predict([picture(tmp_path / "light.png", 250)], run)
    monkeypatch.setattr(prediction, "_stored_shape", lambda model: None)
    assert predict([tmp_path / "light.png"], run) == expected
    run.model_file.write_bytes(b"garbage")
    monkeypatch.undo()
    assert prediction._stored_shape(run) is None


def test_a_broken_model_file_is_one_line(make_run: Callable[..., Run], model: Any, tmp_path: Path) -> None:
    run = make_run(model)
    whole = run.model_file.read_bytes()
    for damaged in (b"", b"garbage", whole[: len(whole) // 2]):
        run.model_file.write_bytes(damaged)
        with pytest.raises(
            CifarlabError, match=r"model\.keras: the file is damaged, or only part of it .*; train it again"
        ):
            load_model(run)
    run.model_file.unlink()
    with pytest.raises(CifarlabError, match=r"incomplete .* lacks model\.keras"):
        load_model(run)


def test_a_model_that_brings_code_is_refused(make_run: Callable[..., Run]) -> None:
    import keras

    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Lambda(lambda x: x[:, 0, 0, :])(inputs)
    with pytest.raises(CifarlabError, match="cannot load the model"):
        load_model(make_run(keras.Model(inputs, outputs)))


def test_the_views_of_test_time_augmentation_are_averaged_as_logits() -> None:
    choose_backend()
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="gelu")(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(x)))
    images = image_set(7)
    mirrored = ImageSet(images.images[:, :, ::-1].copy(), images.labels, images.ids, NAMES)
    one, other = predict_images(model, images).logits, predict_images(model, mirrored).logits
    predicted = predict_images(model, images, batch_size=4, tta="flip")
    assert predicted.logits.dtype == np.float32
    np.testing.assert_allclose(predicted.logits, (one + other) / 2, atol=1e-5)
    assert not np.allclose(one, other, atol=1e-3)


def test_answers_with_test_time_augmentation_say_so(model: Any, make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(model)
    light = picture(tmp_path / "light.png", 250)
    (single,), (augmented,) = predict([light], run), predict([light], run, tta="flip-shift")
    assert (single.tta, augmented.tta) == (None, "flip-shift")
    assert augmented.top[0].probability == pytest.approx(single.top[0].probability, abs=1e-5)
    with pytest.raises(CifarlabError, match="unknown TTA 'mirror'"):
        predict([light], run, tta="mirror")
