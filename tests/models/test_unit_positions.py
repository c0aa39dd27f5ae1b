"""Places of units that begin near: worked out by hand, and spread evenly."""

import numpy as np

from cifarlab.models import even_places, nearness, pixel_places


def test_the_places_fill_the_picture_evenly():
    places = even_places(1024, 8, 4)
    counts = np.histogram2d(places[:, 0], places[:, 1], bins=4, range=[[0, 8], [0, 4]])[0]
    assert counts.min() >= 60
    assert counts.max() <= 68


def test_fewer_units_stand_where_the_first_of_more_do():
    np.testing.assert_array_equal(even_places(10, 8, 8), even_places(40, 8, 8)[:10])


def test_pixels_stand_in_their_middle_once_for_each_channel():
    places = pixel_places((2, 3, 2))
    assert places.tolist()[:4] == [[0.5, 0.5], [0.5, 0.5], [0.5, 1.5], [0.5, 1.5]]
    assert places.tolist()[-1] == [1.5, 2.5]
    assert len(places) == 12


def test_nearness_is_the_gaussian_of_the_distance():
    near = nearness(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]), 5.0)
    np.testing.assert_allclose(near, [[1.0], [np.exp(-0.5)]])
