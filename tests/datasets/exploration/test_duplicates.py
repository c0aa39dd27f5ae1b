import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cifarlab.datasets.exploration import similarity
from cifarlab.datasets.exploration.duplicates import Pair, connected_groups, exact_groups, find_duplicates


def pictures(count, channels=3, size=32, seed=0):
    """Made-up pictures with soft shapes, as different from each other as chance makes them."""
    noise = np.random.default_rng(seed).standard_normal((count, size, size, channels))
    soft = gaussian_filter(noise, (0, 2, 2, 0)) + 0.1 * gaussian_filter(noise, (0, 0.7, 0.7, 0))
    return (128 + 60 * soft / soft.std()).clip(0, 255).astype(np.uint8)


def found(images):
    pairs, complete = find_duplicates(images)
    assert complete
    return {(pair.first, pair.second): pair for pair in pairs}


@pytest.mark.parametrize("count", [2, 40, 1500])
def test_no_false_pair_in_noise(count):
    noise = np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    assert found(noise) == {}
    assert found(pictures(count)) == {}


@pytest.mark.parametrize(("count", "channels", "size"), [(30, 3, 32), (1200, 3, 32), (600, 1, 28), (60, 3, 48)])
def test_planted_duplicates_are_found_and_nothing_else(count, channels, size):
    images = pictures(count, channels, size)
    random = np.random.default_rng(2)
    images[count - 1] = images[3]
    images[count - 2] = images[4][:, ::-1]
    images[count - 3] = (images[5] * 0.7 + 20 + random.normal(0, 4, images[5].shape)).clip(0, 255).astype(np.uint8)
    images[count - 4] = np.roll(images[6], (1, -1), axis=(0, 1))
    pairs = found(images)
    assert set(pairs) == {(3, count - 1), (4, count - 2), (5, count - 3), (6, count - 4)}
    exact, mirrored, faded, shifted = (pairs[number, count + 2 - number] for number in (3, 4, 5, 6))
    assert exact.exact
    assert exact.similarity == 1
    assert mirrored.mirrored
    assert mirrored.pixel_distance == 0
    assert not any((mirrored.exact, faded.exact, faded.mirrored, shifted.mirrored))
    assert faded.similarity > 0.9
    assert faded.pixel_distance > 5


def test_a_near_twin_of_an_exact_pair_is_paired_with_both():
    images = pictures(60)
    images[10] = images[20]
    images[30] = images[20]
    images[30, 0, 0] ^= 64
    pairs = found(images)
    assert set(pairs) == {(10, 20), (10, 30), (20, 30)}
    assert [pairs[key].exact for key in sorted(pairs)] == [True, False, False]


def test_flat_images_resemble_nothing_but_their_exact_copies():
    images = pictures(40)
    images[:3] = np.array([10, 200, 200]).reshape(3, 1, 1, 1)
    assert set(found(images)) == {(1, 2)}


def test_a_huge_exact_group_is_listed_in_short():
    pairs, _ = find_duplicates(np.zeros((100, 4, 4, 1), dtype=np.uint8))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, other) for other in range(1, 100)]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_have_no_pairs(count):
    assert found(pictures(2)[:count]) == {}


def test_the_most_alike_are_kept_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(similarity, "_MAX_CANDIDATES", 10)
    values = np.random.default_rng(0).standard_normal((700, 4)).astype(np.float32)
    even = values / np.linalg.norm(values, axis=1, keepdims=True)
    odd = np.zeros((700, 1), dtype=np.float32)
    (first, second, cosine, _), complete = similarity.find_similar(even, odd, 0.0, lambda part: None)
    assert not complete
    everything = np.triu(even @ even.T, 1)
    best = np.sort(everything.ravel())[-10:]
    np.testing.assert_allclose(np.sort(cosine), best, rtol=1e-5)
    np.testing.assert_allclose(everything[first, second], cosine, rtol=1e-5)


def test_layout_features_see_a_mirror_as_the_odd_part_s_sign():
    images = pictures(300)
    images[1] = images[0][:, ::-1]
    even, odd = similarity.layout_features(images)
    np.testing.assert_allclose(even[0], even[1], atol=1e-4)
    np.testing.assert_allclose(odd[0], -odd[1], atol=1e-4)
    assert even[0] @ even[0] + odd[0] @ odd[0] == pytest.approx(1, abs=1e-4)


def test_groups_join_chains_and_put_the_largest_first():
    pairs = [Pair(a, b, False, False, 1, 1, 0) for a, b in ((1, 2), (5, 7), (7, 9))]
    assert connected_groups(pairs, 12) == [[5, 7, 9], [1, 2]]
    assert connected_groups([], 12) == []


def test_exact_groups_keep_the_order():
    images = np.array([3, 1, 3, 2], dtype=np.uint8).reshape(4, 1, 1, 1)
    assert exact_groups(images) == [[0, 2], [1], [3]]
