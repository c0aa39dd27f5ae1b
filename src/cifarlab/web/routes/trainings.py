"""Starting a training: a recipe, its settings, a name."""

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab import recipes as catalog
from cifarlab.recipes import FLIPS, OPTIMIZERS, PRECISIONS, SCHEDULES, Recipe, load_recipe, settings_of
from cifarlab.runs.layout import RUN_NAME
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages import rendering
from cifarlab.web.pages.library import Library
from cifarlab.web.server.state import LibraryOf, jobs_of, library_of

_MOST_FIELDS = 500
router = APIRouter(include_in_schema=False)

CHOICES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "precision": PRECISIONS, "flip": FLIPS}
# What most people want to change stands first; the rest is folded away.
_FIELDS = ("recipe", "name", "extra")
FIRST = ("data", "epochs", "batch_size", "learning_rate", "seed")


@router.get("/trainings")
def show_list(request: Request) -> Response:
    """There is no list; a refused form has this address, and who asks for it again wants the form."""
    return RedirectResponse(rendering.PageAddress(request).at("/trainings/new"), status_code=307)


@router.get("/trainings/new")
def show_form(request: Request) -> Response:
    """The recipe's settings, ready to be changed; the address may say some: `data=digits`, `set.epochs=30`."""
    recipe = request.query_params.get("recipe") or ""
    return _form(request, recipe, _prefilled(request.query_params, recipe), "")


async def read_form(request: Request) -> dict[str, str]:
    """Every field of a form, whatever its name."""
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)  # a file would go to the disk
    return {key: str(value) for key, value in form.items()}


@router.post("/trainings")
def start_training(
    request: Request, library: LibraryOf, typed: Annotated[dict[str, str], Depends(read_form)]
) -> Response:
    """Begin the training, and go to its page; or say what is wrong, with everything as it was typed."""
    recipe = typed.get("recipe", "")
    try:
        settings = changed_settings(recipe, typed)
        name = typed.get("name", "").strip()
        jobs_of(request).start(name, recipe, settings, library.data_names())
    except CifarlabError as error:
        return _form(request, recipe, typed, str(error))
    return RedirectResponse(f"/runs/{name}", status_code=303)


@router.post("/trainings/{name}/forget")
def forget_training(request: Request, name: str) -> Response:
    """Drop a training that never became a run from the list."""
    jobs_of(request).forget(name)
    return RedirectResponse("/runs", status_code=303)


def changed_settings(recipe_name: str, typed: Mapping[str, str]) -> list[str]:
    """What was typed that is not what the recipe says, as `key=value`.

    Raises:
        CifarlabError: If there is no such recipe, or a field is none of its form's.
    """
    known = discovery.names("recipes")
    if recipe_name not in known:
        raise CifarlabError(discovery.unknown("recipe", recipe_name, known))
    before = {key: value for key, value, _ in setting_fields(load_recipe(recipe_name))}
    fields = [*_FIELDS, *(f"set.{key}" for key in before)]
    for field in typed:
        if field not in fields:
            raise CifarlabError(discovery.unknown("field", field, fields))
    changed = [
        f"{key}={typed[f'set.{key}'].strip()}"
        for key, value in before.items()
        if f"set.{key}" in typed and typed[f"set.{key}"].strip() != value
    ]
    extra = [line.strip() for line in typed.get("extra", "").splitlines() if line.strip()]
    return changed + extra


def setting_fields(recipe: Recipe) -> list[tuple[str, str, tuple[str, ...]]]:
    """A recipe's settings as the form shows them: name, value as text, and the choices where there are some."""
    named = {name: value for name, value in settings_of(recipe).items() if name != "model"}
    fields = [(name, _text(value), CHOICES.get(name, ())) for name, value in named.items()]
    return sorted(fields, key=lambda field: FIRST.index(field[0]) if field[0] in FIRST else len(FIRST))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _prefilled(query: Mapping[str, str], recipe_name: str) -> dict[str, str]:
    """What an address says, as if it had been typed; a setting that the recipe does not name is one more line."""
    typed = {key: query[key] for key in ("name", "extra") if query.get(key)}
    settings = {key.removeprefix("set."): value for key, value in query.items() if key.startswith("set.") and value}
    if query.get("data"):
        settings["data"] = query["data"]
    known = {key for key, _, _ in setting_fields(load_recipe(_choose(recipe_name)))}
    typed |= {f"set.{key}": value for key, value in settings.items() if key in known}
    further = [f"{key}={value}" for key, value in settings.items() if key not in known]
    return {**typed, "extra": "\n".join([*typed.get("extra", "").splitlines(), *further])}


def _choose(recipe_name: str) -> str:
    """The recipe asked for, or the first there is."""
    known = discovery.names("recipes")
    return recipe_name if recipe_name in known else known[0]


def _form(request: Request, recipe_name: str, typed: Mapping[str, str], problem: str) -> Response:
    library = library_of(request)
    recipes = catalog.list_recipes()
    chosen = _choose(recipe_name)
    recipe = load_recipe(chosen)
    fields = [(key, typed.get(f"set.{key}", value), value, choices) for key, value, choices in setting_fields(recipe)]
    return rendering.page(
        request,
        "training_form.html",
        status=400 if problem else 200,
        recipes=recipes,
        chosen=next(each for each in recipes if each["name"] == chosen),
        recipe=recipe,
        fields=fields,
        first=FIRST,
        run_name=RUN_NAME,
        changed=any(value != usual for key, value, usual, _ in fields if key not in FIRST),
        names=list(library.data_names().values()),
        name=typed.get("name") or _free_name(library, chosen),
        extra=typed.get("extra", ""),
        problem=problem,
    )


def _free_name(library: Library, recipe_name: str) -> str:
    for number in itertools.count():
        name = f"{recipe_name}-app" if number == 0 else f"{recipe_name}-app-{number + 1}"
        if not library.has_folder(name):
            return name
    raise AssertionError("unreachable")
