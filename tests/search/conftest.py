import pytest


@pytest.fixture(scope="session")
def recipe(search_fakes):
    return search_fakes.RECIPE


@pytest.fixture(scope="session")
def fake_workers(search_fakes):
    """The class `FakeWorkers`."""
    return search_fakes.FakeWorkers
