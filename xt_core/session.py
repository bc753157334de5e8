"""One user's view of XT: configuration, stores and controllers, each opened on first use."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from xt_core.errors import UnavailableError, XTError
from xt_core.home import FIRST_NODE, Home

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore
    from xt_core.config import Config
    from xt_core.identity.signin import SignIn
    from xt_core.model.records import Job
    from xt_core.nodes.client import ControllerClient
    from xt_core.nodes.controllers import Controllers
    from xt_core.services.secrets import Secrets
    from xt_core.services.stores import StoreAccess
    from xt_core.services.team import Team
    from xt_core.stats.store import StatsStore


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

        return load_config(self.home, self.cwd, self.environ, self.overrides)

    @cached_property
    def team(self) -> "Team":
        """The team in use."""
        from xt_core.services.team import team_of

        return team_of(self.config)

    @cached_property
    def team_home(self) -> Home:
        """The home as the team has it: its nodes on this machine, its embedded stores."""
        return self.home.of_team(self.team.name)

    @cached_property
    def access(self) -> "StoreAccess":
        """How the team's stores are reached; may ask the team's vault."""
        from xt_core.services.access import access_of

        return access_of(self.team, self.secrets)

    @cached_property
    def sign_in(self) -> "SignIn":
        """The user's sign-in to cloud services; nobody signs in before a service needs it."""
        from xt_core.identity.cache import SessionCache
        from xt_core.identity.signin import SignIn

        kind = self.config.string("general.authentication")
        return SignIn(kind, self.environ, SessionCache.of(self.environ))

    @cached_property
    def secrets(self) -> "Secrets":
        """Where the secrets of the team's services come from."""
        from xt_core.services.secrets import Secrets

        return Secrets(self.team, self.environ, lambda: self.sign_in)

    @cached_property
    def store(self) -> "StatsStore":
        self.team_home.create()
        return self.access.open_stats(self.team_home)

    @cached_property
    def artifacts(self) -> "ArtifactStore":
        return self.access.open_artifacts(
            self.team_home, self.sign_in if self.access.needs_sign_in else None
        )

    @cached_property
    def controllers(self) -> "Controllers":
        from xt_core.nodes.controllers import Controllers

        return Controllers(
            self.team_home, self.environ, lambda: self.access, lambda: self.node_access
        )

    def sign_in_beforehand(self) -> None:
        """Sign in, if the team needs it, while the terminal is there to be asked on: a screen is
        drawn on it next. What fails shows where it is used."""
        from xt_core.identity.signin import STORAGE_SCOPE

        with contextlib.suppress(XTError):
            if self.team.is_embedded:
                return
            if self.access.needs_sign_in:
                self.sign_in.get_token_info(STORAGE_SCOPE)
        if "sign_in" in self.__dict__:
            self.sign_in.may_ask = False

    @property
    def node_access(self) -> "StoreAccess":
        """What a controller gets to reach the team's stores."""
        access = self.access
        return access.for_node(self.sign_in) if access.needs_sign_in else access

    @property
    def controller(self) -> "ControllerClient":
        """The controller of the first node."""
        return self.controllers.of(FIRST_NODE)

    def check_is_here(self, jobs: Iterable[str]) -> None:
        """Raise UnavailableError if nodes of another machine do one of these jobs: there is no way
        to steer those from here."""
        names = sorted(set(jobs))
        if not names or self.access.stats is None:
            return
        for job in self.store.jobs(names):
            if not self.is_here(job):
                raise UnavailableError(
                    f"{job.name} is done on {job.host}, out of reach from here",
                    f"do that on {job.host.partition(':')[0]}",
                )

    def is_here(self, job: "Job") -> bool:
        """Whether nodes of this machine do the job."""
        return self.access.stats is None or job.host in ("", self.team_home.place)

    def open_jobs(self, node: str) -> list["Job"]:
        """The unfinished jobs of a node of this machine."""
        return [job for job in self.store.open_jobs(node) if self.is_here(job)]

    @property
    def workspace(self) -> str:
        """The current workspace."""
        return self.config.string("general.workspace")

    def close(self) -> None:
        """Let go of the stores that were opened."""
        for name in ("store", "artifacts"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()
