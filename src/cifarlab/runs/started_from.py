"""What a run's network began with: the trained weights of another run, or of the built-in model, and their history.

A run that did not begin anew has `started-from.json`: the source, what that one had begun with itself, and so on. What
a source was trained on is no news to the run either, so its images count as trained on (`runs.trained_images`), and
the looks at its test set are in the run's `looks.json` from the beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cifarlab.runs.layout import RunFiles
from cifarlab.utils import files
from cifarlab.utils.json_reading import read_result
from cifarlab.utils.text import few


@dataclass(frozen=True)
class Ancestor:
    """Trained weights that a run's own go back to.

    Attributes:
        name: As the user named it: a run's folder, or `builtin`.
        checksum: Of its weights.
        model: Which network.
        data: The data set that it was trained on.
        class_names: The classes that it was trained to name.
        images: How many images it was trained on, all ancestors of its own included, as far as these are known by
            their pixels; 0 where none is.
    """

    name: str
    checksum: str
    model: str
    data: str
    class_names: tuple[str, ...]
    images: int = 0


@dataclass(frozen=True)
class StartedFrom:
    """What a run began with.

    Attributes:
        ancestors: The source, then what that one began with, and so on.
        head: Where the last layer came from: `"taken over"`, `"fitted"` before the first epoch, or `"new"`.
        chosen: Why these settings, where the user named no recipe; else empty.
    """

    ancestors: tuple[Ancestor, ...]
    head: str
    chosen: str = ""

    def __post_init__(self) -> None:
        """The first ancestor is the source; who began with nothing has no such file."""
        if not self.ancestors:
            raise ValueError("ancestors is empty")

    @property
    def sentences(self) -> list[str]:
        """What is to be said when the training begins."""
        source = self.ancestors[0]
        heads = {"taken over": "its last layer too", "fitted": "with a new last layer, fitted first"}
        said = f"begins with the weights of {source.name} ({source.model}, trained on {source.data})"
        return [*([self.chosen] if self.chosen else []), f"{said}, {heads.get(self.head, 'with a new last layer')}"]


def remember_start(run: RunFiles, start: StartedFrom) -> None:
    """Write down what a run begins with."""
    files.write_sealed(run.started_from_file, start)


def read_start(run: RunFiles) -> StartedFrom | None:
    """What a run began with; None where it began anew.

    Raises:
        CifarlabError: If the file is damaged.
    """
    if not run.started_from_file.is_file():
        return None
    return read_result(StartedFrom, run.started_from_file, "cifarlab train again")


def start_notices(run: RunFiles, data: str, class_names: Sequence[str]) -> list[str]:
    """What must be said of a measurement on classes or data that are no news to a run's network.

    Args:
        run: Whose network is measured.
        data: On which data set.
        class_names: Which are asked for.
    """
    start = read_start(run)
    # The file that the training wrote has the ancestors' images too; what can be looked up without it has not.
    is_gone = not run.trained_images_file.is_file()
    notices = []
    for each in start.ancestors if start else ():
        known = [name for name in class_names if name in each.class_names]
        began = f"{run.name} began with the weights of {each.name}, trained on {each.data}"
        if each.data == data or known:
            which = "all of these classes" if len(known) == len(class_names) else few(known, count=True)
            tell = f"which has {which}" if known else "these data"
            notices.append(f"{began}, {tell}: this is no accuracy on classes that are new to the network.")
        if is_gone or not each.images:
            notices.append(
                f"{began}, but which images those were is not known here: whether some of these are among them could "
                "not be checked."
            )
    return notices
