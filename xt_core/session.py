"""One user's view of XT: configuration, stores and controllers, each opened on first use."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xt_core.errors import UnavailableError, UnknownNameError, XTError
from xt_core.home import FIRST_NODE, Home, is_own_node

if TYPE_CHECKING:
    from xt_core.artifacts.store import ArtifactStore
    from xt_core.config import Config
    from xt_core.identity.signin import SignIn
    from xt_core.model.records import Job, Run
    from xt_core.nodes.boxnodes import BoxNodes
    from xt_core.nodes.controllers import Controllers
    from xt_core.nodes.homecoming import Homecoming
    from xt_core.nodes.requests import NodeClient
    from xt_core.services.secrets import Secrets
    from xt_core.services.stores import StoreAccess
    from xt_core.services.team import Team
    from xt_core.ssh.boxes import Boxes
    from xt_core.stats.sqlite import SqliteStatsStore
    from xt_core.stats.store import StatsStore

T = TypeVar("T")
_LEFT_ALONE_SECONDS = 30.0
"""How long a stats store is not asked again that did not answer."""
_LOOK_SECONDS, _PATIENCE_SECONDS = 8.0, 30.0
"""How long services that are away are waited for by who only looks, and by others."""


def _nobody(_text: str) -> None:
    """For who does not want to know."""


@dataclass
class Session:
    """What commands and the terminal UI work with."""

    home: Home = field(default_factory=Home.default)
    cwd: Path = field(default_factory=Path.cwd)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    overrides: Mapping[str, object] = field(default_factory=dict)
    is_fresh: bool = field(default=False, init=False)
    """Whether boxes were asked already for what is to be shown."""
    is_looking: bool = False
    """Whether it only looks: it does not wait long for a service to come back."""
    waiting: Callable[[str], None] = field(default=_nobody, repr=False)
    """Told what is waited for where a controller does not answer."""
    _connections: "Callable[[], Boxes] | None" = field(default=None, init=False, repr=False)
    _away: UnavailableError | None = field(default=None, init=False, repr=False)
    _away_until: float = field(default=0.0, init=False, repr=False)

    @cached_property
    def config(self) -> "Config":
        from xt_core.config import load_config

        return load_config(self.home, self.cwd, self.environ, self.overrides)

    def beside(
        self,
        overrides: Mapping[str, object] | None = None,
        cwd: Path | None = None,
        *,
        is_looking: bool = False,
    ) -> "Session":
        """Another session, for work that has stores of its own, perhaps in another folder; both
        use the same connections to boxes, which end with this one."""
        chosen = self.overrides if overrides is None else overrides
        where = (self.home, cwd or self.cwd, self.environ)
        other = Session(*where, chosen, is_looking, waiting=self.waiting)
        other._connections = lambda: self.boxes.boxes
        return other

    def reload_config(self) -> None:
        """Take over what was changed in the configuration's boxes and targets since it was read.
        Raises ConfigError for one that is wrong, and keeps the old one."""
        from xt_core.config import load_config

        self.__dict__["config"] = load_config(self.home, self.cwd, self.environ, self.overrides)
        if "boxes" in self.__dict__:
            self.boxes.reconfigure()

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
        return self.access.open_stats(self.team_home, _LOOK_SECONDS if self.is_looking else None)

    @cached_property
    def node_stats(self) -> "SqliteStatsStore":
        """What the nodes of this machine know, all of which their team may not have yet."""
        from xt_core.stats.sqlite import SqliteStatsStore

        self.team_home.create()
        return SqliteStatsStore(self.team_home.stats_file)

    @cached_property
    def artifacts(self) -> "ArtifactStore":
        return self.access.open_artifacts(
            self.team_home,
            self.sign_in if self.access.needs_sign_in else None,
            _LOOK_SECONDS if self.is_looking else _PATIENCE_SECONDS,
        )

    @cached_property
    def controllers(self) -> "Controllers":
        from xt_core.nodes.controllers import Controllers

        return Controllers(
            self.team_home,
            self.environ,
            lambda: self.access,
            lambda: self.node_access,
            self.boxes,
            self.homecoming,
            lambda text: self.waiting(text),
        )

    @cached_property
    def boxes(self) -> "BoxNodes":
        """The team's nodes on boxes."""
        from xt_core.nodes.boxnodes import BoxNodes

        return BoxNodes(
            self.team_home,
            lambda: self.config,
            self.environ,
            lambda: self.access,
            lambda: self.node_access,
            self._connections,
            lambda text: self.waiting(text),
        )

    @cached_property
    def homecoming(self) -> "Homecoming":
        """What goes between the stores of this home and its team's nodes on boxes."""
        from xt_core.nodes.homecoming import Homecoming

        return Homecoming(
            self.boxes, lambda: self.access, lambda: self.store, lambda: self.artifacts
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
    def controller(self) -> "NodeClient":
        """The controller of the first node."""
        return self.controllers.of(FIRST_NODE)

    def check_is_reached(self, jobs: Iterable[str]) -> None:
        """Raise UnavailableError if a node does one of these jobs that cannot be steered from
        here."""
        names = set(jobs)
        if not names or self.access.stats is None:
            return
        names -= {job.name for job in self.node_stats.jobs(sorted(names))}
        for job in self.store.jobs(sorted(names)) if names else ():
            for node in job.nodes:
                if not self.reaches(node, job):
                    raise self._out_of_reach(node, job)

    def _out_of_reach(self, node: str, job: "Job") -> UnavailableError:
        host = job.hosts.get(node, "another machine")
        hint = f"do that on {host.partition(':')[0]}"
        if not is_own_node(node):
            hint = f"xt box add {node} USER@HOST:PORT makes it known here"
        return UnavailableError(f"{job.name} is done on {host}, out of reach from here", hint)

    def does(self, job: str) -> bool:
        """Whether nodes that are reached from here do a job, which need not be known to the team
        by now."""
        if self.access.stats is None or self.node_stats.jobs([job]):
            return True
        found = self.store.job(job)
        return all(self.reaches(node, found) for node in found.nodes)

    def place_of(self, node: str) -> str:
        """The machine that a node which has a controller is on, and the folder of its XT."""
        if is_own_node(node):
            return self.team_home.place
        return self.boxes.records.get(node).place

    def reaches_run(self, run: "Run") -> bool:
        """Whether the node of a run, which need not be known to the team by now, can be steered
        from here."""
        if self.access.stats is None or self.node_stats.jobs([run.job]):
            return True
        return self.reaches(run.node, self.store.job(run.job))

    def reaches(self, node: str, job: "Job") -> bool:
        """Whether a node of a job can be steered from here: it is of this home, or a box that the
        configuration knows."""
        if self.access.stats is None:
            return True
        if not is_own_node(node):
            return node in self.config.as_dict()["boxes"]
        if job.hosts.get(node, "") in ("", self.team_home.place):
            return True
        return bool(self.node_stats.jobs([job.name]))  # this home was moved, with all it knows

    def open_jobs(self, node: str) -> list["Job"]:
        """The unfinished jobs of a node of this machine; while the team's stats store is out of
        reach, those that the node knows."""
        return self._ask_or_look(
            lambda store: [job for job in store.open_jobs(node) if self.reaches(node, job)]
        )

    def run(self, workspace: str, name: str) -> "Run":
        """One run; while the team's stats store is out of reach, as a node of this machine has it.

        Raises UnknownNameError, or UnavailableError if no node here has it then.
        """
        return self._ask_or_look(lambda store: store.run(workspace, name))

    def _ask_or_look(self, ask: "Callable[[StatsStore], T]") -> "T":
        """What the team's stats store answers, or what the nodes here know while it does not."""
        if self.access.stats is None:
            return ask(self.store)
        if self._away is None or time.monotonic() > self._away_until:
            try:
                return ask(self.store)
            except UnavailableError as error:
                self._away, self._away_until = error, time.monotonic() + _LEFT_ALONE_SECONDS
        try:
            return ask(self.node_stats)
        except UnknownNameError:
            raise self._away from None

    @property
    def workspace(self) -> str:
        """The current workspace."""
        return self.config.string("general.workspace")

    def close(self) -> None:
        """Let go of the stores and connections that were opened."""
        boxes = self.__dict__.pop("boxes", None)
        if boxes is not None:
            boxes.close()
        for name in ("store", "artifacts", "node_stats"):
            opened = self.__dict__.pop(name, None)
            if opened is not None:
                opened.close()
