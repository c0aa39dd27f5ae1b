"""Data sets: their pictures by split, class and doubt of the label, and what they look like as a whole."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from cifarlab import datasets
from cifarlab.plots import to_inline_svg
from cifarlab.web.pages import rendering
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.figures import DATA_FIGURES, DRAWING, draw_data_figure
from cifarlab.web.pages.gallery import choose_split, show_images
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.marks import read_marks
from cifarlab.web.pages.sections import Section
from cifarlab.web.server.state import LibraryOf

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 300
TITLES = {
    "class-counts": ("Class distribution", "Images of each class, by split"),
    "class-means": ("Mean images", "Mean and deviation of the training images of each class"),
    "brightness": ("Brightness and contrast", "Brightness and contrast of the training images by class"),
}


@router.get("/data")
def choose_data(library: LibraryOf) -> Response:
    """The app's own data set comes first."""
    return RedirectResponse(f"/data/{next(iter(library.data_names()))}", status_code=307)


@router.get("/data/{slug}")
def show_data(request: Request, library: LibraryOf, slug: str) -> Response:
    """Hundreds of pictures at a time, by split, class and doubt."""
    collection = library.collection(slug)
    split = choose_split(collection, request.query_params)
    gallery = show_images(library, collection, split, request.query_params, PAGE_SIZE)
    return rendering.page(
        request,
        "data.html",
        collection=collection,
        names=library.data_names(),
        split=split,
        gallery=gallery,
        marks=read_marks(library, collection),
        counts={name: len(part) for name, part in collection.parts.items()},
    )


@router.get("/data/{slug}/figures")
def show_figures(request: Request, library: LibraryOf, slug: str) -> Response:
    """Counts, average pictures, brightness and contrast."""
    collection = library.collection(slug)
    whole = bool(request.query_params.get("whole"))
    figures = [_section(library, collection, name, whole) for name in DATA_FIGURES]
    return rendering.page(
        request,
        "data_figures.html",
        collection=collection,
        names=library.data_names(),
        figures=figures,
        facts=library.keep(("facts", slug, collection.version), lambda: datasets.describe(collection.splits)),
    )


@router.get("/data/{slug}/figures/{name}")
def serve_figure(request: Request, library: LibraryOf, slug: str, name: str) -> Response:
    """One figure alone, for the script that puts it into the page."""
    collection = library.collection(slug)
    if name not in DATA_FIGURES:
        raise HTTPException(404, f"{slug} has no figure {name!r}")
    return rendering.fragment(request, "section.html", html=_figure(library, collection, name))


def _section(library: Library, collection: Collection, name: str, whole: bool) -> Section:
    known, html = library.kept(_key(collection, name))
    if whole and not known:
        html = _figure(library, collection, name)
    return Section(name, TITLES[name][0], f"/data/{collection.slug}/figures/{name}", html)


def _figure(library: Library, collection: Collection, name: str) -> Markup:
    title, described = TITLES[name]

    def draw() -> Markup:
        with DRAWING:
            svg = Markup(to_inline_svg(draw_data_figure(collection, name).draw(), name, described))
        region = (
            '<div class="scroll" role="group" aria-label="{}" tabindex="0"><figure class="scores">{}</figure></div>'
        )
        return Markup(region).format(title, svg)

    return library.keep(_key(collection, name), draw)


def _key(collection: Collection, name: str) -> tuple[str, ...]:
    return ("inline", collection.slug, collection.version, name)
