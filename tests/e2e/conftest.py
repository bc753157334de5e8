"""End-to-end tests are run for an embedded team and for one that services keep.

Tests marked `embedded` or `services` are about one of them alone.
"""

import pytest

TEAMS = ("embedded", "services")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "embedded: the test is about the embedded stores")
    config.addinivalue_line("markers", "services: the test is about stores elsewhere")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "xt" in metafunc.fixturenames:
        marked = [team for team in TEAMS if metafunc.definition.get_closest_marker(team)]
        metafunc.parametrize("xt", marked or TEAMS, indirect=True)
