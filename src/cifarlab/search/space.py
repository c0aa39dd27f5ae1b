"""What a search may vary: the settings of a recipe, each with its range or choice, see `parameters`."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifarlab.recipes import Recipe, allow_own_code, load_recipe, override, settings_of
from cifarlab.search.parameters import LOG, Choice, Range, parse
from cifarlab.training.plan import check_recipe, default_space
from cifarlab.training.starting_point import resolve_start
from cifarlab.utils import discovery, files, own_code
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.own_code import describe_error

if TYPE_CHECKING:
    import optuna

# What a search varies of any model, beside its own `SEARCH_SPACE`; the learning rate is the recipe's times these.
LEARNING_RATE_FACTORS = (0.1, 10.0)
TRAINING_SPACE = {"weight_decay": "0.0,1e-4,1e-3,1e-2,1e-1", "label_smoothing": "0.0..0.2", "schedule": "cosine,linear"}
Settings = dict[str, str]
"""A trial's settings: the words of `--set`, by key."""


@dataclass(frozen=True)
class Space:
    """The settings that a search varies, each with its range or choice; or a function of the user's own.

    Attributes:
        parameters: By key, such as `"learning_rate"` or `"model.widths"`.
        function: Takes an Optuna trial, gives settings by key; then there are no `parameters`.
        source: Where the function is from.
        checksum: Of that file: another function makes another study.
    """

    parameters: Mapping[str, Range | Choice]
    function: "Callable[[optuna.Trial], Mapping[str, Any]] | None" = None
    source: str = ""
    checksum: str = ""

    def suggest(self, trial: "optuna.Trial") -> Settings:
        """Settings for one more training.

        Raises:
            CifarlabError: If the user's own function gives no settings, or some that a search does not vary.
        """
        if self.function is None:
            return {key: each.suggest(trial, key) for key, each in self.parameters.items()}
        try:
            found = self.function(trial)
        except Exception as error:  # a user's code raises what it likes
            raise CifarlabError(f"{self.source} cannot make settings: {describe_error(error, self.source)}") from error
        if not isinstance(found, Mapping) or not found:
            raise CifarlabError(f"{self.source}: space(trial) must return settings by key. Received: {found!r}")
        for key in found:
            _check_varied(str(key), f"{self.source}: ")
        for name, distribution in trial.distributions.items():
            choices = getattr(distribution, "choices", ())
            if not all(isinstance(each, _KEPT) for each in choices):
                raise CifarlabError(
                    f"{self.source}: the choices of {name} are kept in files, as numbers or texts: give '(512,)' and "
                    f"not (512,). Received: {choices!r}"
                )
        return {str(key): value if isinstance(value, str) else repr(value) for key, value in found.items()}

    def parameters_of(self, recipe: Recipe) -> dict[str, Any] | None:
        """What the sampler calls the recipe's own settings; None where the space does not hold them all."""
        shipped = settings_of(recipe)
        if self.function is not None or any(key not in shipped for key in self.parameters):
            return None
        found = {key: each.parameter(str(shipped[key])) for key, each in self.parameters.items()}
        return None if None in found.values() else found

    def combinations(self) -> list[dict[str, str]]:
        """Every combination of choices, for a grid.

        Raises:
            CifarlabError: If something is no choice.
        """
        if self.function is not None:
            raise CifarlabError(
                f"a grid takes --choice, and {self.source} lists no combinations: give another --sampler"
            )
        combinations: list[dict[str, str]] = [{}]
        for key, each in self.parameters.items():
            if not isinstance(each, Choice):
                raise CifarlabError(f"a grid takes choices: give --choice {key}=A,B,C. Received: {key}={each}")
            combinations = [{**one, key: value} for one in combinations for value in each.values]
        return combinations

    def describe(self) -> dict[str, str]:
        """Every key with its range or choice as text."""
        if self.function is not None:
            return {"function": self.source, "sha256": self.checksum}
        return {key: str(each) for key, each in self.parameters.items()}


def make_space(
    recipe: Recipe,
    ranges: Sequence[str] = (),
    choices: Sequence[str] = (),
    fixed: Sequence[str] = (),
    *,
    only: bool = False,
) -> Space:
    """The default space of a recipe's model, changed as asked, and checked against the recipe.

    Args:
        recipe: With what is fixed already set.
        ranges: Such as `"learning_rate=1e-4..1e-2:log"`.
        choices: Such as `"optimizer=adam,muon"` or `"model.widths=(512,);(1024, 512)"`.
        fixed: Keys that are not varied.
        only: Vary nothing beside `ranges` and `choices`.

    Raises:
        CifarlabError: If a key is unknown or given twice, a range is empty or inverted, a value is not one that the
            recipe takes, or nothing is left to vary.
    """
    given = {**_named("--range", ranges), **_named("--choice", choices)}
    for key in given:
        if key in fixed:
            raise CifarlabError(f"{key} is to be varied and fixed: give --range or --choice, or --fix")
        if recipe.start_from and key.partition(".")[0] == "model":
            raise CifarlabError(f"{key} is not varied: the network is that of the weights in {recipe.start_from}")
    texts = {key: text for key, text in _defaults(recipe).items() if key not in fixed and not only} | given
    if "muon" in texts.get("optimizer", recipe.optimizer) and not recipe.weight_decay and "weight_decay" not in given:
        texts.pop("weight_decay", None)  # Muon takes none: every trial with one would fail
    parameters: dict[str, Range | Choice] = {}
    for key, text in texts.items():
        parameters[key] = parse(key, text)
        _check_varied(key)
        for value in parameters[key].ends():
            check_recipe(override(recipe, [f"{key}={value}"]), together=False)
    if not parameters:
        raise CifarlabError("nothing is left to vary: give --range or --choice")
    return Space(parameters)


