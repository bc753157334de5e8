"""What it takes to reach a team's stores, secrets included, and opening them.

It exists in the memory of a process that uses the stores, and is handed to a controller through
its standard input; it is written nowhere and shown nowhere.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xt_core.home import LOCAL_TEAM, Home

if TYPE_CHECKING:
    from azure.core.credentials import AzureSasCredential, TokenCredential

    from xt_core.artifacts.store import ArtifactStore
    from xt_core.stats.store import StatsStore


SAS_LIFE_SECONDS = 2 * 24 * 3600.0
"""How long a node may use what it is given in place of a sign-in; the service permits 7 days."""
RENEWED_FROM_SECONDS = SAS_LIFE_SECONDS / 2
"""One with less time left is replaced when a client comes by."""


@dataclass(frozen=True)
class MongoAccess:
    """How a MongoDB server is reached; `setting` is where a user corrects the URL."""

    url: str = field(repr=False)
    database: str
    setting: str


@dataclass(frozen=True)
class HomeAccess:
    """A store that a client keeps, out of the node's reach: the client fetches over SSH what the
    node has for it, and brings what the node needs."""

    home: str
    """The client's `Home.place`, for messages."""


@dataclass(frozen=True)
class FolderAccess:
    """The folder of the team's artifacts, which all nodes see."""

    path: str


@dataclass(frozen=True)
class BlobAccess:
    """How a container of Azure Blob storage is reached.

    `service` is its name in the configuration, and `setting` where a user corrects the rest.
    """

    service: str
    setting: str
    container: str
    connection_string: str = field(default="", repr=False)
    account_url: str = ""
    """Instead of a connection string: reached by the user's sign-in, by a node with a SAS."""
    sas: str = field(default="", repr=False)
    sas_expires: float | None = None
    """Seconds since 1970."""

    @property
    def needs_sign_in(self) -> bool:
        return not self.connection_string


@dataclass(frozen=True)
class StoreAccess:
    """How a team's stores are reached; None for one that this machine keeps."""

    team: str = LOCAL_TEAM
    stats: MongoAccess | HomeAccess | None = None
    artifacts: FolderAccess | BlobAccess | HomeAccess | None = None
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
        stats, artifacts = data.pop("stats"), data.pop("artifacts")
        return StoreAccess(
            stats=None if stats is None else _stats_access(stats),
            artifacts=None if artifacts is None else _artifacts_access(artifacts),
            **data,
        )

    def fingerprint(self) -> str:
        """Differs for another access, and tells nothing of the secrets in it; "" if embedded.

        A newer SAS for the same container does not make it another.
        """
        if self.is_embedded:
            return ""
        lasting = self
        if isinstance(self.artifacts, BlobAccess):
            lasting = replace(self, artifacts=replace(self.artifacts, sas="", sas_expires=None))
        return hashlib.sha256(lasting.to_json().encode()).hexdigest()[:16]

    @property
    def expires(self) -> float | None:
        """When it ends (seconds since 1970); None for never."""
        return self.artifacts.sas_expires if isinstance(self.artifacts, BlobAccess) else None

    @property
    def needs_sign_in(self) -> bool:
        """Whether it is the user's sign-in that opens a store."""
        return isinstance(self.artifacts, BlobAccess) and self.artifacts.needs_sign_in

    def for_node(self, sign_in: "TokenCredential") -> "StoreAccess":
        """What a node gets, who has no sign-in. Raises RefusedError, UnavailableError."""
        if not isinstance(self.artifacts, BlobAccess) or not self.artifacts.needs_sign_in:
            return self
        from xt_core.identity.delegation import delegated

        return replace(self, artifacts=delegated(self.artifacts, sign_in))

    def for_box(self, home: Home) -> "StoreAccess":
        """What a node gets that is on another machine than the stores which this home keeps."""
        kept = HomeAccess(home.place)
        return replace(self, stats=self.stats or kept, artifacts=self.artifacts or kept)

    @property
    def is_kept_at_home(self) -> bool:
        """Whether a client keeps one of the stores: its node on a machine is that client's only."""
        return isinstance(self.stats, HomeAccess) or isinstance(self.artifacts, HomeAccess)

    def open_stats(self, home: Home, contact_seconds: float | None = None) -> "StatsStore":
        """The team's stats store. It may be out of reach: that shows when it is used, within
        `contact_seconds`, where given."""
        if self.stats is None or isinstance(self.stats, HomeAccess):
            from xt_core.stats.sqlite import SqliteStatsStore

            return SqliteStatsStore(home.stats_file)
        from xt_core.stats.mongo.store import MongoStatsStore

        mongo = self.stats
        return MongoStatsStore(
            mongo.url, mongo.database, setting=mongo.setting, contact_seconds=contact_seconds
        )

    def open_artifacts(
        self,
        home: Home,
        sign_in: "TokenCredential | AzureSasCredential | None" = None,
        patience_seconds: float = 30.0,
    ) -> "ArtifactStore":
        """The team's artifact store, with the user's sign-in or a node's SAS if it needs one. It
        may be out of reach: that shows when it is used.

        A request to a remote one is made again for `patience_seconds`, and then waited for as long.
        """
        if isinstance(self.artifacts, BlobAccess):
            from xt_core.artifacts.blob import BlobStore
            from xt_core.artifacts.blob_container import BlobAccount

            blobs = self.artifacts
            account = BlobAccount(
                blobs.service,
                blobs.setting,
                connection_string=blobs.connection_string,
                url=blobs.account_url,
                credential=sign_in if blobs.needs_sign_in else None,
                retry_seconds=patience_seconds,
                answer_seconds=patience_seconds,
            )
            return BlobStore(account, blobs.container)
        from xt_core.artifacts.directory import DirectoryStore

        if isinstance(self.artifacts, FolderAccess):
            return DirectoryStore(Path(self.artifacts.path))
        return DirectoryStore(home.artifacts_dir)


def _stats_access(data: dict[str, Any]) -> MongoAccess | HomeAccess:
    return HomeAccess(**data) if "home" in data else MongoAccess(**data)


def _artifacts_access(data: dict[str, Any]) -> FolderAccess | BlobAccess | HomeAccess:
    if "home" in data:
        return HomeAccess(**data)
    return FolderAccess(**data) if "path" in data else BlobAccess(**data)
