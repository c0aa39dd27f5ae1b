"""Processors as Linux and macOS describe them, and how many cores a container leaves."""

import math
import os
import platform

import pytest

from cifarlab.utils.machine import processor
from cifarlab.utils.machine.processor import Processor, onednn_isa, parse_cpuinfo, parse_sysctl

# Of an AMD EPYC 7763 (Milan), two threads a core; the flags shortened.
MILAN = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 64-Core Processor
siblings\t: 4
cpu cores\t: 2
flags\t\t: fpu sse2 ssse3 fma sse4_1 sse4_2 avx f16c avx2 bmi2 sha_ni vaes

processor\t: 1
model name\t: AMD EPYC 7763 64-Core Processor
siblings\t: 4
cpu cores\t: 2
flags\t\t: fpu sse2
"""
EMERALD = """model name\t: Intel(R) Xeon(R) Processor
siblings\t: 2
cpu cores\t: 2
flags\t\t: sse4_1 avx avx2 fma avx_vnni avx512f avx512bw avx512_bf16 avx512_vnni avx512_fp16 amx_bf16 amx_tile
"""
# Of an AWS Graviton3: Linux tells no name on ARM.
GRAVITON = """processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm aes pmull sha1 asimdhp cpuid asimdrdm jscvt asimddp sha512 sve asimdfhm i8mm bf16 dgh rng
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1
"""
RASPBERRY = """processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU part\t: 0xd08

Revision\t: c03114
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
APPLE_M2 = """machdep.cpu.cores_per_package: 8
machdep.cpu.brand_string: Apple M2
hw.physicalcpu: 8
hw.logicalcpu: 8
hw.optional.neon: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
"""
APPLE_INTEL = """machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz
hw.physicalcpu: 6
hw.logicalcpu: 12
hw.optional.avx1_0: 1
hw.optional.avx2_0: 1
hw.optional.avx512f: 0
"""


@pytest.mark.parametrize(
    ("text", "architecture", "expected"),
    [
        (MILAN, "x86_64", ("AMD EPYC 7763 64-Core Processor", "sse4_1 avx avx2 fma", 2)),
        (
            EMERALD,
            "x86_64",
            (
                "Intel(R) Xeon(R) Processor",
                "sse4_1 avx avx2 fma avx_vnni avx512f avx512bw avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_bf16",
                1,
            ),
        ),
        (GRAVITON, "aarch64", ("ARM Neoverse V1", "asimd asimddp sve bf16 i8mm", 1)),
        (RASPBERRY, "aarch64", ("ARM Cortex-A72", "asimd", 1)),
    ],
)
def test_linux(text, architecture, expected):
    found = parse_cpuinfo(text, architecture)
    name, features, threads = expected
    assert found == Processor(name, architecture, tuple(features.split()), threads)


@pytest.mark.parametrize(
    ("text", "architecture", "expected"),
    [
        (APPLE_M2, "aarch64", Processor("Apple M2", "aarch64", ("asimd", "asimddp", "bf16", "i8mm"))),
        (
            APPLE_INTEL,
            "x86_64",
            Processor("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "x86_64", ("avx", "avx2"), threads_per_core=2),
        ),
    ],
)
def test_macos(text, architecture, expected):
    assert parse_sysctl(text, architecture) == expected


@pytest.mark.parametrize("parse", [parse_cpuinfo, parse_sysctl])
def test_a_system_that_tells_nothing_has_no_features(parse):
    found = parse("", "riscv64")
    assert found.features == ()
    assert found.name


def test_macos_is_asked_where_there_is_no_cpuinfo(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(processor, "_sysctl", lambda: APPLE_M2)
    assert processor.read_processor.__wrapped__() == parse_sysctl(APPLE_M2, "aarch64")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "AVX512_CORE_AMX"),
        ({"ONEDNN_MAX_CPU_ISA": "avx512_core_bf16"}, "AVX512_CORE_BF16"),
        ({"DNNL_MAX_CPU_ISA": "AVX2"}, "AVX2"),
        ({"ONEDNN_MAX_CPU_ISA": "ALL"}, "AVX512_CORE_AMX"),
    ],
)
def test_onednn_takes_the_best_that_it_may(variables, expected):
    assert onednn_isa(parse_cpuinfo(EMERALD, "x86_64"), variables) == expected
    assert onednn_isa(parse_cpuinfo(GRAVITON, "aarch64"), variables) == ""


@pytest.fixture
def container(monkeypatch, tmp_path):
    """A machine of 64 cores whose limits are in these files."""
    monkeypatch.setattr(processor, "CGROUPS", tmp_path)
    monkeypatch.setattr(processor, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)

    def make(own, **limits):
        (tmp_path / "own").write_text(own)
        for name, text in limits.items():
            file = tmp_path / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs_", "cpu.cfs_")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return make


def test_without_a_limit_all_cores_of_the_affinity_count(container):
    container("0::/\n", cpu_max="max 100000\n")
    assert processor.usable_cores() == 64


def test_a_containers_limit_counts(container):
    container("0::/\n", cpu_max="250000 100000\n")
    assert processor.usable_cores() == 3  # 2.5 cores' worth of time


def test_the_tightest_limit_above_counts(container):
    container(
        "0::/slice/job\n", cpu_max="800000 100000", slice__cpu_max="400000 100000", slice__job__cpu_max="max 100000"
    )
    assert processor.usable_cores() == 4


def test_the_older_kind_of_limits_counts(container):
    container("4:cpu,cpuacct:/job\n", cpu__job__cfs_quota_us="200000\n", cpu__job__cfs_period_us="100000\n")
    assert processor.usable_cores() == 2
    container("4:cpu,cpuacct:/job\n", cpu__job__cfs_quota_us="-1\n")
    assert processor.usable_cores() == 64


def test_where_there_are_no_cgroups_nothing_limits(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, "OWN_CGROUP", tmp_path / "none")
    assert math.isinf(processor._quota())
