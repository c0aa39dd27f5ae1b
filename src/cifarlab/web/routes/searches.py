"""Starting a search: a recipe, its budget, what varies, a name."""

import itertools
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab import recipes as catalog
from cifarlab.recipes import Recipe
from cifarlab.runs.layout import RUN_NAME
from cifarlab.search.rules import SAMPLERS, Rules
from cifarlab.training.requirements import check_data
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, WrongField, blaming
from cifarlab.web.job_rules import resolve
from cifarlab.web.pages import rendering
from cifarlab.web.pages.studies import StudyShelf, address_of
from cifarlab.web.routes.trainings import own_splits, read_form
from cifarlab.web.search_options import SEVERAL, SINGLE, check_options
from cifarlab.web.server.state import LibraryOf, jobs_of, library_of, settings_of, studies_of
from cifarlab.web.settings import Settings

router = APIRouter(include_in_schema=False)
_FIELDS = ("recipe", "name", "data", "only", *SINGLE, *SEVERAL)


@router.get("/searches")
def show_list(request: Request) -> Response:
    """A refused form has this address, and who asks for it again wants the form."""
    return RedirectResponse(rendering.PageAddress(request).at("/searches/new"), status_code=307)


@router.get("/searches/new")
def show_form(request: Request) -> Response:
    """What a search needs to know; the address may name the recipe."""
    return _form(request, dict(request.query_params), "")


@router.post("/searches")
def start_search(
    request: Request, library: LibraryOf, typed: Annotated[dict[str, str], Depends(read_form)]
) -> Response:
    """Begin the search, and go to its page; or say what is wrong, with everything as it was typed."""
    try:
        for field in typed:
            if field not in _FIELDS:
                raise CifarlabError(discovery.unknown("field", field, _FIELDS))
        several = {key: [line.strip() for line in typed.get(key, "").splitlines() if line.strip()] for key in SEVERAL}
        if typed.get("data"):
            several["fix"].append(f"data={typed['data']}")
        single = {key: typed.get(key, "") for key in SINGLE}
        options = check_options(typed.get("recipe", ""), single, several, bool(typed.get("only")), library.data_names())
        with blaming("fix"):
            _check_data(
                settings_of(request),
                resolve(options.recipe, options.several["fix"], library.data_names(), together=False),
            )
        name = typed.get("name", "").strip()
        jobs_of(request).search(name, options.words(), options.data)
    except CifarlabError as error:
        return _form(request, typed, str(error), error.field if isinstance(error, WrongField) else "")
    return RedirectResponse(address_of(name), status_code=303)


def _check_data(settings: Settings, recipe: Recipe) -> None:
    """Refuse a recipe that does not fit its training images, as far as these are on this machine."""
    splits = own_splits(settings, recipe)
    if splits is not None:
        check_data(recipe, splits.train)


def _form(request: Request, typed: Mapping[str, str], problem: str, wrong: str = "") -> Response:
    known = [str(each["name"]) for each in catalog.list_recipes()]
    recipe = typed.get("recipe") if typed.get("recipe") in known else ("mlp2" if "mlp2" in known else known[0])
    names = list(library_of(request).data_names().values())
    own_data = catalog.load_recipe(str(recipe)).data
    return rendering.page(
        request,
        "search_form.html",
        status=400 if problem else 200,
        problem=problem,
        wrong=wrong,
        typed={key: typed.get(key, "") for key in _FIELDS} | {"recipe": recipe},
        recipes=known,
        names=names,
        data=typed.get("data") or own_data,
        name=typed.get("name") or _free_name(studies_of(request), str(recipe)),
        samplers=SAMPLERS,
        rules=Rules(),
        pruners=discovery.names("search.pruners"),
        run_name=RUN_NAME,
    )


def _free_name(shelf: StudyShelf, recipe: str) -> str:
    names = (recipe if number == 1 else f"{recipe}-{number}" for number in itertools.count(1))
    return next(name for name in names if not shelf.has(name))
