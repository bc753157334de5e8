"""The stats stores of the contract: each test runs once on every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stats_stores import KINDS, StorePlace, mongo_place, sqlite_place

from xt_core.stats.store import StatsStore


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> StorePlace:
    if request.param == "sqlite":
        return sqlite_place(tmp_path)
    return mongo_place(request.getfixturevalue("mongod"))


@pytest.fixture
def store(place: StorePlace) -> Iterator[StatsStore]:
    opened = place.open()
    yield opened
    opened.close()
