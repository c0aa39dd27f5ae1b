"""What the page Classify shows: a card for each model's answer to one picture, or a table of many pictures."""

import base64
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from cifarlab.evaluation.explanation.neighbours import Neighbour
from cifarlab.plots import data_uri
from cifarlab.plots.saliency_overlay import overlay
from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.images import Pixels, encode_png
from cifarlab.web.predictions.classification import Classified, best
from cifarlab.web.predictions.explanations import Explanations

TOP = 3
NEIGHBOURS = 8
_COLOURED = 32  # of 255, between a pixel's largest and smallest channel
_COLOURED_SHARE = 0.1
_FAR_LARGER = 16  # times as many pixels on a side
_RANKED = [f"{what}_{place}" for place in range(1, TOP + 1) for what in ("class", "probability")]
COLUMNS = ("image", "model", *_RANKED, "problem")
"""Of the CSV: those of `cifarlab predict --csv`, and the model, and why there is no answer."""

Named = list[tuple[str, float]]


@dataclass(frozen=True)
class Card:
    """One model's answer to one picture.

    Attributes:
        failed: Why the model cannot be asked; then nothing else is there.
        doubtful: Why its answer means little; or empty.
        named: The most probable classes with their probabilities.
        seen: Address of the picture as the network sees it.
        method: Of the saliency map; `attention` is its address. Both are empty where there is none.
        neighbours: Class, neighbour and its picture's address; None where they are not there yet.
        agreeing: How many neighbours are of the class named.
        problem: Why there are no neighbours; or empty.
    """

    model: str
    failed: str = ""
    doubtful: str = ""
    known: tuple[str, ...] = ()
    calibrated: bool = False
    named: Named = field(default_factory=list)
    seen: str = ""
    size: tuple[int, int] = (0, 0)
    method: str = ""
    attention: str = ""
    neighbours: list[tuple[str, Neighbour, str]] | None = field(default_factory=list)
    agreeing: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Line:
    """One picture of many.

    Attributes:
        picture: Address of what the first model is given of it; empty where it cannot be read.
        problem: Why it cannot be read; or empty.
        named: For each model the most probable classes with their probabilities; none where it cannot be asked.
        doubtful: For each model why such answers mean little; or nothing.
    """

    name: str
    picture: str = ""
    problem: str = ""
    named: tuple[Named, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Many pictures.

    Attributes:
        models: Name of each model to why it cannot be asked, or to nothing.
    """

    models: Mapping[str, str]
    lines: Sequence[Line]

    @property
    def doubtful(self) -> dict[str, str]:
        """Name of each model to why some of its answers mean little; or to nothing."""
        told = [line.doubtful for line in self.lines if line.doubtful]
        return {model: next(filter(None, whys), "") for model, *whys in zip(self.models, *told, strict=True)}

    @property
    def csv(self) -> str:
        """Address of the table as CSV: a row for each picture and model, `COLUMNS`."""
        rows = []
        for line in self.lines:
            for number, (model, failed) in enumerate(self.models.items()):
                row = dict.fromkeys(COLUMNS, "") | {"image": line.name, "model": model}
                row["problem"] = line.problem or failed
                for place, (name, probability) in enumerate(line.named[number] if line.named else [], start=1):
                    row |= {f"class_{place}": name, f"probability_{place}": f"{probability:.6f}"}
                rows.append(row)
        return f"data:text/csv;base64,{base64.b64encode(files.to_csv(rows, COLUMNS).encode()).decode()}"


def why_doubtful(size: tuple[int, int], rgb: Pixels, shape: tuple[int, int, int], *, one: bool = True) -> str:
    """Why a model's answer to a picture means little, as far as the two show: a sentence, or nothing.

    Args:
        size: Width and height of the picture as it came.
        rgb: `(S, S, 3)` uint8: its centre square.
        shape: Height, width and channels of what the model takes, and was trained on.
        one: Whether this is said of one picture, or of some among many.
    """
    height, width, channels = shape
    spread = rgb.max(axis=-1).astype(int) - rgb.min(axis=-1)  # (S, S): of a grey pixel 0, in a JPEG nearly
    here = "this one is" if one else "some here are"
    if channels == 1 and (spread > _COLOURED).mean() > _COLOURED_SHARE:
        return f"The model was trained on grey pictures, and {here} in colour: what it says means little."
    if min(size) > _FAR_LARGER * max(height, width):
        large = f"{here} {size[0]:,} \N{MULTIPLICATION SIGN} {size[1]:,}" if one else f"{here} far larger"
        given = f"{width} \N{MULTIPLICATION SIGN} {height} pixels"
        return f"The model is given {given}, and {large}: it recognises only what fills the picture."
    return ""


def make_card(
    answer: Classified,
    explanations: Explanations,
    run: Run | None,
    *,
    doubtful: str,
    neighbours: bool,
    gone: threading.Event,
) -> Card:
    """The card of a model's answer to one picture.

    Args:
        answer: To one picture.
        explanations: Who makes saliency maps and finds neighbours.
        run: The model's; None for the built-in one.
        doubtful: See `Card`.
        neighbours: Whether the nearest training images are wanted.
        gone: Set when nobody waits any more: it is looked at before each step that takes long.
    """
    model, picture = answer.batcher.loaded_model, answer.pictures[0]
    (named,) = best(answer, TOP)
    label = int(answer.probabilities[0].argmax())
    looked = [] if gone.is_set() else explanations.attention(model, picture, [label])
    near: list[Neighbour] | None = []
    problem = ""
    if neighbours and not gone.is_set():
        try:
            near = explanations.neighbours(model, run, picture, NEIGHBOURS)
        except CifarlabError as error:
            problem = str(error)
    names = model.class_names
    return Card(
        model=model.name,
        doubtful=doubtful,
        known=names,
        calibrated=model.temperature != 1.0,
        named=named,
        seen=_uri(picture),
        size=picture.shape[:2],
        method=looked[0].method if looked else "",
        attention=_uri(overlay(_rgb(picture), looked[0].heat)) if looked else "",
        neighbours=None if near is None else [(names[each.label], each, _uri(each.image)) for each in near],
        agreeing=sum(each.label == label for each in near or ()),
        problem=problem,
    )


def jpeg_uri(square: Pixels) -> str:
    """`(H, W, C)` uint8, C 1 or 3, as the address of a JPEG."""
    file = io.BytesIO()
    Image.fromarray(_rgb(square)).save(file, "jpeg", quality=85)
    return data_uri(file.getvalue()).replace("image/png", "image/jpeg", 1)


def _rgb(picture: Pixels) -> Pixels:
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def _uri(picture: Pixels) -> str:
    return data_uri(encode_png(picture))
