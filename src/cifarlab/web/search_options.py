"""What the app may start as a search: a form's fields, or the command that a study was begun with."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifarlab.search.planning import default_epochs
from cifarlab.search.rules import Rules
from cifarlab.search.samplers import check_sampler
from cifarlab.search.space import choose_space
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError, WrongField, blaming
from cifarlab.web.job_rules import resolve

# What `cifarlab tune` is told and by which kind of value; no option that names a file or a database is among them.
_WHOLE = ("trials", "epochs", "seeds-per-trial", "seed", "confirm-seeds", "jobs", "threads", "keep")
_NUMBERS = ("max-minutes", "confirm", "max-trial-minutes")
_NAMES = ("sampler", "pruner")
SINGLE = (*_WHOLE, *_NUMBERS, *_NAMES)
SEVERAL = ("range", "choice", "fix")
_SET_BY_THE_APP = ("name", "studies-dir", "data-dir")


@dataclass(frozen=True)
class SearchOptions:
    """A search that was checked: it names no file and runs no code of others.

    Attributes:
        recipe: A built-in one.
        single: Option to its value.
        several: `"range"`, `"choice"` and `"fix"` to what was given for each.
        only: Whether nothing else is varied.
        data: The data set.
        asynchronous: Whether trials are judged as they arrive.
    """

    recipe: str
    single: Mapping[str, str]
    several: Mapping[str, Sequence[str]]
    only: bool
    data: str
    asynchronous: bool = False

    def words(self) -> list[str]:
        """The arguments of `cifarlab`, without name and folder; a value stands behind `=`, so none is an option."""
        words = ["tune", *(["--only"] if self.only else []), *(["--asynchronous"] if self.asynchronous else [])]
        words += [f"--{key}={value}" for key, value in self.single.items()]
        words += [f"--{key}={value}" for key, values in self.several.items() for value in values]
        return [*words, "--", self.recipe]


def check_options(
    recipe: str,
    single: Mapping[str, str],
    several: Mapping[str, Sequence[str]],
    only: bool,
    data_names: Mapping[str, str],
    *,
    asynchronous: bool = False,
) -> SearchOptions:
    """Options that may be started.

    Raises:
        CifarlabError: If a value is wrong, or the search would run code or read files from elsewhere.
    """
    single = {key: value.strip() for key, value in single.items() if value.strip()}
    fixed = list(several.get("fix", ()))
    with blaming("fix"):
        resolved = resolve(recipe, fixed, data_names, together=False)
    ranges, choices = list(several.get("range", ())), list(several.get("choice", ()))
    for key in (*_WHOLE, *_NUMBERS):
        whole, least = key in _WHOLE, int(key in _WHOLE and key != "seed")
        if key in single and not _is_number(single[key], whole=whole, least=least):
            expected = f"a {'whole number' if whole else 'number'} of at least {least}"
            raise WrongField(f"{key.replace('-', ' ')} must be {expected}. Received: {single[key]!r}", key)
    if any(text.partition("=")[0].strip() == "model" for text in choices):
        raise WrongField("a search varies one model: start one for each", "choice")
    with blaming("pruner"):
        discovery.load("search.pruners", single.get("pruner", Rules.pruner))
    with blaming("sampler"):
        check_sampler(single.get("sampler", Rules.sampler))
        rules = _rules(recipe, single, asynchronous)
    with blaming("max-minutes"):
        rules.check_minutes(float(single["max-minutes"]) if "max-minutes" in single else None)
    try:
        choose_space(recipe, ranges, choices, fixed, only=only)
    except CifarlabError as error:
        raise WrongField(str(error), _line_to_blame(str(error), several)) from error
    return SearchOptions(
        recipe, single, {key: list(several.get(key, ())) for key in SEVERAL}, only, resolved.data, asynchronous
    )


def read_command(command: str, data_names: Mapping[str, str]) -> SearchOptions:
    """The options of a study's own command, which anybody may have written: taken apart and checked, never run.

    Raises:
        CifarlabError: If it cannot be started from here.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if words[:2] != ["cifarlab", "tune"]:
        raise CifarlabError("this study does not say how it was begun: go on with it in a terminal")
    recipes, single, flags = list[str](), dict[str, str](), set[str]()
    several: dict[str, list[str]] = {key: [] for key in SEVERAL}
    left = iter(words[2:])
    for word in left:
        if not word.startswith("-") or word == "--":
            recipes += [word] if word != "--" else []
            continue
        key, has_value, value = word.partition("=")
        key = {"-n": "name"}.get(key, key.removeprefix("--"))
        if key in ("only", "asynchronous", "json"):
            flags.add(key)
            continue
        value = value if has_value else next(left, "")
        if key == "data":
            key, value = "fix", f"data={value}"
        if key in several:
            several[key].append(value)
        elif key in SINGLE:
            single[key] = value
        elif key not in _SET_BY_THE_APP:
            raise CifarlabError(f"this study was begun with --{key}: go on with it in a terminal, with {command}")
    if len(recipes) != 1:
        raise CifarlabError("this study does not say which recipe it varies: go on with it in a terminal")
    is_asynchronous = "asynchronous" in flags
    return check_options(recipes[0], single, several, "only" in flags, data_names, asynchronous=is_asynchronous)


def _rules(recipe: str, single: Mapping[str, str], asynchronous: bool) -> Rules:
    return Rules(
        trials=int(single.get("trials", Rules.trials)),
        epochs=int(single.get("epochs", default_epochs(recipe))),
        sampler=single.get("sampler", Rules.sampler),
        pruner=single.get("pruner", Rules.pruner),
        asynchronous=asynchronous,
    )


def _line_to_blame(problem: str, several: Mapping[str, Sequence[str]]) -> str:
    """The field with a line about what is wrong: the error names the setting, or the option that the field is."""
    for key, lines in several.items():
        if problem.startswith(f"--{key}") or any(
            line.partition("=")[0].strip().removeprefix("model.") in problem for line in lines
        ):
            return key
    return ""


def _is_number(text: str, *, whole: bool, least: int) -> bool:
    try:
        return (int(text) if whole else float(text)) >= least
    except ValueError:
        return False
