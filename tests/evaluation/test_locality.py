"""Locality: windows worked out by hand for units whose energy is known."""

import numpy as np
import pytest

from cifarlab.evaluation.locality import begun_side, half_energy_sides, random_side

SIZE = 32


def unit(energy):
    """Weights `(1, H, W, 3)` whose squares, summed over the channels, are `energy`."""
    return np.sqrt(np.repeat(np.asarray(energy, float)[None, :, :, None], 3, axis=-1) / 3)


def one_pixel(share=1.0):
    energy = np.zeros((SIZE, SIZE))
    energy[5, 30] = share
    return energy


def even(share=1.0):
    return np.full((SIZE, SIZE), share / SIZE**2)


def blob(deviation, centre=15.5):
    place = np.arange(SIZE) - centre
    return np.exp(-(place[:, None] ** 2 + place[None] ** 2) / (2 * deviation**2))


@pytest.mark.parametrize(
    ("energy", "side"),
    [
        (one_pixel(), 1.0),
        (even(), (SIZE**2 / 2) ** 0.5),
        # A window outside of which half lies: the pixel holds 0.4, and 0.1 of 0.6 must come from the even rest.
        (one_pixel(0.4) + even(0.6), ((0.1 / 0.6) * SIZE**2) ** 0.5),
        (one_pixel(0.75) + even(0.25), 1.0),  # a floor of noise does not matter
        (np.pad(np.ones((8, 8)), 12), 32**0.5),  # half of a square of 64 pixels
    ],
)
def test_sides_worked_out_by_hand(energy, side):
    assert half_energy_sides(unit(energy))[0] == pytest.approx(side, abs=0.15)


@pytest.mark.parametrize("deviation", [2.0, 3.0, 4.0])
def test_a_gaussian_blob_needs_a_window_of_twice_its_deviation(deviation):
    # erf(a / (2 sqrt(2) d))^2 = 1/2 at a = 2.1034 d
    assert half_energy_sides(unit(blob(deviation)))[0] == pytest.approx(2.1034 * deviation, rel=0.03)


def test_neither_place_nor_scale_nor_sign_matters():
    here, there = unit(blob(2, 10.5)), -7 * unit(blob(2, 20.5))
    np.testing.assert_allclose(half_energy_sides(here), half_energy_sides(there), rtol=1e-3)


def test_scattered_pixels_are_not_local():
    rng = np.random.default_rng(0)
    local = blob(1.5)
    scattered = rng.permutation(local.reshape(-1)).reshape(SIZE, SIZE)
    assert half_energy_sides(unit(scattered))[0] > 4 * half_energy_sides(unit(local))[0]


def test_each_unit_is_measured_alone_and_one_without_weights_is_even():
    units = np.concatenate([unit(one_pixel()), np.zeros((1, SIZE, SIZE, 3)), unit(even())])
    np.testing.assert_allclose(half_energy_sides(units), [1, 512**0.5, 512**0.5], atol=0.01)


def test_pictures_need_not_be_square():
    energy = np.ones((1, 4, 9, 1))
    assert half_energy_sides(energy)[0] == pytest.approx(18**0.5, abs=0.1)


def test_random_weights_are_almost_even_and_always_the_same():
    assert 20 < random_side((32, 32, 3)) < 512**0.5
    assert random_side((32, 32, 3)) == random_side((32, 32, 3))
    assert random_side((32, 32, 1)) < random_side((32, 32, 3))  # fewer channels, rougher energy


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="Received: shape"):
        half_energy_sides(np.zeros((3, 4)))


def test_where_units_begin_near_is_the_window_of_their_gaussians():
    # Energy is the Gaussian squared, whose deviation is the reach over the root of 2; 2.10 of that holds a half, and
    # a little less where the weights are drawn, because the window is the one that happens to hold most.
    expected = 2.10 * 2.0 / np.sqrt(2)
    assert 0.9 * expected < begun_side((32, 32, 3), 256, 2.0) < expected


def test_where_units_begin_near_is_what_the_networks_own_weights_say():
    from cifarlab.models import bottleneck_mlp

    model = bottleneck_mlp.build((32, 32, 3), 4, width=200, blocks=1, expansion=1, sigma_pixels=(3, 4))
    kernel = np.array(model.get_layer("pixels_dense").kernel)
    sides = half_energy_sides(kernel.T.reshape(200, 32, 32, 3))
    assert begun_side((32, 32, 3), 200, 3) == pytest.approx(np.median(sides), rel=0.05)
