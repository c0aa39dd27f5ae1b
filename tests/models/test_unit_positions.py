"""Places of units that begin near: worked out by hand, and spread evenly."""

import numpy as np

from cifarlab.models import gaussian_window, pixel_positions, unit_positions


def test_the_positions_fill_the_picture_evenly():
    positions = unit_positions(1024, 8, 4)
    counts = np.histogram2d(*positions.T, bins=4, range=[[0, 8], [0, 4]])[0]
    assert counts.min() >= 60
    assert counts.max() <= 68


def test_fewer_units_stand_where_the_first_of_more_do():
    np.testing.assert_array_equal(unit_positions(10, 8, 8), unit_positions(40, 8, 8)[:10])


def test_pixels_stand_in_their_middle_once_for_each_channel():
    positions = pixel_positions((2, 3, 2))
    assert positions.tolist()[:4] == [[0.5, 0.5], [0.5, 0.5], [0.5, 1.5], [0.5, 1.5]]
    assert positions.tolist()[-1] == [1.5, 2.5]
    assert len(positions) == 12


def test_nearness_is_the_gaussian_of_the_distance():
    near = gaussian_window(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]), 5.0)
    np.testing.assert_allclose(near, [[1.0], [np.exp(-0.5)]])
