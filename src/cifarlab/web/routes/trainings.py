"""Starting a training: a recipe, its settings, a name."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from cifarlab import datasets
from cifarlab import recipes as catalog
from cifarlab.datasets import Splits
from cifarlab.recipes import Recipe, load_recipe
from cifarlab.runs.layout import RUN_NAME
from cifarlab.training.preparation import correct_splits
from cifarlab.training.requirements import check_data, check_settings
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, blaming
from cifarlab.web.job_rules import resolve
from cifarlab.web.pages import rendering
from cifarlab.web.pages.label_offers import OF_A_RUN, choose_labels, offer_labels
from cifarlab.web.pages.library import Library
from cifarlab.web.pages.training_form import (
    FIRST,
    FIRST_RECIPE,
    PREFIX,
    as_changes,
    carry,
    changed_settings,
    group_recipes,
    training_fields,
    wrong_field,
)
from cifarlab.web.pages.training_hints import find_hints, say_expected
from cifarlab.web.server.state import LibraryOf, jobs_of, library_of, settings_of
from cifarlab.web.settings import Settings

_MOST_FIELDS = 500
router = APIRouter(include_in_schema=False)

_FIELDS = ("recipe", "name", "extra", "labels")


@router.get("/trainings")
def show_list(request: Request) -> Response:
    """There is no list; a refused form has this address, and who asks for it again wants the form."""
    return RedirectResponse(rendering.PageAddress(request).at("/trainings/new"), status_code=307)


@router.get("/trainings/new")
def show_form(request: Request) -> Response:
    """The recipe's settings, ready to be changed; the address may say some: `data=digits`, `set.epochs=30`.

    With `to`, what was typed for one recipe is taken to the form of another.
    """
    query = request.query_params
    if query.get("to"):
        return RedirectResponse(rendering.address("/trainings/new", _of_other(library_of(request), query)), 303)
    recipe = query.get("recipe") or ""
    return _form(request, recipe, _prefilled(query, recipe), "")


@router.get("/trainings/again")
def show_form_again(library: LibraryOf, run: str = "", labels: str = "") -> Response:
    """The form with the settings of a run, and with the labels that are named, or else those that it learned by."""
    summary = library.summary(run)
    terminal = f"in a terminal: cifarlab train {summary.run.recipe_file}"
    terminal += f" --labels {summary.run.labels_file}" if summary.labels else ""
    labels = labels or (f"{OF_A_RUN}{run}" if summary.labels else "")
    try:
        recipe, changes = as_changes(summary.run.recipe)
    except CifarlabError as error:
        raise CifarlabError(f"{run} cannot be trained again by the form: {error}; {terminal}") from error
    query = {
        "recipe": recipe,
        **({"labels": labels} if labels else {}),
        **{PREFIX + key: value for key, value in changes.items()},
    }
    return RedirectResponse(rendering.address("/trainings/new", query), status_code=303)


async def read_form(request: Request) -> dict[str, str]:
    """Every field of a form, whatever its name."""
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)  # a file would go to the disk
    return {key: str(value) for key, value in form.items()}


@router.post("/trainings")
def start_training(
    request: Request, library: LibraryOf, typed: Annotated[dict[str, str], Depends(read_form)]
) -> Response:
    """Begin the training, and go to its page; or say what is wrong, with everything as it was typed."""
    recipe_name, name = typed.get("recipe", ""), typed.get("name", "").strip()
    changed: dict[str, str] = {}
    extra = [line.strip() for line in typed.get("extra", "").splitlines() if line.strip()]
    try:
        changed = changed_settings(_check_fields(recipe_name, typed), typed)
        settings, names = [*changed.values(), *extra], library.data_names()
        resolved = resolve(recipe_name, settings, names)
        labels = choose_labels(library, typed.get("labels", ""), resolved.data)
        _check_data(settings_of(request), resolved, labels)
        jobs_of(request).start(name, recipe_name, settings, names, labels)
    except CifarlabError as error:
        known = recipe_name in discovery.names("recipes")
        wrong = wrong_field(load_recipe(recipe_name), changed, extra, error) if known else ""
        return _form(request, recipe_name, typed, str(error), wrong)
    return RedirectResponse(f"/runs/{name}", status_code=303)


@router.post("/trainings/{name}/forget")
def forget_training(request: Request, name: str) -> Response:
    """Drop a training that never became a run from the list."""
    jobs_of(request).forget(name)
    return RedirectResponse("/runs", status_code=303)


def own_splits(settings: Settings, recipe: Recipe) -> Splits | None:
    """The data that a recipe would be trained on; None where they are not on this machine, and training fetches them.

    Raises:
        CifarlabError: If they are damaged, or cannot be split so.
    """
    place = settings.data_dir if recipe.data == settings.data else None  # as the process is told
    try:
        return datasets.load_data(recipe.data, data_dir=place, download=False, **recipe.held_out)
    except datasets.NoDataError:
        return None


def _check_data(settings: Settings, recipe: Recipe, labels: Path | None) -> None:
    """Refuse what the training would refuse once it has its data, as far as they are on this machine."""
    splits = own_splits(settings, recipe)
    if splits is None:
        return
    if labels is not None:
        with blaming("labels"):
            splits = correct_splits(recipe, None, splits, labels)[0]
    check_settings(recipe, splits.train.image_shape)
    check_data(recipe, splits.train)


def _check_fields(recipe_name: str, typed: Mapping[str, str]) -> Recipe:
    """The recipe whose form was sent.

    Raises:
        CifarlabError: If there is no such recipe, or a field is none of its form's.
    """
    known = discovery.names("recipes")
    if recipe_name not in known:
        raise CifarlabError(discovery.unknown("recipe", recipe_name, known))
    recipe = load_recipe(recipe_name)
    fields = [*_FIELDS, *(PREFIX + field.key for field in training_fields(recipe))]
    for field in typed:
        if field not in fields:
            raise CifarlabError(discovery.unknown("field", field, fields))
    return recipe


def _of_other(library: Library, typed: Mapping[str, str]) -> dict[str, str]:
    """The address of another recipe's form with all of this one that it can take."""
    before, after = _choose(typed.get("recipe", "")), _choose(typed["to"])
    kept, left = carry(load_recipe(before), load_recipe(after), typed)
    own = {key: typed[key] for key in ("labels", "extra") if typed.get(key)}
    if typed.get("name", "") not in ("", _free_name(library, before)):  # else it is the form's own
        own["name"] = typed["name"]
    return {"recipe": after, **own, **kept, **({"left": ", ".join(left)} if left else {})}


