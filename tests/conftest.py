from pathlib import Path

import pytest
from hypothesis import settings

from cifarlab.datasets import NoDataError, cifar10

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def cifar10_dir() -> Path:
    """The real CIFAR-10, found as the product finds it, usable as `data_dir`; without it the test is skipped."""
    try:
        form, _, _ = cifar10.locate(None, download=False)
    except NoDataError as error:
        pytest.skip(str(error))
    return form.path
