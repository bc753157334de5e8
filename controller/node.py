"""What the parts of a controller share: the node's stores, watchers, launcher and slots."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from controller.environments import Environments
from controller.gpus import GpuPool
from controller.launcher import Launcher
from controller.outbox import NodeArtifacts
from controller.shares import NodeShares
from controller.slots import Slots
from controller.team import TeamLink
from controller.watch import FileWatcher
from controller.writer import StoreWriter
from xt_core.home import NodeHome
from xt_core.stats.sqlite import SqliteStatsStore
from xt_core.submit.snapshot.cache import SnapshotCache

T = TypeVar("T")


@dataclass
class NodeServices:
    """Passed to every job and run of the node."""

    home: NodeHome
    writer: StoreWriter
    artifacts: NodeArtifacts
    watcher: FileWatcher
    launcher: Launcher
    snapshots: SnapshotCache
    shares: NodeShares
    environments: Environments
    gpus: GpuPool
    gpu_split: int
    """Over how many nodes the machine's GPUs are split; `gpus` are this node's."""
    slots: Slots
    sample_seconds: float = 0.0
    """How often what runs use is looked at; 0 for never."""
    team: TeamLink | None = None
    """The link to the team's stores; None where the node's own are the team's."""
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def name(self) -> str:
        return self.home.name

    async def store(self, operation: Callable[[SqliteStatsStore], T]) -> T:
        """Run an operation on the stats store; durable when it returns."""
        return await self.writer.do(operation)


class Bell:
    """Wakes whoever waits for any change on this node."""

    def __init__(self) -> None:
        self._ringing = asyncio.Event()

    def ring(self) -> None:
        self._ringing.set()
        self._ringing = asyncio.Event()

    async def wait(self) -> None:
        """Return at the next ring."""
        await self._ringing.wait()
