"""`import cifarlab as cl` is light, and each of its names is there."""

import importlib
import inspect
import subprocess
import sys

import pytest

import cifarlab as cl


@pytest.mark.parametrize("name", cl.__all__)
def test_every_public_name_is_there(name):
    assert getattr(cl, name) is not None
    assert name in dir(cl)


def test_functions_are_functions_and_not_modules():
    functions = (
        "calibrate compare compare_with_humans describe_data evaluate examine_labels explore find_rate list_recipes "
        "load_data load_human_labels measure_robustness predict report resume shared_mistakes slice_accuracy train"
    )
    for name in functions.split():
        assert callable(getattr(cl, name))


def test_functions_stay_what_they_are_once_their_modules_are_imported():
    for module in ("calibration", "label_errors", "human_labels", "robustness", "robustness.suite", "slices"):
        importlib.import_module(f"cifarlab.evaluation.{module}")
    for name in ("calibrate", "examine_labels", "compare_with_humans", "measure_robustness", "slice_accuracy"):
        assert inspect.isfunction(getattr(cl, name))
        assert getattr(cl, name).__name__ == name
    assert cl.RobustnessSuite(severities=(1, 3)).severities == (1, 3)


def test_what_was_called_otherwise_keeps_its_old_name():
    assert cl.tell_story is cl.explain_image
    assert cl.tell_stories is cl.explain_images
    assert cl.RobustnessSuite is cl.RobustnessSettings


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = cl.trian


def test_importing_it_loads_nothing_heavy():
    program = (
        "import cifarlab, sys; print(*{'keras', 'tensorflow', 'jax', 'torch', 'numpy', 'typer'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
