"""What travels with an exported network: how to ask it, what its answers mean, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cifarlab
from cifarlab import recipes
from cifarlab.inference import prediction
from cifarlab.inference.temperature import stored_temperature
from cifarlab.models.pretrained import builtin
from cifarlab.runs.derived import model_checksum
from cifarlab.runs.pretrained_run import AnyRun, is_builtin, open_run
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import OPTIONAL
from cifarlab.utils.results import Interval
from cifarlab.utils.text import percent

FORMAT = 1
QUANTISATIONS = ("float16", "int8")
PIXELS = (
    "N pictures as they are decoded, uint8 from 0 to 255, (N, height, width, channels), channels red, green, blue: "
    "normalisation is part of the network"
)
RESIZING = (
    "turned upright (EXIF), transparency over white, the centre square resized to height x width with an antialiased "
    "bicubic filter (Pillow's BICUBIC)"
)
_MIT = "MIT, as cifarlab"


@dataclass(frozen=True, kw_only=True)
class About:
    """What is said of an exported network, in it or beside it.

    Attributes:
        cifarlab: The version that exported it.
        run: Name of the run.
        model_checksum: Of the run's model, see `cifarlab.runs.derived`; of the built-in one the SHA-256 of its weights.
        class_names: In the order of logits and probabilities.
        image_shape: Height, width and channels.
        temperature: By which the logits are divided before the softmax that gives the probabilities.
        recipe: How the network was trained.
        data: Name, checksums and fingerprints of what it was trained on.
        accuracy: On the test images, where the run was evaluated; None else.
        quantised: One of `QUANTISATIONS`; None where the numbers are those of the run.
        licence: Of the weights; None where nobody has said it.
        card: The model card, for people.
        pixels: What the network takes.
        resizing: How a picture becomes that.
    """

    format: int = FORMAT
    cifarlab: str = cifarlab.__version__
    run: str
    model_checksum: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    temperature: float
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]
    accuracy: Interval | None = field(default=None, metadata=OPTIONAL)
    quantised: str | None = field(default=None, metadata=OPTIONAL)
    licence: str | None = field(default=None, metadata=OPTIONAL)
    card: str = ""
    pixels: str = PIXELS
    resizing: str = RESIZING


def describe(run: AnyRun, image_shape: tuple[int, int, int], quantised: str | None = None) -> About:
    """What is known of a run's network. Its folder's place is not among it: files are given away.

    Args:
        run: Or its folder, or `"builtin"`.
        image_shape: Height, width and channels that the network takes.
        quantised: How it is exported.

    Raises:
        CifarlabError: If the run is none, or its calibration is damaged or of another model.
    """
    if is_builtin(run):
        return _describe_builtin(quantised)
    opened = open_run(run, needs_model=True)
    names = prediction.class_names(opened)
    data: dict[str, Any] = {
        key: opened.data[key] for key in ("name", "checksums", "fingerprints") if key in opened.data
    }
    accuracy = _accuracy(opened)
    return About(
        run=opened.name,
        model_checksum=model_checksum(opened),
        class_names=names,
        image_shape=image_shape,
        temperature=stored_temperature(opened) or 1.0,
        recipe=recipes.to_dict(opened.recipe),
        data=data,
        accuracy=accuracy,
        quantised=quantised,
        card=_card(opened.name, opened.command, names, str(data["name"]), accuracy),
    )


def checksum_of(run: AnyRun) -> str:
    """What `About.model_checksum` is, of a run as it is now."""
    return str(builtin.read_card()["sizes"]["weights_sha256"]) if is_builtin(run) else model_checksum(open_run(run))


def say_accuracy(data: str, accuracy: Interval | None, quantised: str | None = None) -> str:
    """How often a network is right, with its interval, as one sentence.

    Args:
        data: The data set's name.
        accuracy: On its test images; None where nobody measured it.
        quantised: How the network was made smaller after it was measured.
    """
    if accuracy is None or accuracy.value is None or accuracy.low is None or accuracy.high is None:
        return "Its accuracy has not been measured."
    limits = f"{percent(accuracy.low)} to {percent(accuracy.high)}"
    before = f", before it was quantised to {quantised}" if quantised else ""
    return f"Accuracy on the test images of {data}: {percent(accuracy.value)} (95 % interval {limits}){before}."


def _describe_builtin(quantised: str | None) -> About:
    card = builtin.read_card()
    return About(
        run=builtin.NAME,
        model_checksum=checksum_of(builtin.NAME),
        class_names=tuple(card["class_names"]),
        image_shape=tuple(card["image_shape"]),
        temperature=1.0,
        recipe=card["recipe"],
        data=card["data"],
        accuracy=Interval(**card["scores"]["none"]["scores"]["accuracy"]),
        quantised=quantised,
        licence=_MIT,
        card=(builtin.FOLDER / "card.md").read_text(encoding="utf-8"),
    )


def _accuracy(run: Any) -> Interval | None:
    """On test, where the run was evaluated since it was last trained."""
    try:
        found: Interval = run.scores().scores["accuracy"]
    except CifarlabError:  # not evaluated, or stale: then nothing is said
        return None
    return found


def _card(name: str, command: str, names: tuple[str, ...], data: str, accuracy: Interval | None) -> str:
    """A short model card, in Markdown."""
    return (
        f"# {name}\n\nTells {len(names)} classes apart: {', '.join(names)}.\n\n"
        f"Trained on {data} with cifarlab:\n\n    {command}\n\n{say_accuracy(data, accuracy)}\n\n"
        "It names one of these classes whatever it is shown, and its probability does not say whether the picture is "
        "of any of them.\n"
    )
