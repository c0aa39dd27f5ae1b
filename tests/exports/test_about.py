"""What an export says of how often its network is right."""

from cifarlab.exports.about import say_accuracy
from cifarlab.utils.results import Interval

ALL_OF_FOUR = Interval(1.0, 0.5101, 1.0, "Wilson 95 %")


def test_an_accuracy_comes_with_its_interval() -> None:
    told = say_accuracy("folder:cups", ALL_OF_FOUR)
    assert told == "Accuracy on the test images of folder:cups: 100.00 % (95 % interval 51.01 % to 100.00 %)."


def test_the_accuracy_of_a_quantised_network_is_that_of_the_run_and_says_so() -> None:
    assert say_accuracy("digits", ALL_OF_FOUR, "int8").endswith(", before it was quantised to int8.")


def test_what_nobody_measured_is_not_guessed() -> None:
    assert say_accuracy("digits", None) == "Its accuracy has not been measured."
