"""Every corruption keeps the same promises; some are worked by hand with other means."""

import colorsys
import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cifarlab.datasets import load_data
from cifarlab.evaluation.robustness import corruptions
from cifarlab.evaluation.robustness.corruptions import _edges, _filters, _sampling, benchmark_names, corrupt, names
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

NAMES = names()
# CIFAR-10-C's own constants do not rise with the severity in these, or turn from one kind to another.
NOT_MONOTONE = {"elastic_transform", "frost", "glass_blur", "saturate", "spatter"}


@pytest.fixture(scope="module")
def images():
    """Thirty smooth colour pictures, with every grey level in them."""
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(30, 32, 32, 3)), (0, 2.5, 2.5, 0))
    low, high = noise.min((1, 2), keepdims=True), noise.max((1, 2), keepdims=True)
    return (255 * (noise - low) / (high - low)).astype(np.uint8)


def test_there_are_nineteen_and_papers_average_over_fifteen():
    assert len(NAMES) == 19
    assert set(NAMES) - set(benchmark_names()) == {"speckle_noise", "gaussian_blur", "spatter", "saturate"}


@pytest.mark.parametrize("name", NAMES)
def test_shape_type_determinism_and_independence_of_the_batch(name, images):
    assert len(discovery.load("evaluation.robustness.corruptions", name).CONSTANTS) == 5
    for severity in corruptions.SEVERITIES:
        made = corrupt(images[:6], name, severity, seed=3)
        assert made.shape == (6, 32, 32, 3)
        assert made.dtype == np.uint8
        assert not np.array_equal(made, images[:6])
        np.testing.assert_array_equal(made, corrupt(images[:6], name, severity, seed=3))
        alone = corrupt(images[4:6], name, severity, seed=3, numbers=np.array([4, 5]))
        np.testing.assert_array_equal(made[4:6], alone)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_MONOTONE])
def test_a_higher_severity_is_further_from_the_clean_picture(name, images):
    distances = [_distance(corrupt(images, name, severity), images) for severity in corruptions.SEVERITIES]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1]


@pytest.mark.parametrize("name", sorted(NOT_MONOTONE - {"elastic_transform"}))
def test_the_others_are_further_at_the_last_severity_than_at_the_first(name, images):
    assert _distance(corrupt(images, name, 5), images) > _distance(corrupt(images, name, 1), images)


@pytest.mark.parametrize("name", NAMES)
def test_grey_pictures_of_another_size_stay_grey_pictures_of_that_size(name):
    digits = load_data("digits").test.images[:3, 2:30, :, :1]
    assert corrupt(np.ascontiguousarray(digits), name, 5).shape == (3, 28, 32, 1)


@pytest.mark.parametrize("name", ["gaussian_noise", "motion_blur", "fog", "frost", "glass_blur"])
def test_seed_and_number_change_what_is_random(name, images):
    same = np.repeat(images[:1], 2, axis=0)
    first, second = corrupt(same, name, 3)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, corrupt(same, name, 3, seed=1)[0])


def test_noise_has_the_spread_that_is_asked_for():
    grey = np.full((50, 32, 32, 3), 128, np.uint8)
    for severity, deviation in enumerate((0.04, 0.06, 0.08, 0.09, 0.10), 1):
        spread = (corrupt(grey, "gaussian_noise", severity) / 255.0).std()
        assert spread == pytest.approx(deviation, rel=0.01)
    speckle = corrupt(grey, "speckle_noise", 5) / 255.0
    assert speckle.std() == pytest.approx(0.2 * 128 / 255, rel=0.01)
    shot = corrupt(grey, "shot_noise", 5) / 255.0
    assert shot.std() == pytest.approx(np.sqrt(128 / 255 / 50), rel=0.02)
    impulse = corrupt(grey, "impulse_noise", 5)
    assert (impulse == 0).mean() == pytest.approx(0.035, abs=0.002)
    assert (impulse == 255).mean() == pytest.approx(0.035, abs=0.002)


