import numpy as np


def test_every_class_is_smaller_than_the_one_before_it_by_the_same_factor(load_benchmark):
    labels = np.arange(3000) % 3
    rows = load_benchmark("long_tail").long_tail(labels, 3)
    assert np.bincount(labels[rows]).tolist() == [1000, 100, 10]
    assert (np.diff(rows) > 0).all()
