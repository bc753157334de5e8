"""One user's view of XT: configuration, stores and controllers, each opened on first use."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.errors import UsageError
from xt_core.home import FIRST_NODE, Home

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore
    from xt_core.config import Config
    from xt_core.nodes.client import ControllerClient
    from xt_core.nodes.controllers import Controllers
    from xt_core.stats.sqlite import SqliteStatsStore


@dataclass
class Session:
    """What commands and the terminal UI work with."""

    home: Home = field(default_factory=Home.default)
    cwd: Path = field(default_factory=Path.cwd)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    overrides: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def config(self) -> "Config":
        from xt_core.config import load_config

        config = load_config(self.home, self.cwd, self.environ, self.overrides)
        team = config.string("general.xt-team-name")
        if team != "local":
            origin = config.origin("general.xt-team-name")
            raise UsageError(
                f"there is no team {team!r} (set by {origin})", "the only team is local"
            )
        return config

    @cached_property
    def store(self) -> "SqliteStatsStore":
        from xt_core.stats.sqlite import SqliteStatsStore

        self.home.create()
        return SqliteStatsStore(self.home.stats_file)

    @cached_property
    def artifacts(self) -> "ArtifactStore":
        from xt_core.artifacts.directory import DirectoryStore

        return DirectoryStore(self.home.artifacts_dir)

    @cached_property
    def controllers(self) -> "Controllers":
        from xt_core.nodes.controllers import Controllers

        return Controllers(self.home, self.environ)

    @property
    def controller(self) -> "ControllerClient":
        """The controller of the first node."""
        return self.controllers.of(FIRST_NODE)

    @property
    def workspace(self) -> str:
        """The current workspace."""
        return self.config.string("general.workspace")

    def close(self) -> None:
        """Let go of the store, if it was opened."""
        if "store" in self.__dict__:
            self.store.close()
            del self.__dict__["store"]
