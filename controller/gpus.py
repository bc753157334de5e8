"""The node's GPUs, shared among the runs that are live at once."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence

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


class GpuPool:
    """Hands each run its share of the GPUs, the least used first."""

    def __init__(self, gpus: Iterable[str]) -> None:
        self._users = dict.fromkeys(gpus, 0)

    def __len__(self) -> int:
        return len(self._users)

    def take(self, concurrent: int) -> list[str]:
        """GPUs for a run of a job that runs `concurrent` at once.

        With fewer runs than GPUs each gets several of its own; with more, runs share.
        """
        share = max(1, len(self._users) // max(1, concurrent))
        chosen = sorted(self._users, key=lambda gpu: self._users[gpu])[:share]
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
