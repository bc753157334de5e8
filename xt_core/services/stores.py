"""What it takes to reach a team's stores, secrets included, and opening them.

It exists in the memory of a process that uses the stores, and is handed to a controller through
its standard input; it is written nowhere and shown nowhere.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xt_core.home import LOCAL_TEAM, Home

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore
    from xt_core.stats.store import StatsStore


@dataclass(frozen=True)
class MongoAccess:
    """How a MongoDB server is reached; `setting` is where a user corrects the URL."""

    url: str = field(repr=False)
    database: str
    setting: str


@dataclass(frozen=True)
class StoreAccess:
    """How a team's stores are reached; None for one that this machine keeps."""

    team: str = LOCAL_TEAM
    stats: MongoAccess | None = None
    artifacts: str | None = None
    """The folder that all nodes see."""
    secret_variables: list[str] = field(default_factory=list)
    """Variables of the environment that no run may see."""

    @property
    def is_embedded(self) -> bool:
        return self.stats is None and self.artifacts is None

    def to_json(self) -> str:
        """For the controller's standard input."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "StoreAccess":
        """The inverse of `to_json`."""
        data: dict[str, Any] = json.loads(text)
        stats = data.pop("stats")
        return StoreAccess(stats=None if stats is None else MongoAccess(**stats), **data)

    def fingerprint(self) -> str:
        """Differs for another access, and tells nothing of the secrets in it; "" if embedded."""
        if self.is_embedded:
            return ""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def open_stats(self, home: Home) -> "StatsStore":
        """The team's stats store. It may be out of reach: that shows when it is used."""
        if self.stats is None:
            from xt_core.stats.sqlite import SqliteStatsStore

            return SqliteStatsStore(home.stats_file)
        from xt_core.stats.mongo.store import MongoStatsStore

        return MongoStatsStore(self.stats.url, self.stats.database, setting=self.stats.setting)

    def open_artifacts(self, home: Home) -> "ArtifactStore":
        """The team's artifact store. It may be out of reach: that shows when it is used."""
        from xt_core.artifacts.directory import DirectoryStore

        return DirectoryStore(
            home.artifacts_dir if self.artifacts is None else Path(self.artifacts)
        )
