"""Which backend is chosen, in which order, and what is said where there is none."""

import importlib.machinery
import json
import logging
import os

import pytest

from cifarlab.utils import environment
from cifarlab.utils.environment import choose_backend, choose_precision
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.machine import kernels
from cifarlab.utils.machine.processor import Processor
from cifarlab.utils.machine.rates import Rates


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Pretend that these backends are installed, no other, and that Keras has no settings file."""
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr(kernels, "prepare", lambda *_: None)
    monkeypatch.setattr(kernels, "remember", lambda *_: None)

    def pretend(*names):
        specs = {name: importlib.machinery.ModuleSpec(name, None) for name in names}
        monkeypatch.setattr("importlib.util.find_spec", specs.get)
        return tmp_path

    return pretend


@pytest.mark.parametrize(
    ("installed", "expected"),
    [(["tensorflow", "jax", "torch"], "tensorflow"), (["torch", "jax"], "jax"), (["torch"], "torch")],
)
def test_the_first_one_installed_is_taken(installed, expected, install):
    install(*installed)
    assert choose_backend() == expected
    assert os.environ["KERAS_BACKEND"] == expected


def test_the_variable_is_obeyed(install, monkeypatch):
    install("tensorflow", "torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert choose_backend() == "torch"


def test_the_settings_file_is_obeyed_if_its_backend_is_there(install):
    home = install("tensorflow", "torch")
    (home / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert choose_backend() == "torch"
    (home / "keras.json").write_text(json.dumps({"backend": "jax"}))
    os.environ["KERAS_BACKEND"] = ""
    assert choose_backend() == "tensorflow"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"backend": 3}'])
def test_a_broken_settings_file_is_passed_over(content, install):
    (install("tensorflow") / "keras.json").write_text(content)
    assert choose_backend() == "tensorflow"


@pytest.mark.parametrize(
    ("setting", "installed", "expected"),
    [
        ("", [], r"no backend is installed: pip install 'cifarlab\[tensorflow\]'"),
        ("jax", ["tensorflow"], r"jax is not installed: pip install 'cifarlab\[jax\]'"),
        ("mxnet", ["tensorflow"], "must be one of tensorflow, jax, torch"),
    ],
)
def test_no_usable_backend_is_one_line(setting, installed, expected, install, monkeypatch):
    install(*installed)
    monkeypatch.setenv("KERAS_BACKEND", setting)
    with pytest.raises(CifarlabError, match=expected):
        choose_backend()


def test_versions_and_processor_are_told():
    assert environment.versions()["keras"].startswith("3.")
    assert environment.processor_name()


@pytest.mark.parametrize(("accelerators", "expected"), [([], "float32"), (["gpu:0"], "bfloat16")])
def test_auto_precision_asks_processor_and_accelerators(monkeypatch, accelerators, expected):
    monkeypatch.setattr(environment, "read_processor", lambda: Processor("A", "x86_64", ("avx2",)))
    monkeypatch.setattr(environment, "_accelerators", lambda: accelerators)
    assert choose_precision("auto") == expected
    assert choose_precision("float32") == "float32"


def test_auto_precision_is_what_was_measured_where_features_do_not_decide(monkeypatch):
    features = ("avx2", "avx512bw", "avx512_vnni", "avx512_bf16")
    monkeypatch.setattr(environment, "read_processor", lambda: Processor("Intel", "x86_64", features))
    monkeypatch.setattr(environment, "_accelerators", list)
    monkeypatch.setattr(kernels, "in_force", lambda _: {"TF_ENABLE_ONEDNN_OPTS": "1"})
    monkeypatch.setattr(environment, "choose_backend", lambda: "tensorflow")
    for rate, expected in ((0.0, "float32"), (200.0, "bfloat16"), (50.0, "float32")):
        found = Rates({"TF_ENABLE_ONEDNN_OPTS": "1"}, {}, {"float32": 100.0, "bfloat16": rate})
        monkeypatch.setattr(environment, "read_rates", lambda *_, found=found: (found,))
        assert choose_precision("auto") == expected


def test_a_notice_of_retracing_is_no_concern_of_the_user(caplog):
    environment.choose_backend()
    logger = logging.getLogger("tensorflow")
    logger.warning("5 out of the last %d calls to <function f> triggered tf.function retracing.", 7)
    logger.warning("something else")
    assert caplog.messages == ["something else"]
    environment.choose_backend()
    assert logger.filters.count(environment._is_no_notice_of_retracing) == 1
