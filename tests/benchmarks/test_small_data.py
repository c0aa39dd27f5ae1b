"""`benchmarks/small_data.py`: its classes, draws and table, without training."""

import numpy as np
import pytest

from cifarlab.datasets import ImageSet


@pytest.fixture(scope="module")
def small_data(load_benchmark):
    return load_benchmark("small_data")


def test_some_classes_are_taken_and_numbered_anew(small_data):
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    everything = ImageSet(images, np.array([0, 1, 2, 2, 1, 0]), np.array(list("abcdef")), ("x", "y", "z"))
    part = small_data.classes(everything, ("z", "x"))
    assert part.ids.tolist() == ["a", "c", "d", "f"]
    assert part.labels.tolist() == [1, 0, 0, 1]
    assert part.images.ravel().tolist() == [0, 2, 3, 5]


def test_a_draw_has_so_many_of_each_class_and_is_always_the_same(small_data):
    labels = np.arange(60) % 3
    rows = small_data.draw(labels, 5, 1)
    assert np.bincount(labels[rows]).tolist() == [5, 5, 5]
    assert len(set(rows.tolist())) == 15
    np.testing.assert_array_equal(rows, small_data.draw(labels, 5, 1))
    assert rows.tolist() != small_data.draw(labels, 5, 2).tolist()


def test_the_table_has_the_mean_and_students_interval(small_data):
    # Of 0.5 and 0.7: mean 0.6, standard error 0.1, and 12.706 of these either way with one degree of freedom.
    lines = small_data.table({"four/5/frozen": [0.5, 0.7], "digits/10/scratch": [0.9]}).splitlines()
    assert lines[2] == "| four | 5 | not measured | 60.0 ± 127.1 % (2 draws) | not measured |"
    assert len(lines) == 2 + 2 * 5
    assert "| digits | 10 | not measured | not measured | not measured |" in lines
