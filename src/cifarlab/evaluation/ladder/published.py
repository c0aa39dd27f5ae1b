"""What others reached with fully connected networks trained on CIFAR-10 alone: the lines in the ladder's figure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A published accuracy.

    Attributes:
        accuracy: On CIFAR-10's test images, a fraction.
        label: Short, for a figure.
    """

    accuracy: float
    label: str
    source: str


PUBLISHED = (
    Published(0.8519, "β-LASSO (Neyshabur 2020)", "Neyshabur 2020, arXiv:2007.13657"),
    Published(0.78, "deformed images (Lin et al. 2015)", "Lin, Memisevic and Konda 2015, arXiv:1511.02580"),
    Published(0.70, "permutation-invariant (Lin et al. 2015)", "Lin, Memisevic and Konda 2015, arXiv:1511.02580"),
    Published(0.491, "the classroom exercise", "the exercise that cifarlab grew from: dense with dropout"),
)
