"""What a result depends on besides the recipe: versions, hardware, backend. And: which backend there is."""

import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine import choices, kernels
from cifarlab.utils.machine.choices import Choice
from cifarlab.utils.machine.processor import read_processor, usable_cores
from cifarlab.utils.machine.rates import read_rates
from cifarlab.utils.silence import without_chatter

BACKENDS = ("tensorflow", "jax", "torch")
_PACKAGES = ("cifarlab", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn", "matplotlib")


def choose_backend(recorded: Mapping[str, Any] | None = None) -> str:
    """Decide on Keras's backend before Keras is imported, and set `KERAS_BACKEND` and by which kernels it computes.

    `$KERAS_BACKEND` is obeyed, then Keras's own settings file; else the first one installed of TensorFlow, JAX, torch.
    TensorFlow is imported here, since from version 2.21 it logs about itself while it is, whatever its settings say.
    A backend that is loaded already goes on as it was.

    Args:
        recorded: What a run's `environment.json` says, to compute as that run did; None to choose for this machine.

    Returns:
        `"tensorflow"`, `"jax"` or `"torch"`.

    Raises:
        CifarlabError: If none is installed, or the one asked for is not.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # However often this is called: `logging` takes the same filter once.
    logging.getLogger("tensorflow").addFilter(_is_no_notice_of_retracing)
    chosen = os.environ["KERAS_BACKEND"] = find_backend()
    if chosen not in sys.modules:
        kernels.prepare(chosen, versions(("keras", chosen, f"{chosen}-cpu")), recorded)
        if chosen == "tensorflow":
            with without_chatter():
                importlib.import_module(chosen)
        kernels.remember(chosen)
    return chosen


def find_backend() -> str:
    """The backend that `choose_backend` would choose, without loading it.

    Raises:
        CifarlabError: If none is installed, or the one asked for is not.
    """
    setting = asked_backend()
    installed = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    if setting and setting not in BACKENDS:
        raise CifarlabError(f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {setting!r}")
    if setting and setting not in installed:
        raise CifarlabError(f"the backend {setting} is not installed: pip install 'cifarlab[{setting}]'")
    if not installed:
        raise CifarlabError("no backend is installed: pip install 'cifarlab[tensorflow]' (or [jax], [torch])")
    return setting or installed[0]


def asked_backend() -> str | None:
    """The backend that `$KERAS_BACKEND` or Keras's settings file names, unchecked; None where neither does."""
    return os.environ.get("KERAS_BACKEND") or _backend_of_settings_file()


def _is_no_notice_of_retracing(record: logging.LogRecord) -> bool:
    """TensorFlow takes several models, compiled one after the other, for one that is compiled again and again."""
    return "triggered tf.function retracing" not in record.getMessage()


def choose_precision(precision: str) -> str:
    """`"bfloat16"` or `"float32"` for `"auto"`: what trains faster here; see `explain_precision`.

    Args:
        precision: A recipe's; anything but `"auto"` is given back. Imports Keras where it is `"auto"`.
    """
    return explain_precision().value if precision == "auto" else precision


def explain_precision() -> Choice:
    """What `"auto"` means on this machine, and why. Imports Keras."""
    backend = choose_backend()
    given = (backend, read_processor(), _accelerators(), kernels.in_force(backend))
    choice = choices.choose_precision(*given, ())
    if choice.how == choices.OPEN:  # only then is anything read
        choice = choices.choose_precision(*given, read_rates(versions(("keras", backend, f"{backend}-cpu")), backend))
    return choice


def describe_environment() -> dict[str, Any]:
    """Versions, processor, accelerators and backend, as plain values for `environment.json`. Imports Keras."""
    choose_backend()
    import keras

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": usable_cores(),
        "backend": keras.backend.backend(),
        "accelerators": _accelerators(),
        "versions": versions(),
        "kernels": kernels.describe(keras.backend.backend()),
    }


def versions(packages: Iterable[str] = _PACKAGES) -> dict[str, str]:
    """Installed versions of packages, by default of those that a result depends on."""
    installed = {}
    for name in packages:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def processor_name() -> str:
    """The processor as its maker calls it, where the system tells."""
    return read_processor().name


def _accelerators() -> list[str]:
    import keras

    if keras.backend.backend() == "torch":  # which keras.distribution does not know
        import torch

        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [name for name in keras.distribution.list_devices() if not name.lower().startswith("cpu")]


def _backend_of_settings_file() -> str | None:
    # Not by pathlib, which raises where there is no home.
    home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))  # noqa: PTH111
    try:
        settings = json.loads((home / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    backend = settings.get("backend") if isinstance(settings, dict) else None
    return backend if backend in BACKENDS and importlib.util.find_spec(backend) else None