@pytest.mark.parametrize(("severity", "change"), [(1, 0.05), (2, 0.1), (3, 0.15), (4, 0.2), (5, 0.3)])
def test_brightness_is_the_value_of_the_standard_librarys_hsv(severity, change):
    colours = _colours()

    def brighter(red, green, blue):
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        return colorsys.hsv_to_rgb(hue, saturation, min(1, value + change))

    _check_colours(corrupt(colours, "brightness", severity), colours, brighter)


@pytest.mark.parametrize(
    ("severity", "factor", "change"), [(1, 0.3, 0), (2, 0.1, 0), (3, 1.5, 0), (4, 2, 0.1), (5, 2.5, 0.2)]
)
def test_saturate_is_the_saturation_of_the_standard_librarys_hsv(severity, factor, change):
    colours = _colours()

    def stronger(red, green, blue):
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        return colorsys.hsv_to_rgb(hue, min(1, saturation * factor + change), value)

    _check_colours(corrupt(colours, "saturate", severity), colours, stronger)


def test_contrast_by_hand():
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    picture[0, :4] = 200
    made = corrupt(picture, "contrast", 5)  # mean 100, and 15 % of the distance of 100 is left
    assert np.unique(made).tolist() == [85, 115]


def test_gaussian_blur_and_zoom_agree_with_scipy(images):
    unit = images[:2] / 255.0
    for severity, sigma in enumerate((0.4, 0.6, 0.7, 0.8, 1.0), 1):
        expected = ndimage.gaussian_filter(unit, (0, sigma, sigma, 0), mode="nearest")
        assert np.abs(corrupt(images[:2], "gaussian_blur", severity) - np.floor(255 * expected)).max() <= 1
    total, factors = unit.copy(), np.arange(1, 1.26, 0.01)
    for factor in factors:
        part = int(np.ceil(32 / factor))
        first = (32 - part) // 2
        cut = unit[:, first : first + part, first : first + part]
        enlarged = np.stack([ndimage.zoom(picture, (factor, factor, 1), order=1) for picture in cut])
        trim = (enlarged.shape[1] - 32) // 2
        total += enlarged[:, trim : trim + 32, trim : trim + 32]
    expected = np.floor(255 * total / (len(factors) + 1))
    assert np.abs(corrupt(images[:2], "zoom_blur", 5) - expected).max() <= 1


def test_defocus_at_severity_four_is_a_plus_of_five_pixels():
    dot = np.zeros((1, 9, 9, 3), np.uint8)
    dot[0, 4, 4] = 250
    made = corrupt(dot, "defocus_blur", 4)[0, :, :, 0]
    assert np.argwhere(made > 20).tolist() == [[3, 4], [4, 3], [4, 4], [4, 5], [5, 4]]
    assert made[4, 4] in (49, 50)


def test_motion_blur_smears_one_dot_along_its_angle_on_one_side():
    dot = np.zeros((2, 15, 15, 1), np.float32)
    dot[:, 7, 7] = 1
    level, falling = _filters.motion(dot, 6, 2.0, np.array([0.0, 45.0]))[..., 0]
    assert np.flatnonzero(level.any(axis=1)).tolist() == [7]
    weights = np.exp(-(np.arange(13) ** 2) / 8)
    np.testing.assert_allclose(level[7, :8], (weights / weights.sum())[7::-1], atol=1e-5)
    assert not level[7, 8:].any()
    assert (np.argwhere(falling) <= 7).all()


def test_pixelate_and_jpeg_are_pillows(images):
    picture = Image.fromarray(images[0])
    box = Image.Resampling.BOX
    expected = picture.resize((20, 20), box).resize((32, 32), box)  # 0.65 * 32 = 20.8
    np.testing.assert_array_equal(corrupt(images[:1], "pixelate", 5)[0], np.asarray(expected))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=40)
    np.testing.assert_array_equal(corrupt(images[:1], "jpeg_compression", 5)[0], np.asarray(Image.open(file)))


