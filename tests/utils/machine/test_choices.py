"""What is chosen for which processor: by features, by a measurement, by the user."""

import pytest

from cifarlab.utils.machine.choices import ASKED, KNOWN, MEASURED, OPEN, choose, choose_precision, is_open
from cifarlab.utils.machine.processor import Processor
from cifarlab.utils.machine.rates import Rates

AVX2 = Processor("AMD EPYC 7763", "x86_64", ("sse4_1", "avx", "avx2", "fma"))
ZEN4 = Processor("AMD EPYC 9B14", "x86_64", ("avx2", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16"))
AMX = Processor("Intel Xeon", "x86_64", ("avx2", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16"))
NO_AMX = Processor("Intel Xeon", "x86_64", AMX.features[:-2])
NEOVERSE = Processor("ARM Neoverse N2", "aarch64", ("asimd", "sve", "bf16", "i8mm"))
CORTEX = Processor("ARM Cortex-A72", "aarch64", ("asimd",))
OLD = Processor("Old", "x86_64", ("sse4_1",))
UNKNOWN = Processor("x86_64", "x86_64")
ON, OFF = {"TF_ENABLE_ONEDNN_OPTS": "1"}, {"TF_ENABLE_ONEDNN_OPTS": "0"}


def measured(on, off, bfloat16=0.0):
    return Rates(ON, {}, {"float32": on, "bfloat16": bfloat16}), Rates(OFF, {}, {"float32": off})


@pytest.mark.parametrize("processor", [AVX2, ZEN4, AMX, NO_AMX])
def test_onednn_is_on_where_features_decide(processor):
    onednn, threads = choose("tensorflow", processor, 6, {})
    assert (onednn.value, onednn.how, onednn.variables) == ("on", KNOWN, ON)
    assert (threads.value, threads.variables) == ("6", {"TF_NUM_INTRAOP_THREADS": "6"})


@pytest.mark.parametrize("processor", [NEOVERSE, CORTEX, OLD, UNKNOWN])
def test_onednn_is_measured_where_features_do_not_decide(processor):
    onednn, _ = choose("tensorflow", processor, 2, {})
    assert (onednn.how, onednn.variables) == (OPEN, {})
    for rates, value in ((measured(150, 100), "on"), (measured(100, 150), "off")):
        onednn, _ = choose("tensorflow", processor, 2, {}, rates)
        assert (onednn.value, onednn.how) == (value, MEASURED)
        assert onednn.variables == (ON if value == "on" else OFF)
        assert "1.50 times" in onednn.why


@pytest.mark.parametrize(("value", "meaning"), [("0", "off"), ("1", "on"), ("true", "on"), ("false", "off")])
def test_the_user_decides(value, meaning):
    asked = {"TF_ENABLE_ONEDNN_OPTS": value, "TF_NUM_INTRAOP_THREADS": "3"}
    onednn, threads = choose("tensorflow", AVX2, 8, asked)
    assert (onednn.value, onednn.how, onednn.variables) == (meaning, ASKED, {})
    assert (threads.value, threads.how, threads.variables) == ("3", ASKED, {})


@pytest.mark.parametrize(("backend", "variable"), [("jax", "PJRT_NPROC"), ("torch", "OMP_NUM_THREADS")])
def test_other_backends_have_threads_alone(backend, variable):
    (threads,) = choose(backend, AVX2, 4, {})
    assert threads.variables == {variable: "4"}


@pytest.mark.parametrize(
    ("processor", "backend", "accelerators", "variables", "expected"),
    [
        (AVX2, "tensorflow", ["gpu:0"], ON, ("bfloat16", KNOWN)),
        (AVX2, "tensorflow", [], ON, ("float32", KNOWN)),
        (CORTEX, "torch", [], {}, ("float32", KNOWN)),
        (AMX, "tensorflow", [], ON, ("bfloat16", KNOWN)),
        (AMX, "tensorflow", [], OFF, ("float32", KNOWN)),
        (AMX, "tensorflow", [], {**ON, "ONEDNN_MAX_CPU_ISA": "AVX2"}, ("float32", KNOWN)),  # else TensorFlow aborts
        (AMX, "jax", [], {}, ("float32", KNOWN)),
        (ZEN4, "tensorflow", [], ON, ("bfloat16", KNOWN)),
        (NO_AMX, "tensorflow", [], ON, ("float32", OPEN)),
        (NEOVERSE, "tensorflow", [], {}, ("float32", OPEN)),
        (UNKNOWN, "torch", [], {}, ("float32", OPEN)),
    ],
)
def test_precision(processor, backend, accelerators, variables, expected):
    choice = choose_precision(backend, processor, accelerators, variables, ())
    assert (choice.value, choice.how) == expected
    assert is_open([choice]) == (choice.how == OPEN)


@pytest.mark.parametrize(("bfloat16", "value"), [(200, "bfloat16"), (105, "float32"), (40, "float32")])
def test_precision_is_what_was_measured_where_features_do_not_decide(bfloat16, value):
    choice = choose_precision("tensorflow", NO_AMX, [], ON, measured(100, 50, bfloat16))
    assert (choice.value, choice.how) == (value, MEASURED)


def test_what_was_measured_without_onednn_says_nothing_about_it():
    rates = (Rates(OFF, {}, {"float32": 100.0, "bfloat16": 300.0}),)
    assert choose_precision("tensorflow", NO_AMX, [], ON, rates).how == OPEN
