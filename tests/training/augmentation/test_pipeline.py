import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from cifarlab.models import convnet
from cifarlab.recipes import Recipe
from cifarlab.training.augmentation.flip import mirrored, with_mirror_images
from cifarlab.training.augmentation.pipeline import add_augmentation
from cifarlab.training.augmentation.random_brightness_contrast import RandomBrightnessContrast
from cifarlab.training.augmentation.random_translation import RandomTranslation, shrinking_matrix
from cifarlab.utils.errors import CifarlabError


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (64, 6, 5, 3), dtype=np.uint8)


def changed(images, translate_pixels, size=None):
    layer = RandomTranslation(translate_pixels, keras.random.SeedGenerator(1), size, dtype="float32")
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images)))


def test_mirror_images_lie_behind_the_others(images):
    both = with_mirror_images(images, mirror=True)
    assert both.shape == (128, 6, 5, 3)
    np.testing.assert_array_equal(both[[3, 64 + 3, 127]], [images[3], images[3, :, ::-1], images[63, :, ::-1]])
    assert with_mirror_images(images, mirror=False) is images


def test_alternating_turns_every_image_over_each_epoch():
    recipe = Recipe(model="mlp", flip="alternating", seed=3)
    epochs = [mirrored(recipe, epoch, 1000) for epoch in (1, 2, 3, 4)]
    np.testing.assert_array_equal(epochs[0], ~epochs[1])
    np.testing.assert_array_equal(epochs[0], epochs[2])
    np.testing.assert_array_equal(epochs[1], epochs[3])
    assert 400 < epochs[0].sum() < 600
    assert not np.array_equal(epochs[0], mirrored(dataclasses.replace(recipe, seed=4), 1, 1000))


def test_random_draws_anew_every_epoch():
    recipe = Recipe(model="mlp", flip="random")
    first, second = (mirrored(recipe, epoch, 1000) for epoch in (1, 2))
    assert 400 < first.sum() < 600
    assert 400 < (first ^ second).sum() < 600  # independent
    assert not mirrored(Recipe(model="mlp"), 1, 1000).any()


def test_shift_agrees_with_numpys_reflection(images):
    result = changed(images, translate_pixels=2)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    seen = set()
    for index, image in enumerate(result):
        places = [
            (y, x) for y in range(5) for x in range(5) if np.array_equal(image, padded[index, y : y + 6, x : x + 5])
        ]
        assert places, f"image {index} is no shift of its original"
        seen.update(places)
    assert len(seen) > 15  # all shifts occur, not a few


def test_every_batch_is_changed_anew(images):
    layer = RandomTranslation(2, keras.random.SeedGenerator(0), dtype="float32")
    first, second = (keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images))) for _ in range(2))
    assert not np.array_equal(first, second)


def test_brightness_and_contrast_are_one_line_an_image_within_its_limits(images):
    layer = RandomBrightnessContrast(0.1, 0.2, keras.random.SeedGenerator(0), dtype="float32")
    result = keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images.astype(np.float32))))
    changes = []
    for before, after in zip(images.astype(np.float64), result, strict=True):
        slope, offset = np.polyfit(before.ravel() - 127.5, after.ravel() - 127.5, 1)
        np.testing.assert_allclose(after - 127.5, slope * (before - 127.5) + offset, atol=1e-3)
        changes.append((slope, offset / 255))
    contrast, brightness = np.array(changes).T
    assert 0.8 <= contrast.min() < 0.85 < 1.15 < contrast.max() <= 1.2
    assert -0.1 <= brightness.min() < -0.07 < 0.07 < brightness.max() <= 0.1
    assert abs(np.corrcoef(contrast, brightness)[0, 1]) < 0.4  # two draws, not one


def test_without_factors_brightness_and_contrast_stay():
    model = keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])

    def names(**changes):
        return [layer.name for layer in add_augmentation(model, Recipe(model="mlp", **changes))[6].layers]

    assert "brightness_contrast" not in names()
    assert "brightness_contrast" in names(contrast_factor=0.1)


def test_of_shrunken_images_cutout_covers_as_large_a_part():
    recipe = Recipe(model="convnet", image_pixels=(8,), cutout_pixels=4)
    trained = add_augmentation(convnet.build((16, 16, 3), 2, widths=(4,)), recipe)
    shares = {pixels: each.get_layer("cutout").share for pixels, each in trained.items()}
    assert shares == {8: 0.25, 16: 0.25}


def test_turned_images_are_shifted_in_the_same_go():
    model = keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    layers = {
        layer.name: layer
        for layer in add_augmentation(model, Recipe(model="mlp", translate_pixels=2, zoom_factor=0.1))[6].layers
    }
    assert layers["affine"].translate_pixels == 2
    assert layers["translation"].translate_pixels == 0


@pytest.mark.parametrize(("size", "pixels"), [(32, 24), (32, 28), (31, 7), (8, 8)])
def test_shrinking_agrees_with_pillow(size, pixels):
    picture = np.random.default_rng(0).random((size, size)).astype(np.float32)
    matrix = shrinking_matrix(size, pixels)
    expected = Image.fromarray(picture, mode="F").resize((pixels, pixels), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(matrix @ picture @ matrix.T, np.asarray(expected), atol=1e-5)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-6)


def test_shrinking_after_a_shift_is_the_shift_shrunk(images):
    rows, columns = shrinking_matrix(6, 4), shrinking_matrix(5, 3)
    expected = np.einsum("pi,biwc,qw->bpqc", rows, changed(images, 2), columns)
    np.testing.assert_allclose(changed(images, 2, size=(4, 3)), expected, atol=1e-3)
    plain = np.einsum("pi,biwc,qw->bpqc", rows, images.astype(np.float32), columns)
    np.testing.assert_allclose(changed(images, 0, size=(4, 3)), plain, atol=1e-3)


def test_no_augmentation_only_casts(images):
    inputs = keras.Input((6, 5, 3))
    model = keras.Model(inputs, keras.layers.Flatten()(inputs))
    trained = add_augmentation(model, Recipe(model="mlp"))
    assert list(trained) == [6]
    np.testing.assert_array_equal(trained[6](images), images.reshape(64, -1).astype("float32"))


def test_all_sizes_share_the_variables():
    model = convnet.build((16, 16, 3), 4, widths=(4, 8))
    trained = add_augmentation(model, Recipe(model="convnet", image_pixels=(8, 12, 16), translate_pixels=2))
    assert sorted(trained) == [8, 12, 16]
    for other in (8, 12):
        assert [id(v) for v in trained[other].variables] == [id(v) for v in trained[16].variables]
    pixels = np.zeros((2, 16, 16, 3), np.uint8)
    assert trained[8](pixels).shape == (2, 4)
    own = {id(variable) for variable in model.variables}
    assert own <= {id(variable) for variable in trained[16].variables}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"translate_pixels": 5}, "translate_pixels must be below 5"),
        ({"cutout_pixels": 5}, "cutout_pixels must be below 5"),
        ({"image_pixels": (7,)}, "at most 6"),
        ({"image_pixels": (4,)}, "one size only"),
    ],
)
def test_what_does_not_fit_is_refused(settings, expected):
    inputs = keras.Input((6, 5, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    with pytest.raises(CifarlabError, match=expected):
        add_augmentation(model, Recipe(model="mlp", **settings))
