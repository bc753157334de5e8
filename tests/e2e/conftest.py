"""End-to-end tests are run for an embedded team, unless they are marked.

`services`: for a team that services keep. `both`: for either, as what they look at goes other ways
there.
"""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "services: the test is about stores elsewhere")
    config.addinivalue_line("markers", "both: the test is run for each kind of team")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "xt" in metafunc.fixturenames:
        teams = [team for team, marks in _TEAMS.items() if _has_any(metafunc, marks)]
        metafunc.parametrize("xt", teams or ["embedded"], indirect=True)


_TEAMS = {"embedded": ("both",), "services": ("both", "services")}


def _has_any(metafunc: pytest.Metafunc, marks: tuple[str, ...]) -> bool:
    return any(metafunc.definition.get_closest_marker(mark) for mark in marks)
