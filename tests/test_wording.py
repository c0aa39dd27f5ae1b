import pytest

from cifarlab.wording import counted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, "run"), "0 runs"),
        ((1, "run"), "1 run"),
        ((2, "run"), "2 runs"),
        ((10_000, "test image"), "10,000 test images"),
        ((1, "class", "classes"), "1 class"),
        ((3, "class", "classes"), "3 classes"),
    ],
)
def test_one_is_singular(arguments, said):
    assert counted(*arguments) == said
