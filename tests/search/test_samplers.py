import importlib.util

import optuna
import pytest

from cifarlab.search.rules import SAMPLERS
from cifarlab.search.samplers import NEEDS, check_sampler, make_sampler
from cifarlab.utils.errors import CifarlabError

PACKAGES = {"gp": "torch", "cmaes": "cmaes"}


def draws(name, seed):
    study = optuna.create_study(sampler=make_sampler(name, seed), direction="maximize")
    study.optimize(lambda trial: -(trial.suggest_float("x", -1, 1) ** 2), n_trials=12)
    return [trial.params["x"] for trial in study.trials]


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_seed_decides_what_is_proposed(name):
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    assert draws(name, 1) == draws(name, 1)
    assert draws(name, 1) != draws(name, 2)


def test_every_package_that_is_needed_is_asked_for():
    assert NEEDS == PACKAGES


@pytest.mark.parametrize("name", PACKAGES)
def test_what_lacks_is_said(monkeypatch, name):
    package, find = PACKAGES[name], importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda each: None if each == package else find(each))
    with pytest.raises(CifarlabError, match=f"the sampler {name} needs {package}: pip install {package}"):
        make_sampler(name, 0)
    check_sampler("tpe")
