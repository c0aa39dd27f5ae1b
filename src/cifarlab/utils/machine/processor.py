"""The processor: its name, its features for matrix arithmetic, and how many cores this process may use."""

import functools
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
FEATURES = (
    *("sse4_1", "avx", "avx2", "fma", "avx_vnni", "avx_ne_convert"),
    *("avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
    *("asimd", "asimddp", "sve", "sve2", "bf16", "i8mm", "sme"),
)
"""Those that decide which kernels a backend takes, by Linux's names; x86 first, then ARM."""
# By implementer and part, as /proc/cpuinfo has them: ARM's Linux tells no names.
_ARM_PARTS = {
    ("0x41", "0xd0c"): "ARM Neoverse N1",
    ("0x41", "0xd40"): "ARM Neoverse V1",
    ("0x41", "0xd49"): "ARM Neoverse N2",
    ("0x41", "0xd4f"): "ARM Neoverse V2",
    ("0x41", "0xd84"): "ARM Neoverse V3",
    ("0x41", "0xd8e"): "ARM Neoverse N3",
    ("0x41", "0xd08"): "ARM Cortex-A72",
    ("0x41", "0xd0b"): "ARM Cortex-A76",
    ("0xc0", "0xac3"): "AmpereOne",
}
# macOS has names of its own for the same features.
_OF_SYSCTL = {
    "hw.optional.avx2_0": "avx2",
    "hw.optional.avx1_0": "avx",
    "hw.optional.sse4_1": "sse4_1",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.avx512bw": "avx512bw",
    "hw.optional.fma": "fma",
    "hw.optional.neon": "asimd",
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.arm.AdvSIMD": "asimd",
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_SME": "sme",
}


@dataclass(frozen=True)
class Processor:
    """A processor, as far as the choice of kernels asks.

    Attributes:
        name: As its maker calls it, where the system tells.
        architecture: `"x86_64"`, `"aarch64"`, or what else the system says.
        features: Those of `FEATURES` that it has, in their order; empty where the system does not tell.
        threads_per_core: How many logical cores share a physical one; 1 where the system does not tell.
    """

    name: str
    architecture: str
    features: tuple[str, ...] = ()
    threads_per_core: int = 1

    def has(self, *features: str) -> bool:
        """Whether it has one of these."""
        return any(feature in self.features for feature in features)


@functools.cache
def read_processor() -> Processor:
    """This machine's processor, asked once."""
    architecture = _architecture(platform.machine())
    if CPUINFO.is_file():
        return parse_cpuinfo(CPUINFO.read_text(encoding="utf-8", errors="replace"), architecture)
    if platform.system() == "Darwin":
        return parse_sysctl(_sysctl(), architecture)
    return Processor(platform.processor() or architecture, architecture)


def parse_cpuinfo(text: str, architecture: str) -> Processor:
    """A processor as Linux describes it in `/proc/cpuinfo`.

    Args:
        text: The file; one paragraph a logical core. The first core speaks for all but their number.
        architecture: `"x86_64"` or `"aarch64"`.
    """
    first = dict(reversed(_pairs(text)))  # the first of each key: `dict` keeps the last it meets
    flags = set(f"{first.get('flags', '')} {first.get('Features', '')}".split())
    part = _ARM_PARTS.get((first.get("CPU implementer", ""), first.get("CPU part", "")), "")
    name = first.get("model name") or part or first.get("Model") or platform.processor() or architecture
    siblings, cores = (int(first.get(key) or 1) for key in ("siblings", "cpu cores"))
    return Processor(name, architecture, _known(flags), max(1, siblings // max(1, cores)))


def parse_sysctl(text: str, architecture: str) -> Processor:
    """A processor as macOS describes it: lines such as `hw.optional.arm.FEAT_BF16: 1`.

    Args:
        text: What `sysctl machdep.cpu hw` prints.
        architecture: `"x86_64"` or `"aarch64"`.
    """
    facts = dict(_pairs(text))
    flags = {name for key, name in _OF_SYSCTL.items() if facts.get(key) == "1"}
    physical, logical = (int(facts.get(key) or 1) for key in ("hw.physicalcpu", "hw.logicalcpu"))
    name = facts.get("machdep.cpu.brand_string") or architecture
    return Processor(name, architecture, _known(flags), max(1, logical // max(1, physical)))


def usable_cores() -> int:
    """Logical cores that this process may use: `taskset`, a cluster's job or a container may leave it few of many."""
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return max(1, affine if math.isinf(quota) else min(affine, math.ceil(quota)))


def onednn_isa(processor: Processor, variables: Mapping[str, str]) -> str:
    """The instruction set that oneDNN computes with, by its own names; empty on other processors than x86.

    Args:
        processor: Whose.
        variables: The environment, where `ONEDNN_MAX_CPU_ISA` limits it.
    """
    limit = (variables.get("ONEDNN_MAX_CPU_ISA") or variables.get("DNNL_MAX_CPU_ISA") or "").upper()
    names = [name for name, _ in _ISAS]
    allowed = _ISAS[: names.index(limit) + 1] if limit in names else _ISAS
    return next((name for name, feature in reversed(allowed) if processor.has(feature)), "")


# Each with the feature that makes the difference to the one before.
_ISAS = (
    ("SSE41", "sse4_1"),
    ("AVX", "avx"),
    ("AVX2", "avx2"),
    ("AVX2_VNNI", "avx_vnni"),
    ("AVX2_VNNI_2", "avx_ne_convert"),
    ("AVX512_CORE", "avx512bw"),
    ("AVX512_CORE_VNNI", "avx512_vnni"),
    ("AVX512_CORE_BF16", "avx512_bf16"),
    ("AVX512_CORE_FP16", "avx512_fp16"),
    ("AVX512_CORE_AMX", "amx_bf16"),
    ("AVX512_CORE_AMX_FP16", "amx_fp16"),
)


def _architecture(machine: str) -> str:
    return {"AMD64": "x86_64", "arm64": "aarch64", "ARM64": "aarch64"}.get(machine, machine)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines())]


def _known(flags: set[str]) -> tuple[str, ...]:
    return tuple(feature for feature in FEATURES if feature in flags)


def _sysctl() -> str:
    command = ["/usr/sbin/sysctl", "machdep.cpu", "hw"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):  # then nothing is known of the processor
        return ""


def _quota() -> float:
    """Cores' worth of time that a container's limit allows (Linux's cgroups); infinity where there is none."""
    try:
        own = OWN_CGROUP.read_text(encoding="utf-8")
    except OSError:
        return math.inf
    places = [CGROUPS, CGROUPS / "cpu"]
    for line in own.splitlines():
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number == "0" or "cpu" in controllers.split(","):
            root = CGROUPS if number == "0" else CGROUPS / "cpu"
            inside = root / path.lstrip("/")
            places += [each for each in (inside, *inside.parents) if each.is_relative_to(root)]
    return min(map(_quota_of, places))  # each of them limits all below it


def _quota_of(folder: Path) -> float:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((folder / name).read_text(encoding="utf-8") for name in names).split()
        except OSError:
            continue
        # "max" and -1 say that there is no limit.
        if len(words) == 2 and all(re.fullmatch(r"\d+", word) for word in words) and int(words[1]):
            return int(words[0]) / int(words[1])
    return math.inf
