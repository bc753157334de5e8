"""The node's GPUs, shared among the runs that are live at once."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from controller.processes import is_alive
from controller.rundir import RunDirectory
from xt_core.home import NodeHome

_QUERY = ["--query-gpu=index", "--format=csv,noheader"]


def detect_gpus(configured: str | None, environ: dict[str, str]) -> list[str]:
    """Ids of the GPUs to share: as configured, else the node's CUDA_VISIBLE_DEVICES, else all
    that nvidia-smi names; none on a machine without."""
    chosen = configured if configured is not None else environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [gpu.strip() for gpu in chosen.split(",") if gpu.strip() not in ("", "-1")]
    program = shutil.which("nvidia-smi", path=environ.get("PATH", os.defpath))
    if program is None:
        return []
    try:
        answer = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def share_of_node(gpus: Sequence[str], index: int, nodes: int) -> list[str]:
    """The GPUs that are a node's own where `nodes` nodes live on one machine: every n-th.

    No two of the nodes get the same one, so a node beyond the number of GPUs gets none.
    """
    return list(gpus[index::nodes])


def used_by_other_teams(home: NodeHome) -> Counter[str]:
    """How many living runs of other teams' nodes on this machine have each GPU, as their folders
    tell. Those of this team's other nodes have GPUs of their own."""
    used: Counter[str] = Counter()
    own = home.team_root
    for team in (home.root, *(home.root / "teams").glob("*")):
        folders = (
            [] if team == own else [*team.glob("node/runs/*/*"), *team.glob("nodes/*/runs/*/*")]
        )
        for folder in map(RunDirectory, folders):
            spec, started = folder.read("launch.json"), folder.read("started.json")
            if spec is None or started is None or started.get("nonce") != spec.get("nonce"):
                continue
            if is_alive(started["pid"], started["start_time"], started["boot_id"]):
                used.update(spec.get("gpus", []))
    return used


class GpuPool:
    """Hands each run its share of the GPUs, the least used first."""

    def __init__(self, gpus: Iterable[str]) -> None:
        self._users = dict.fromkeys(gpus, 0)

    def __len__(self) -> int:
        return len(self._users)

    def users(self) -> dict[str, int]:
        """How many of the node's living runs have each GPU."""
        return dict(self._users)

    def take(self, concurrent: int, elsewhere: Mapping[str, int] | None = None) -> list[str]:
        """GPUs for a run of a job that runs `concurrent` at once, the least used first; others'
        uses, by GPU, are in `elsewhere`.

        With fewer runs than GPUs each gets several of its own; with more, runs share.
        """
        others = elsewhere or {}
        share = max(1, len(self._users) // max(1, concurrent))
        chosen = sorted(self._users, key=lambda gpu: self._users[gpu] + others.get(gpu, 0))[:share]
        return self.hold(chosen)

    def hold(self, gpus: Iterable[str]) -> list[str]:
        """Count GPUs as used by a run that has them already (one found alive)."""
        held = [gpu for gpu in gpus if gpu in self._users]
        for gpu in held:
            self._users[gpu] += 1
        return held

    def give_back(self, gpus: Iterable[str]) -> None:
        for gpu in gpus:
            self._users[gpu] -= 1
