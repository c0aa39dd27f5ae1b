import pytest

from cifarlab.utils.text import counted, signed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, "run"), "0 runs"),
        ((1, "run"), "1 run"),
        ((2, "run"), "2 runs"),
        ((10_000, "test image"), "10,000 test images"),
        ((1, "class", "classes"), "1 class"),
        ((3, "class", "classes"), "3 classes"),
    ],
)
def test_one_is_singular(arguments, text):
    assert counted(*arguments) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1.5, 2, "+1.50"), (-0.25, 2, "\N{MINUS SIGN}0.25"), (0, 2, "+0.00"), (3.16, 1, "+3.2")],
)
def test_a_difference_has_its_sign(value, decimals, text):
    assert signed(value, decimals) == text
