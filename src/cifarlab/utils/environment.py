"""What a result depends on besides the recipe: versions, hardware, backend. And: which backend there is."""

import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.silence import without_chatter

BACKENDS = ("tensorflow", "jax", "torch")
CPUINFO = Path("/proc/cpuinfo")
_PACKAGES = ("cifarlab", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "scikit-learn", "matplotlib")


def choose_backend() -> str:
    """Decide on Keras's backend before Keras is imported, and set `KERAS_BACKEND`.

    `$KERAS_BACKEND` is obeyed, then Keras's own settings file; else the first one installed of TensorFlow, JAX, torch.
    TensorFlow is imported here, since from version 2.21 it logs about itself while it is, whatever its settings say.

    Returns:
        `"tensorflow"`, `"jax"` or `"torch"`.

    Raises:
        CifarlabError: If none is installed, or the one asked for is not.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # However often this is called: `logging` takes the same filter once.
    logging.getLogger("tensorflow").addFilter(_is_no_notice_of_retracing)
    chosen = os.environ["KERAS_BACKEND"] = find_backend()
    if chosen == "tensorflow" and chosen not in sys.modules:
        with without_chatter():
            importlib.import_module(chosen)
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
    """`"bfloat16"` for `"auto"` where an accelerator or the processor multiplies in it, else `"float32"`.

    Args:
        precision: A recipe's; anything but `"auto"` is given back. Imports Keras where it is `"auto"`.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if _accelerators() or _processor_has_bfloat16() else "float32"


def describe_environment() -> dict[str, Any]:
    """Versions, processor, accelerators and backend, as plain values for `environment.json`. Imports Keras."""
    choose_backend()
    import keras

    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": core_count(),
        "backend": keras.backend.backend(),
        "accelerators": _accelerators(),
        "versions": versions(),
    }


def core_count() -> int:
    """Those that this process may use: `taskset` or a cluster's job may leave it fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
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
    if CPUINFO.is_file():
        for line in CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _processor_has_bfloat16() -> bool:
    """Whether the processor has matrix instructions for bfloat16 (AVX512-BF16 or AMX), as Linux tells it."""
    if not CPUINFO.is_file():
        return False
    flags = CPUINFO.read_text(encoding="utf-8").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _accelerators() -> list[str]:
    import keras

    if keras.backend.backend() == "torch":  # which keras.distribution does not know
        import torch

        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [name for name in keras.distribution.list_devices() if not name.lower().startswith("cpu")]


def _backend_of_settings_file() -> str | None:
    home = Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser())
    try:
        settings = json.loads((home / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    backend = settings.get("backend") if isinstance(settings, dict) else None
    return backend if backend in BACKENDS and importlib.util.find_spec(backend) else None
