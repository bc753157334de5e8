"""Stats stores for tests of all of them: where one is, and how another process opens it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from servers.mongod import Mongod

from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.stats.store import StatsStore

Kind = Literal["sqlite", "mongo"]
KINDS: tuple[Kind, ...] = ("sqlite", "mongo")


@dataclass
class StorePlace:
    """An empty place for one store."""

    open: Callable[[], StatsStore]
    """A new store there; a second one sees what the first one did."""
    source: str
    """Python statements after which `store` is such a store."""


def sqlite_place(folder: Path) -> StorePlace:
    path = folder / "stats.db"
    return StorePlace(
        lambda: SqliteStatsStore(path),
        "from pathlib import Path\n"
        "from xt_core.stats.sqlite import SqliteStatsStore\n"
        f"store = SqliteStatsStore(Path({str(path)!r}))\n",
    )


def mongo_place(mongod: Mongod) -> StorePlace:
    from xt_core.stats.mongo.store import MongoStatsStore

    database = f"test-{uuid4().hex}"
    return StorePlace(
        lambda: MongoStatsStore(mongod.url, database, setting="labmongo"),
        "from xt_core.stats.mongo.store import MongoStatsStore\n"
        f"store = MongoStatsStore({mongod.url!r}, {database!r}, setting='labmongo')\n",
    )
