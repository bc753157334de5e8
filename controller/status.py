"""What a node tells of itself and of its living runs, with the keys of `xt status --json`."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

import xt_core
from controller.jobtask import JobTask
from controller.node import NodeServices
from controller.runtask import RunTask
from xt_core import clock
from xt_core.bootstrap.place import installation, layers
from xt_core.reports.documents import run_document

_LEAST_FREE_BYTES = 1 << 16
"""With less a disk is full: small files may still fit, or not."""


def controller_document(started: float) -> dict[str, Any]:
    """The controller itself; when it `started`, in seconds since 1970."""
    return {
        "pid": os.getpid(),
        "version": xt_core.__version__,
        "installation": installation(),
        "layers": layers(),
        "started": clock.iso(started),
        "uptime": round(clock.now() - started, 3),
    }


def work_document(
    node: NodeServices, jobs: Mapping[str, JobTask], controller: dict[str, Any]
) -> dict[str, Any]:
    """The node, its controller and the jobs that are served there."""
    tasks = living(jobs)
    running = [task for task in tasks if task.execution.pid is not None]
    limits = [job.places.limit or 0 for job in jobs.values()]
    return {
        "name": node.name,
        "target": "local",
        "state": "running",
        "controller": controller,
        "jobs": sorted(jobs),
        "running": len(running),
        "queued": len(tasks) - len(running),
        "concurrent": node.slots.limit or sum(limits),
        "gpus": len(node.gpus),
        "gpu_split": node.gpu_split,
        "trouble": _trouble(node),
    }


def run_documents(tasks: Iterable[RunTask]) -> list[dict[str, Any]]:
    """Living runs, with what only their controller knows of them."""
    now = clock.now()
    return [
        run_document(task.run, now)
        | {
            "pid": task.execution.pid,
            "gpus": task.execution.gpus,
            "listeners": task.feed.listeners,
            "cancelling": _cancelling_document(task.cancelling),
        }
        for task in tasks
    ]


def living(jobs: Mapping[str, JobTask]) -> list[RunTask]:
    """The runs of these jobs that have not ended."""
    return [task for job in jobs.values() for task in job.live.tasks.values()]


def _trouble(node: NodeServices) -> str:
    """Why the node can keep nothing more, not even that runs have ended; "" while it can.
    Where a run's supervisor meets a full disk, no write of the controller's own need fail."""
    root = node.home.root
    with contextlib.suppress(OSError):
        if shutil.disk_usage(root).free < _LEAST_FREE_BYTES:
            return f"disk full: {root}"
    return node.writer.trouble


def _cancelling_document(times: tuple[float, float] | None) -> dict[str, str] | None:
    if times is None:
        return None
    since, kill_at = times
    return {"since": clock.iso(since), "kill_at": clock.iso(kill_at)}
