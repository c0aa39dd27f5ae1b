"""The order of shuffled pixels: fixed for good."""

import numpy as np

from cifarlab.models import pixel_order, shuffle_images


def test_the_order_is_a_permutation_and_always_the_same():
    order = pixel_order(4, 3)
    assert sorted(order) == list(range(12))
    assert order.tolist() == [5, 3, 1, 11, 8, 4, 6, 10, 2, 7, 0, 9]
    assert not np.array_equal(pixel_order(32, 32), np.arange(1024))


def test_images_lose_no_pixel_and_keep_their_colours_together():
    images = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    shuffled = shuffle_images(images)
    assert shuffled.shape == images.shape
    for one, other in zip(images, shuffled, strict=True):
        assert {tuple(pixel) for pixel in one.reshape(-1, 3)} == {tuple(pixel) for pixel in other.reshape(-1, 3)}
    assert shuffled[1, 0, 0].tolist() == images[1].reshape(-1, 3)[pixel_order(3, 3)[0]].tolist()
