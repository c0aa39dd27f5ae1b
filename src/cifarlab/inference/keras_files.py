"""Models on disk: loaded in Keras's safe mode, with the layers of a user's own module where the user named it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cifarlab.inference.call_bounds import check_call
from cifarlab.inference.keras_bounds import bounded_variables, check_layers, measure_weights, read_config
from cifarlab.utils.array_files import BROKEN_ARCHIVE

_OURS = "cifarlab>"
_LONGEST_REASON = 300


def load_keras(path: Path, module: ModuleType | None = None) -> Any:
    """The `keras.Model` in a file; for inference, not compiled.

    Safe mode runs no code that the file brings. Keras is loaded already.

    Args:
        path: A `.keras` file.
        module: A user's own, executed because the user named it: its registered layers and functions come before those
            of the same name that another file registered in this process.

    Raises:
        Exception: Whatever Keras's parts raise: OSError, ValueError, TypeError, KeyError, BadZipFile; see `reason`.
    """
    import keras

    import cifarlab.models.layers.shuffle_pixels  # noqa: F401 - its layer is then known to Keras

    stored = measure_weights(path)
    check_layers(read_config(path))
    with own_objects(module), bounded_variables(stored):
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    check_call(model)
    return model


@contextmanager
def own_objects(module: ModuleType | None) -> Iterator[None]:
    """A context in which Keras finds what a module registered with `register_keras_serializable`, under its names.

    Keras has one registry a process, in which the file that was executed last has a name, and which goes before a
    `custom_object_scope`: two runs whose files define a layer of one name would share one of the two.
    """
    import keras

    registry = keras.saving.get_custom_objects()
    before = dict(registry)
    for value in vars(module).values() if module is not None else ():
        if callable(value) and ">" in (name := _registered_name(value)):
            registry[name] = value
    try:
        yield
    finally:
        registry.update(before)  # names that only this module has stay: nobody else means anything by them


def needs_own_code(path: Path) -> list[str]:
    """Registered names in a `.keras` file that are neither Keras's nor ours, sorted, such as `"mine>Scale"`.

    None of a file that is damaged: what is wrong with it is Keras's to say.
    """
    try:
        config = read_config(path)
    except BROKEN_ARCHIVE:
        return []
    return sorted({name for name in _registered(config) if not name.startswith(_OURS)})


def reason(error: BaseException) -> str:
    """What Keras says is wrong, as one line: the cause behind its long explanations, without the configuration."""
    text = str(error).rpartition("Exception encountered: ")[2].partition("Full object config")[0].strip()
    told = re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n\n")
    if told[0].startswith("Exception encountered when calling"):  # which layer; why is in the next paragraph
        told = [": ".join(told[:2])]
    words = " ".join(told[0].split()) or type(error).__name__
    if len(words) > _LONGEST_REASON:  # as many whole sentences as there is room for
        words = words[:_LONGEST_REASON].rpartition(". ")[0] or f"{words[:_LONGEST_REASON]} ..."
    return words.rstrip(".")


def _registered_name(value: Any) -> str:
    import keras

    try:
        return str(keras.saving.get_registered_name(value))
    except (TypeError, AttributeError):  # it cannot be looked up, or has no name of its own
        return ""


def _registered(config: Any) -> Iterator[str]:
    """Every registered name in a model's configuration: of classes, and of functions, which are named in `config`.

    By recursion: `parse_json` refuses what is nested too deep.
    """
    if isinstance(config, list):
        for value in config:
            yield from _registered(value)
    if isinstance(config, dict):
        named = config.get("config") if config.get("class_name") == "function" else config.get("registered_name")
        if isinstance(named, str) and re.fullmatch(r"[^>]+>[^>]+", named):
            yield named
        for value in config.values():
            yield from _registered(value)