def _prefilled(query: Mapping[str, str], recipe_name: str) -> dict[str, str]:
    """What an address says, as if it had been typed; a setting that the recipe does not name is one more line."""
    typed = {key: query[key] for key in ("name", "extra", "labels") if query.get(key)}
    settings = {key.removeprefix("set."): value for key, value in query.items() if key.startswith("set.") and value}
    if query.get("data"):
        settings["data"] = query["data"]
    known = {field.key for field in training_fields(load_recipe(_choose(recipe_name)))}
    typed |= {f"set.{key}": value for key, value in settings.items() if key in known}
    further = [f"{key}={value}" for key, value in settings.items() if key not in known]
    return {**typed, "extra": "\n".join([*typed.get("extra", "").splitlines(), *further])}


def _choose(recipe_name: str) -> str:
    """The recipe asked for, or the one to begin with."""
    return recipe_name if recipe_name in discovery.names("recipes") else FIRST_RECIPE


def _form(request: Request, recipe_name: str, typed: Mapping[str, str], problem: str, wrong: str = "") -> Response:
    library = library_of(request)
    recipes = catalog.list_recipes()
    chosen = _choose(recipe_name)
    recipe = load_recipe(chosen)
    described = next(each for each in recipes if each["name"] == chosen)
    fields = [(field, field.shown(typed.get(PREFIX + field.key, field.usual))) for field in training_fields(recipe)]
    return rendering.page(
        request,
        "training_form.html",
        status=400 if problem else 200,
        groups=group_recipes([each["name"] for each in recipes]),
        left=request.query_params.get("left", ""),
        chosen=described,
        expected=say_expected(described, typed.get(f"{PREFIX}data", recipe.data)),
        hints=find_hints(library, recipe, typed),
        recipe=recipe,
        first=[each for each in fields if each[0].key in FIRST],
        rest=[each for each in fields if each[0].key not in FIRST],
        run_name=RUN_NAME,
        changed=any(value != field.usual for field, value in fields if field.key not in FIRST),
        names=list(library.data_names().values()),
        name=typed.get("name") or _free_name(library, chosen),
        extra=typed.get("extra", ""),
        offers=offer_labels(library, typed.get("labels", "")),
        labels=typed.get("labels", ""),
        problem=problem,
        wrong=wrong,
    )


def _free_name(library: Library, recipe_name: str) -> str:
    for number in itertools.count():
        name = f"{recipe_name}-app" if number == 0 else f"{recipe_name}-app-{number + 1}"
        if not library.has_folder(name):
            return name
    raise AssertionError("unreachable")
