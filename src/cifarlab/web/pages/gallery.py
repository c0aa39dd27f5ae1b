"""Galleries: pages of small pictures, each a link to its own page that remembers the filter it was found by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from starlette.exceptions import HTTPException

from cifarlab.runs.predictions import Predictions
from cifarlab.utils.text import percent
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.filters import (
    DATA_ORDERS,
    MARKS,
    ORDERS,
    SHOWN,
    PredictionFilter,
    Rows,
    read_data_filter,
    read_page,
    read_prediction_filter,
    select_images,
    select_marked,
    select_predictions,
)
from cifarlab.web.pages.label_doubts import Doubts
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.marks import read_marks
from cifarlab.web.pages.rendering import address
from cifarlab.web.pages.run_summaries import RunSummary
from cifarlab.web.pages.sheets import Sheets, lay_out

# What an address of a gallery may hold, and an image's page carries on.
KEYS = ("split", "shown", "true", "said", "least", "most", "doubt", "sort", "against", "side", "class", "marks", "mark")


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery.

    Attributes:
        style: Where the picture is on the gallery's sheets; empty where it cannot be had.
        said: The class named; empty where nobody was asked.
        sure: Probability of `said`.
        name: The image by its id, behind the number of the class suggested for it, or -1, and a colon; empty where the
            picture cannot be had.
    """

    href: str
    style: str
    alt: str
    true: str
    said: str = ""
    sure: float = 0.0
    right: bool = True
    name: str = ""

    @property
    def image_id(self) -> str:
        """The image's id."""
        return self.name.partition(":")[2]


@dataclass(frozen=True)
class Gallery:
    """One page of pictures.

    Attributes:
        total: How many the filter left on all pages.
        page: This one, from 1.
        problem: Why there are no pictures; or empty.
        shown: Whether wrong, right or all predictions are shown; empty for a data set.
        doubts: Whose doubts can be asked for; empty where nobody's.
        sheets: What holds the pictures.
        ids: Address of the ids of all that the filter left, to which the filter is to be added.
        marks: The filters by mark, with their words.
        not_asked: Runs that are not among `doubts` as their predictions cannot be used: name to what is wrong.
    """

    tiles: list[Tile]
    total: int
    page: int
    pages: int
    problem: str
    class_names: tuple[str, ...]
    orders: dict[str, str]
    shown: str = ""
    choices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    sheets: Sheets = field(default_factory=Sheets)
    ids: str = ""
    not_asked: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=lambda: MARKS)


def show_predictions(library: Library, summary: RunSummary, split: str, query: Mapping[str, str], size: int) -> Gallery:
    """A page of a run's predictions.

    Raises:
        CifarlabError: If the address asks for something unknown.
        HTTPException: 404 if the run to compare with is not there.
    """
    predictions, chosen, doubts, rows = choose_predictions(library, summary, split, query)
    page, pages = read_page(query, len(rows), size)
    found = library.find_collection(summary.data)  # or in words why not
    collection, problem = (found, "") if isinstance(found, Collection) else (None, found)
    carried = address("", {"in": summary.name, **_filter(query), "split": split})  # once: a page has hundreds of links
    shown = rows[(page - 1) * size : page * size]
    ids = [image_id for image_id in predictions.ids[shown].tolist() if collection and image_id in collection.places]
    sheets = lay_out(collection, ids) if collection and ids else Sheets()
    tiles = [_prediction_tile(predictions, row, collection, sheets.styles, carried) for row in shown]
    names, classes, ids_at = doubts.runs if doubts else (), predictions.class_names, f"/ids{summary.address}"
    return Gallery(
        tiles, len(rows), page, pages, problem, classes, ORDERS, chosen.shown, SHOWN, names, sheets, ids_at,
        doubts.not_asked if doubts else library.not_asked(summary.data, split),
    )  # fmt: skip


def choose_predictions(
    library: Library, summary: RunSummary, split: str, query: Mapping[str, str]
) -> tuple[Predictions, PredictionFilter, Doubts | None, Rows]:
    """A run's predictions, the filter of an address, whose doubts there are, and the rows that the filter leaves."""
    predictions = library.predictions(summary, split)
    chosen = read_prediction_filter(query, predictions.class_names)
    doubts = library.doubts(summary.data, split)
    against = library.summary(query["against"]) if chosen.side else None
    other = library.predictions(against, split) if against else None
    compared = (against.name, against.signature) if against else ()
    key = ("rows", summary.name, summary.signature, split, chosen, compared, doubts and doubts.state)
    rows = library.keep(key, lambda: select_predictions(predictions, chosen, doubts, other))
    if chosen.marks:
        found = library.find_collection(summary.data)
        verdicts = _verdicts(library, found) if isinstance(found, Collection) else {}
        rows = select_marked(rows, predictions.ids, chosen.marks, verdicts)
    return predictions, chosen, doubts, rows