def test_glass_takes_pixels_from_their_neighbours_and_leaves_the_first_rows(images):
    made = corrupt(images[:1], "glass_blur", 1)[0]  # the blur of severity 1 is none
    np.testing.assert_array_equal(made[:2], images[0, :2])
    padded = images[0]
    for row in range(2, 32):
        for column in range(2, 32):
            choices = padded[row - 1 : row + 1, column - 1 : column + 1].reshape(4, 3).tolist()
            assert made[row, column].tolist() in choices


def test_fog_makes_black_pictures_no_brighter_and_keeps_the_brightest_value():
    black = np.zeros((1, 32, 32, 3), np.uint8)
    black[0, 0, 0] = 255
    made = corrupt(black, "fog", 3)
    assert made.max() <= 255
    assert made.mean() > 20  # 0.75 / 1.75 of the clouds' mean
    assert np.ptp(made.astype(int), axis=3).max() == 0  # clouds are grey


def test_bilinear_agrees_with_scipy_beyond_both_edges(images):
    rng = np.random.default_rng(1)
    picture = (images[:1] / 255).astype(np.float32)
    rows, columns = rng.uniform(-8, 39, (2, 1, 32, 32)).astype(np.float32)
    for repeat_edge, mode in ((True, "reflect"), (False, "mirror")):
        found = _sampling.bilinear(picture, rows, columns, repeat_edge=repeat_edge)
        for channel in range(3):
            places = [rows[0], columns[0]]
            expected = ndimage.map_coordinates(picture[0, :, :, channel], places, order=1, mode=mode)
            np.testing.assert_allclose(found[0, :, :, channel], expected, atol=1e-5)


def test_edges_of_a_square_are_its_outline_and_a_flat_picture_has_none():
    square = np.zeros((2, 12, 12), np.uint8)
    square[0, 4:8, 4:8] = 200
    found = _edges.edges(square, low=50, high=150)
    assert not found[1].any()
    assert not found[0, 5:7, 5:7].any()
    assert found[0].sum() >= 12


def test_equalised_levels_by_hand():
    picture = np.array([[[10, 10], [20, 30]], [[7, 7], [7, 7]]], np.uint8)
    np.testing.assert_array_equal(_edges.equalise(picture), [[[0, 0], [128, 255]], [[7, 7], [7, 7]]])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gausian_noise", 1), "did you mean gaussian_noise?"),
        (("fog", 6), "severity is 1 to 5. Received: 6"),
        (("fog", 0), "severity is 1 to 5. Received: 0"),
    ],
)
def test_wrong_words_are_answered(arguments, said, images):
    with pytest.raises(CifarlabError, match=said.replace("?", r"\?")):
        corrupt(images, *arguments)


def test_wrong_images_are_answered():
    with pytest.raises(CifarlabError, match="Received: shape"):
        corrupt(np.zeros((1, 4, 4, 3), np.uint8), "fog", 1)
    with pytest.raises(CifarlabError, match="float64"):
        corrupt(np.zeros((1, 32, 32, 3)), "fog", 1)


def _distance(made, clean):
    return float(np.sqrt(((made.astype(float) - clean) ** 2).mean()))


def _colours():
    """`(1, 9, 9, 3)`: a grid over the colour cube, black, white and greys among them."""
    levels = np.array([0, 1, 64, 128, 200, 254, 255], np.uint8)
    every = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    return every[:: len(every) // 81][:81].reshape(1, 9, 9, 3)


def _check_colours(made, colours, change):
    for result, colour in zip(made.reshape(-1, 3), colours.reshape(-1, 3), strict=True):
        expected = [int(255 * value + 1e-4) for value in change(*(colour / 255).tolist())]
        assert result.tolist() == expected, colour
