"""Rows by ids, and batches of one size."""

import numpy as np
import pytest

from cifarlab.utils.arrays import full_batches, rows_of


def test_rows_of_ids_in_any_order():
    ids = np.array([f"test-{number}" for number in range(50)])
    rows = np.random.default_rng(0).permutation(50)[:20]
    np.testing.assert_array_equal(rows_of(ids, ids[rows]), rows)


@pytest.mark.parametrize(("count", "size"), [(1, 5), (5, 5), (6, 5), (12, 5), (0, 5)])
def test_batches_have_one_size_and_every_row_is_new_once(count, size):
    batches = list(full_batches(count, size))
    assert {len(rows) for rows, _ in batches} <= {min(count, size)}
    assert [row for rows, new in batches for row in rows[:new]] == list(range(count))
