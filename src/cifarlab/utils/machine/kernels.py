"""The environment that a backend is loaded in: chosen before it is, remembered after, used again on resume.

What the user set stays as it is. What is set here is noted in a variable of its own, so that a process started by this
one can tell it from what the user set.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cifarlab.utils.machine import choices
from cifarlab.utils.machine.choices import ONEDNN, THREADS, Choice
from cifarlab.utils.machine.processor import onednn_isa, read_processor, usable_cores
from cifarlab.utils.machine.rates import read_rates

SET_HERE = "CIFARLAB_SET"
"""The variable that says which others cifarlab set, and to what, as JSON."""
INTER = "TF_NUM_INTEROP_THREADS"
BIT_VARIABLES = (
    *(ONEDNN, *THREADS.values(), INTER, "NPROC", "XLA_FLAGS", "TF_XLA_FLAGS"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "TF_SET_ONEDNN_FPMATH_MODE"),
    *("TF_DETERMINISTIC_OPS", "NVIDIA_TF32_OVERRIDE", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64"),
    *("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"),
)
"""The variables that the bits of a result depend on."""

# A run may come from somebody else: what can name files, such as XLA_FLAGS, is compared and never set.
_COUNT, _WORD = r"[1-9]\d{0,3}", r"[A-Za-z0-9_]{1,40}"
_USED_AGAIN = {
    ONEDNN: r"0|1|true|false",
    **dict.fromkeys((*THREADS.values(), INTER), _COUNT),
    **dict.fromkeys(("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS"), _WORD),
    **dict.fromkeys(("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "TF_SET_ONEDNN_FPMATH_MODE"), _WORD),
}

_PARTS = ("threads", "variables")

_at_load: dict[str, dict[str, str]] = {}  # by backend
_choices: dict[str, tuple[Choice, ...]] = {}


def asked(environment: Mapping[str, str]) -> dict[str, str]:
    """What the user set of `BIT_VARIABLES`; not what cifarlab did, here or in a process above this one."""
    ours = _set_here(environment)
    # By the value too: what was changed since, somebody else wants.
    return {name: value for name, value in _present(environment).items() if ours.get(name) != value}


def prepare(backend: str, versions: Mapping[str, str], recorded: Mapping[str, Any] | None = None) -> None:
    """Set the environment that a backend is about to be loaded in.

    Args:
        backend: `"tensorflow"`, `"jax"` or `"torch"`; not loaded yet.
        versions: Of keras and the backend; a measurement of another version does not count.
        recorded: What a run's `environment.json` says, to compute as that run did; None to choose for this machine.
    """
    given = asked(os.environ)
    if recorded is None:
        found = choices.choose(backend, read_processor(), usable_cores(), given)
        if choices.is_open(found):
            rates = read_rates(versions, backend)
            found = choices.choose(backend, read_processor(), usable_cores(), given, rates)
        wanted = {name: value for choice in found for name, value in choice.variables.items()}
    else:
        wanted = {name: value for name, value in recorded_variables(backend, recorded).items() if name not in given}
        found = tuple(
            Choice("recorded", value, choices.RECORDED, name, {name: value}) for name, value in wanted.items()
        )
    for name in _set_here(os.environ):  # what an earlier choice set, and this one may not
        if name not in given:
            os.environ.pop(name, None)
    os.environ |= wanted
    os.environ[SET_HERE] = json.dumps(wanted)
    _choices[backend] = found


def remember(backend: str) -> None:
    """Note the environment that a backend is loaded in; to change it later changes nothing."""
    _at_load[backend] = _present(os.environ)


def in_force(backend: str) -> dict[str, str]:
    """Those of `BIT_VARIABLES` that a backend computes by: as they were when it was loaded, else as they are."""
    return dict(_at_load.get(backend) or _present(os.environ))


def describe(backend: str) -> dict[str, Any]:
    """What the bits of a result depend on here beside recipe, seed, data and versions, as plain values."""
    processor, variables = read_processor(), in_force(backend)
    isa = onednn_isa(processor, variables) if backend == "tensorflow" else ""
    return {
        "architecture": processor.architecture,
        "features": list(processor.features),
        **({"onednn_isa": isa} if isa else {}),
        "threads": _threads(backend, variables),
        "variables": variables,
        "choices": [
            {"setting": each.setting, "value": each.value, "how": each.how, "why": each.why} for each in chosen(backend)
        ],
    }


def chosen(backend: str) -> tuple[Choice, ...]:
    """What was chosen for a backend in this process; nothing where it was loaded by somebody else."""
    return _choices.get(backend, ())


def recorded_variables(backend: str, recorded: Mapping[str, Any]) -> dict[str, str]:
    """The environment that makes a backend compute as a run did.

    Args:
        backend: The run's.
        recorded: What its `environment.json` says; of an earlier version only its number of cores.
    """
    kernels = recorded.get("kernels")
    if not isinstance(kernels, Mapping):  # before it was recorded, the backend decided, with a thread a core
        kernels = {"threads": {"intra": recorded.get("cores")}}
    threads, variables = ({**each} if isinstance(each, Mapping) else {} for each in map(kernels.get, _PARTS))
    # A number of threads that nobody set was the machine's, and here it would be another.
    variables |= {THREADS.get(backend, ""): threads.get("intra")}
    if backend == "tensorflow":
        variables |= {INTER: threads.get("inter")}
    return {name: str(value) for name, value in variables.items() if _may_be_set(name, str(value))}


def differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What the bits depend on and is not here as it was when a run was made, each in a few words.

    Args:
        recorded: What the run's `environment.json` says.
        here: What `describe_environment` says now.
    """
    then, now = (_facts(each) for each in (recorded, here))
    return [f"{name} {now.get(name, 'not set')}, was {was}" for name, was in then.items() if now.get(name) != was] + [
        f"{name} {value}, was not set" for name, value in now.items() if name not in then and name in BIT_VARIABLES
    ]