def check_fixed(fixed: Sequence[str]) -> None:
    """Refuse to fix what options of the search set.

    Args:
        fixed: Settings such as `"learning_rate=1e-3"`.

    Raises:
        CifarlabError: With the option.
    """
    for key in (each.partition("=")[0].strip() for each in fixed):
        if key in ("epochs", "confirmation_fraction"):
            raise CifarlabError(f"{key} is not fixed: {_OF_THE_SEARCH[key]}")


def _check_varied(key: str, where: str = "") -> None:
    if key in _OF_THE_SEARCH:
        raise CifarlabError(f"{where}{key} is not varied by a search: {_OF_THE_SEARCH[key]}")


_KEPT = (str, int, float, bool, type(None))
_OF_THE_SEARCH = {
    "seed": "every trial trains with the recipe's, see --seeds-per-trial",
    "epochs": "give --epochs, the most that a trial may have",
    "validation_fraction": "trials are compared on the same validation images",
    "confirmation_fraction": "give --confirm",
    "fold": "trials are compared on the same validation images",
    "data": "a search is about one data set",
    "start_from": "a search is about one network: give --fix start_from=RUN, or compare several by cifarlab sweep",
    "start_checksum": "it is that of the weights in start_from",
}


def choose_space(
    recipe: str | Recipe,
    ranges: Sequence[str] = (),
    choices: Sequence[str] = (),
    fixed: Sequence[str] = (),
    *,
    file: str | None = None,
    only: bool = False,
    code: Sequence[str | os.PathLike[str]] = (),
) -> Space:
    """The space that a command asks for: a recipe's own, changed; or that of the user's own file.

    Args:
        recipe: Its name, a file with one, or a Recipe.
        ranges: See `make_space`.
        choices: See `make_space`.
        fixed: Settings such as `"learning_rate=1e-3"`: set, and not varied.
        file: The user's own Python file, see `own_space`; it is executed.
        only: See `make_space`.
        code: The user's own Python files that the recipe may name.

    Raises:
        CifarlabError: If any of these is wrong.
    """
    check_fixed(fixed)
    shipped = resolve_start(load_recipe(recipe) if isinstance(recipe, str) else recipe, fixed)
    allow_own_code(shipped, code)
    check_recipe(shipped, together=False)
    if file is None:
        return make_space(shipped, ranges, choices, [each.partition("=")[0].strip() for each in fixed], only=only)
    if ranges or choices or only:
        raise CifarlabError("--space says all that is varied: leave out --range, --choice and --only")
    own_code.allow(file)
    return own_space(file)


def own_space(path: str) -> Space:
    """The space in a user's own Python file, which the user has named: `space(trial)` gives settings by key.

    Raises:
        CifarlabError: If there is no such file, it cannot be executed, or defines no `space`.
    """
    module = discovery.load("search", path)
    function = getattr(module, "space", None)
    if not callable(function):
        raise CifarlabError(f"{path} defines no space(trial): expected a function of an Optuna trial")
    return Space({}, function, path, files.checksum(own_code.find(path), "sha256"))


def _named(flag: str, texts: Sequence[str]) -> Settings:
    found: Settings = {}
    for text in texts:
        key, separator, value = text.partition("=")
        key = key.strip()
        if not separator or not key:
            shape = "learning_rate=1e-4..1e-2:log" if flag == "--range" else "optimizer=adam,sgd"
            raise CifarlabError(f"{flag} takes key=values, such as {shape}. Received: {text!r}")
        if key in found:
            raise CifarlabError(f"{key} is given twice: give one --range or --choice for it")
        if not value.strip():
            raise CifarlabError(f"{flag} {key} has no values: give {key}={'LOW..HIGH' if flag == '--range' else 'A,B'}")
        if (".." in value) != (flag == "--range"):
            other = "--choice" if flag == "--range" else "--range"
            raise CifarlabError(f"{flag} does not take {value.strip()!r}: give {other} {key}={value.strip()}")
        found[key] = value
    return found


def _defaults(recipe: Recipe) -> Settings:
    """The model's own `SEARCH_SPACE`, but where trained weights bring the network; and the training's."""
    low, high = (float(f"{recipe.learning_rate * factor:.4g}") for factor in LEARNING_RATE_FACTORS)
    of_model = {f"model.{name}": text for name, text in default_space(recipe.model).items()}
    of_model = {} if recipe.start_from else of_model
    return {"learning_rate": f"{low!r}..{high!r}{LOG}", **TRAINING_SPACE, **of_model}
