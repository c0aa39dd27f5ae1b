"""The API keeps to its own description: schemathesis makes up requests from it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings


@pytest.fixture(scope="module")
def api(fakes, tmp_path_factory, make_run):
    """The description of a server that runs."""
    from cifarlab.web.settings import Settings

    runs_dir = tmp_path_factory.mktemp("runs")
    make_run(runs_dir, "first")
    with fakes.serving(Settings(runs_dir=runs_dir, data="digits"), fakes.FakeShelf()) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_server_error(case):
    response = case.call()
    assert response.status_code < 500, response.text


@pytest.mark.thorough
@schema.parametrize()
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case):
    case.call_and_validate()
