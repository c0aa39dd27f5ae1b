"""Which kernels, precision and threads a backend computes with, by the processor, and why: what can be decided here.

By its features where these decide; else by what was measured of it; and always as the user's environment says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cifarlab.utils.machine.processor import Processor, onednn_isa
from cifarlab.utils.machine.rates import Rates

KNOWN, MEASURED, ASKED, RECORDED, OPEN = "known", "measured", "set", "recorded", "not measured"
"""How a choice was made: by features, by a measurement, by the user, by the run that goes on, or not yet."""
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
THREADS = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "jax": "PJRT_NPROC", "torch": "OMP_NUM_THREADS"}
"""Which variable each backend takes its number of threads from."""
GAIN = 1.1
"""So many times as fast must another way be, before a measurement decides for it: less is noise."""
# With one of these TensorFlow's Linux builds use oneDNN by themselves (tensorflow/core/util/port.cc).
_ON_BY_ITSELF = ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")


@dataclass(frozen=True)
class Choice:
    """One thing that was chosen.

    Attributes:
        setting: `"oneDNN"`, `"precision"` or `"threads"`.
        value: What was chosen, as people say it.
        how: `KNOWN`, `MEASURED`, `ASKED`, `RECORDED` or `OPEN`, where it is the backend's own default.
        why: In a few words.
        variables: The environment that brings it about, where the backend would not do it by itself.
    """

    setting: str
    value: str
    how: str
    why: str
    variables: Mapping[str, str] = field(default_factory=dict)


def choose(
    backend: str, processor: Processor, cores: int, asked: Mapping[str, str], rates: Sequence[Rates] = ()
) -> tuple[Choice, ...]:
    """What is chosen for a backend on a processor, the precision apart.

    Args:
        backend: `"tensorflow"`, `"jax"` or `"torch"`.
        processor: Its features.
        cores: How many may be used.
        asked: What the user set in the environment.
        rates: What was measured; may be empty.
    """
    threads = _choose_threads(backend, cores, asked)
    return (choose_onednn(processor, asked, rates), threads) if backend == "tensorflow" else (threads,)


def choose_onednn(processor: Processor, asked: Mapping[str, str], rates: Sequence[Rates] = ()) -> Choice:
    """Whether TensorFlow computes with oneDNN's kernels or with Eigen's; the arguments are those of `choose`."""
    if ONEDNN in asked:
        value = "on" if asked[ONEDNN].lower() in ("1", "true") else "off"
        return Choice("oneDNN", value, ASKED, f"{ONEDNN}={asked[ONEDNN]} is set")
    if processor.has(*_ON_BY_ITSELF):
        return Choice("oneDNN", "on", KNOWN, "the processor has instructions for it (VNNI or bfloat16)", {ONEDNN: "1"})
    if processor.has("avx2"):
        why = "with AVX2 it trains convolutions 1.4 times as fast as Eigen; TensorFlow leaves it off without VNNI"
        return Choice("oneDNN", "on", KNOWN, why, {ONEDNN: "1"})
    on, off = (_best(rates, {ONEDNN: value}) for value in "10")
    if not on or not off:
        return Choice("oneDNN", "as TensorFlow has it", OPEN, "cifarlab machine measures it")
    is_on = on >= off
    why = f"{max(on, off) / min(on, off):.2f} times as many images/s in a convolutional network"
    return Choice("oneDNN", "on" if is_on else "off", MEASURED, why, {ONEDNN: str(int(is_on))})


def choose_precision(
    backend: str,
    processor: Processor,
    accelerators: Sequence[str],
    variables: Mapping[str, str],
    rates: Sequence[Rates],
) -> Choice:
    """What `precision="auto"` means here.

    Args:
        backend: `"tensorflow"`, `"jax"` or `"torch"`.
        processor: Its features.
        accelerators: Devices that the backend computes on instead.
        variables: The environment that the backend was loaded in.
        rates: What was measured; may be empty.
    """
    if accelerators:
        return Choice("precision", "bfloat16", KNOWN, f"{accelerators[0]} multiplies in it")
    if why := _why_float32(backend, processor, variables):
        return Choice("precision", "float32", KNOWN, why)
    if processor.has("amx_bf16"):
        return Choice("precision", "bfloat16", KNOWN, "the processor multiplies tiles in it (AMX)")
    if processor.has("avx512_bf16") and processor.name.startswith("AMD"):
        return Choice("precision", "bfloat16", KNOWN, "AMD's AVX512-BF16 multiplies twice as many as in float32")
    # Intel's AVX512-BF16 without AMX is no certain gain: on a virtual machine that hides AMX it took twice the time.
    best = {each: _best(rates, _onednn_alone(variables), each) for each in ("float32", "bfloat16")}
    if not all(best.values()):
        return Choice("precision", "float32", OPEN, "cifarlab machine measures whether bfloat16 is faster")
    gain = best["bfloat16"] / best["float32"]
    why = f"bfloat16 trains a convolutional network {gain:.2f} times as fast as float32"
    return Choice("precision", "bfloat16" if gain >= GAIN else "float32", MEASURED, why)


def is_open(choices: Sequence[Choice]) -> bool:
    """Whether a measurement would decide something that features did not."""
    return any(choice.how == OPEN for choice in choices)


def _choose_threads(backend: str, cores: int, asked: Mapping[str, str]) -> Choice:
    name = THREADS[backend]
    if name in asked:
        return Choice("threads", asked[name], ASKED, f"{name}={asked[name]} is set")
    why = "as many as there are cores that this process may use"
    return Choice("threads", str(cores), KNOWN, why, {name: str(cores)})


def _why_float32(backend: str, processor: Processor, variables: Mapping[str, str]) -> str:
    """Why bfloat16 cannot be faster on a processor; empty where it could."""
    if backend == "jax":
        return "XLA's convolutions in bfloat16 take twice the time on a processor"
    if backend == "tensorflow" and variables.get(ONEDNN, "").lower() in ("0", "false"):
        return "without oneDNN no kernel multiplies in bfloat16"
    if backend == "tensorflow" and (limit := onednn_isa(processor, variables)) != onednn_isa(processor, {}):
        # TensorFlow asks the processor whether it has bfloat16, then oneDNN for the kernel, and ends the process.
        return f"oneDNN is limited to {limit}"
    if processor.features and not processor.has("avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"):
        is_x86 = processor.architecture == "x86_64"
        return f"the processor has no {'AVX512-BF16, AMX or AVX-NE-CONVERT' if is_x86 else 'bf16'}"
    return ""


def _onednn_alone(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name == ONEDNN}


def _best(rates: Sequence[Rates], variables: Mapping[str, str], precision: str = "float32") -> float:
    """The most images/s that was measured with these variables; 0 where nothing was."""
    found = [each.convolution.get(precision, 0.0) for each in rates if variables.items() <= each.variables.items()]
    return max(found, default=0.0)
