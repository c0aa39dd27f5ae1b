import keras
import numpy as np
import pytest

from cifarlab.errors import CifarlabError
from cifarlab.recipe import Recipe
from cifarlab.training.augmentation import Augment, augmented


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (64, 6, 5, 3), dtype=np.uint8)


def changed(images, **kwargs):
    return keras.ops.convert_to_numpy(Augment(seed=1, dtype="float32", **kwargs)(images))


def test_flip_mirrors_about_half_of_the_images(images):
    result = changed(images, flip=True, translate_pixels=0)
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(result, images, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(result, images, strict=True)]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


def test_shift_agrees_with_numpys_reflection(images):
    result = changed(images, flip=False, translate_pixels=2)
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
    layer = Augment(flip=True, translate_pixels=2, seed=0, dtype="float32")
    first, second = (keras.ops.convert_to_numpy(layer(images)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_no_augmentation_only_casts(images):
    inputs = keras.Input((6, 5, 3))
    model = keras.Model(inputs, keras.layers.Flatten()(inputs))
    trained = augmented(model, Recipe(model="mlp"))
    np.testing.assert_array_equal(trained(images), images.reshape(64, -1).astype("float32"))
    with pytest.raises(CifarlabError, match="below 5"):
        augmented(model, Recipe(model="mlp", translate_pixels=5))
