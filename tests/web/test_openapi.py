"""The API keeps to its own description: schemathesis makes up requests from it."""

import importlib
import pkgutil
from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from cifarlab.web.settings import Settings

FEW, MANY = 15, 150


def load_whole_package() -> None:
    """Load schemathesis before a server runs in a thread.

    It loads its parts when they are first used, pytest parses the source of each, and two threads that parse source
    at once trip over Python 3.11's parser (SystemError: AST constructor recursion depth mismatch).
    """
    for part in pkgutil.walk_packages(schemathesis.__path__, "schemathesis."):
        if not part.name.startswith("schemathesis.reporting."):  # reports for programs that are not installed
            importlib.import_module(part.name)


load_whole_package()


@pytest.fixture(scope="module")
def api(fakes, tmp_path_factory, make_run):
    """The description of a server that runs."""
    runs_dir = tmp_path_factory.mktemp("runs")
    make_run(runs_dir, "first")
    with fakes.serving(Settings(runs_dir=runs_dir, data="digits"), fakes.FakeModelStore()) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def hold(api, count: int, check: Callable) -> list[str]:
    """Check made-up requests to every address; gives the addresses."""
    labels = []
    for each in api.get_all_operations():
        operation = each.ok()
        labels.append(operation.label)

        @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy())
        def ask(case):
            check(case)

        ask()
    return labels


def is_no_server_error(case) -> None:
    response = case.call()
    not_ready = response.status_code == 503 and case.operation.path == "/readyz"
    assert response.status_code < 500 or not_ready, response.text


def test_no_server_error(api):
    labels = hold(api, FEW, is_no_server_error)
    assert {"POST /v1/predict", "GET /v1/runs/{id}/scores", "GET /metrics"} <= set(labels)


@pytest.mark.thorough
def test_no_server_error_in_many_requests(api):
    hold(api, MANY, is_no_server_error)


@pytest.mark.thorough
def test_answers_are_as_described(api):
    from schemathesis.checks import load_all_checks
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    load_all_checks()
    checks = [content_type_conformance, response_schema_conformance, status_code_conformance]
    hold(api, 50, lambda case: case.validate_response(case.call(), checks=checks))