def show_images(library: Library, collection: Collection, split: str, query: Mapping[str, str], size: int) -> Gallery:
    """A page of a data set's images.

    Raises:
        CifarlabError: If the address asks for something unknown.
    """
    doubts, rows = choose_images(library, collection, split, query)
    part = collection.splits[split]
    page, pages = read_page(query, len(rows), size)
    carried = address("", {"in": "data", "split": split, **_filter(query)})
    shows_doubt = bool(query.get("doubt") or query.get("sort") == "doubt")
    shown = rows[(page - 1) * size : page * size]
    sheets = lay_out(collection, part.ids[shown].tolist())
    tiles = []
    for row in shown:
        image_id, true = str(part.ids[row]), part.class_names[part.labels[row]]
        place = doubts.rows.get(image_id) if doubts is not None and shows_doubt else None
        suggested = int(doubts.suggested[place]) if doubts is not None and place is not None else -1
        said = doubts.class_names[suggested] if doubts is not None and place is not None else ""
        sure = float(doubts.believed[place]) if doubts is not None and place is not None else 0.0
        href = f"/images/{collection.slug}/{collection.quote(image_id)}{carried}"
        alt, name = f"{true} ({image_id})", f"{suggested}:{image_id}"
        tiles.append(Tile(href, sheets.styles[image_id], alt, true, said, sure, said in ("", true), name))
    names, classes, ids = doubts.runs if doubts else (), collection.class_names, f"/ids/data/{collection.slug}"
    return Gallery(
        tiles, len(rows), page, pages, "", classes, DATA_ORDERS, doubts=names, sheets=sheets, ids=ids,
        not_asked=doubts.not_asked if doubts else library.not_asked(collection.name, split),
    )  # fmt: skip


def choose_split(collection: Collection, query: Mapping[str, str]) -> str:
    """The split that an address asks for; by default test, or train where there is no other.

    Raises:
        HTTPException: 404 if the data set has no such images.
    """
    split = query.get("split") or ("test" if "test" in collection.parts else "train")
    if split not in collection.parts:
        raise HTTPException(404, f"{collection.name} has no {split} images")
    return split


def choose_images(
    library: Library, collection: Collection, split: str, query: Mapping[str, str]
) -> tuple[Doubts | None, Rows]:
    """Whose doubts there are about a split, and its rows that an address asks for."""
    part = collection.splits[split]
    chosen = read_data_filter(query, collection.class_names)
    doubts = library.doubts(collection.name, split)
    if doubts is not None and doubts.rows.keys().isdisjoint(part.ids):  # of images held out everywhere
        doubts = None
    key = ("images", collection.slug, split, chosen, doubts and doubts.state)
    rows = library.keep(key, lambda: select_images(part.labels, part.ids, chosen, doubts))
    if chosen.marks:  # these change at any time, and are not kept
        rows = select_marked(rows, part.ids, chosen.marks, _verdicts(library, collection))
    return doubts, rows


def _verdicts(library: Library, collection: Collection) -> dict[str, str]:
    return {image_id: each.verdict for image_id, each in read_marks(library, collection).current.items()}


def _filter(query: Mapping[str, str]) -> dict[str, str]:
    return {key: query[key] for key in KEYS if query.get(key)}


def _prediction_tile(
    predictions: Predictions,
    row: np.int64,
    collection: Collection | None,
    styles: Mapping[str, str],
    carried: str,
) -> Tile:
    names = predictions.class_names
    image_id = str(predictions.ids[row])
    true, said = names[predictions.labels[row]], names[predictions.predicted[row]]
    sure = float(predictions.probabilities[row].max())
    shown = image_id in styles
    words = f"{true}, classified correctly" if true == said else f"{true}, predicted as {said}"
    return Tile(
        href=f"/images/{collection.slug}/{collection.quote(image_id)}{carried}" if collection and shown else "",
        style=styles.get(image_id, ""),
        alt=f"{words}, {percent(sure, 1)} confidence ({image_id})",
        true=true,
        said=said,
        sure=sure,
        right=true == said,
        name=f"{predictions.predicted[row]}:{image_id}" if shown else "",
    )