def _facts(environment: Mapping[str, Any]) -> dict[str, str]:
    """All that can be compared, as text by name; what a file lacks, or has in another shape, cannot."""
    facts: dict[str, str] = {}
    backend = str(environment.get("backend", ""))
    versions = environment.get("versions")
    if isinstance(versions, Mapping):
        decisive = ("cifarlab", "keras", "numpy", backend, f"{backend}-cpu")
        facts |= {name: str(versions[name]) for name in decisive if name in versions}
    if "processor" in environment:
        facts["processor"] = str(environment["processor"])
    kernels = environment.get("kernels")
    if not isinstance(kernels, Mapping):
        return facts
    if isinstance(kernels.get("features"), Sequence):
        facts["features"] = " ".join(map(str, kernels["features"])) or "unknown"
    if kernels.get("onednn_isa"):
        facts["oneDNN's instruction set"] = str(kernels["onednn_isa"])
    for key, count in dict(kernels["threads"]).items() if isinstance(kernels.get("threads"), Mapping) else ():
        facts[f"threads ({key})"] = str(count)
    variables = kernels.get("variables")
    counted = {*THREADS.values(), INTER}  # these are told by the threads
    if isinstance(variables, Mapping):
        facts |= {str(name): str(value) for name, value in variables.items() if name not in counted}
    return facts


def _threads(backend: str, variables: Mapping[str, str]) -> dict[str, int]:
    cores = str(usable_cores())
    intra = variables.get(THREADS[backend], cores)
    if backend == "jax":
        intra = variables.get(THREADS[backend], variables.get("NPROC", cores))
    counts = {"intra": intra, **({"inter": variables.get(INTER, cores)} if backend == "tensorflow" else {})}
    # 0, or what is no number, leaves it to the backend, which takes a thread a core.
    return {key: int(count) if count.isdigit() and int(count) else int(cores) for key, count in counts.items()}


def _may_be_set(name: str, value: str) -> bool:
    return name in _USED_AGAIN and re.fullmatch(_USED_AGAIN[name], value) is not None


def _present(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in BIT_VARIABLES if name in environment}


def _set_here(environment: Mapping[str, str]) -> dict[str, str]:
    try:
        found = json.loads(environment.get(SET_HERE, "{}"))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
