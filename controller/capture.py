"""What is kept of a run: its after-files, console, events and metrics, in the artifact store."""

import contextlib
import fnmatch
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from controller.outbox import NodeArtifacts
from controller.rundir import RunDirectory
from xt_core import clock
from xt_core.artifacts.store import storage_error
from xt_core.errors import UnavailableError, XTError
from xt_core.model.encoding import dumps
from xt_core.model.records import Event, Run
from xt_core.stats.store import StatsStore

_RETRY_SECONDS = 0.5
_METRICS_AT_ONCE = 10_000
_log = logging.getLogger(__name__)


def run_prefix(run: Run) -> str:
    """Where a run's artifacts lie."""
    return f"{run.workspace}/runs/{run.name}"


def console_key(run: Run) -> str:
    """The artifact key of a run's console."""
    return f"{run_prefix(run)}/logs/output.txt"


def capture_after_files(
    artifacts: NodeArtifacts, run: Run, work: Path, patterns: Iterable[str], omit: Iterable[str]
) -> tuple[int, list[str]]:
    """Store the files of the working directory that match; (how many, what could not be stored)."""
    count, failed = 0, list[str]()
    omitted = list(omit)
    for path in sorted(set(_matching_files(work, patterns))):
        relative = path.relative_to(work).as_posix()
        if any(
            fnmatch.fnmatchcase(relative, glob) or fnmatch.fnmatchcase(path.name, glob)
            for glob in omitted
        ):
            continue
        if _store_file(artifacts, f"{run_prefix(run)}/after/{relative}", path):
            count += 1
        else:
            failed.append(relative)
    return count, failed


def _matching_files(work: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        fixed = fixed_folder(pattern)
        whole = pattern if any(mark in pattern for mark in "*?[") else f"{pattern.rstrip('/')}/**"
        single = work / pattern
        if single.is_file():
            yield single
        for folder, _, names in os.walk(work / fixed):
            for name in names:
                path = Path(folder, name)
                if fnmatch.fnmatchcase(path.relative_to(work).as_posix(), whole) and path.is_file():
                    yield path


def fixed_folder(pattern: str) -> str:
    """The leading folders of a pattern that hold no wildcard: ``logs`` of ``logs/**``."""
    parts = pattern.split("/")
    fixed: list[str] = []
    for part in parts[:-1]:
        if any(mark in part for mark in "*?["):
            break
        fixed.append(part)
    return "/".join(fixed) or "."


def store_console(artifacts: NodeArtifacts, run: Run, folder: RunDirectory) -> None:
    """Give the console file to the artifact store (again does no harm)."""
    if folder.console.exists():
        _persist(lambda: artifacts.put_file(console_key(run), folder.console, consume=True))


def open_console(artifacts: NodeArtifacts, run: Run) -> int:
    """A descriptor of the stored console. Raises FileNotFoundError where there is none."""
    path = None
    with contextlib.suppress(XTError):
        path = artifacts.local_path(console_key(run))
    if path is None:
        raise FileNotFoundError(console_key(run))
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def store_records(artifacts: NodeArtifacts, run: Run, events: Iterable[Event]) -> None:
    """Write run.json and events.jsonl, from which the stats can be made again."""
    prefix = f"{run_prefix(run)}/logs"
    lines = [
        dumps({"seq": e.seq, "time": clock.iso(e.time), "event": e.event, "data": e.data})
        for e in events
    ]
    _put(artifacts, f"{prefix}/events.jsonl", "".join(line + "\n" for line in lines).encode())
    _put(artifacts, f"{prefix}/run.json", dumps(asdict(run)).encode() + b"\n")


def store_metrics(artifacts: NodeArtifacts, store: StatsStore, run: Run, draft: Path) -> None:
    """Write metrics.jsonl by way of a local file: it may be large."""
    if not store.metrics(run.workspace, run.name, limit=1):
        return
    _persist(lambda: _draft_metrics(store, run, draft))
    key = f"{run_prefix(run)}/logs/metrics.jsonl"
    _persist(lambda: artifacts.put_file(key, draft, consume=True))


def _draft_metrics(store: StatsStore, run: Run, draft: Path) -> None:
    after = -1
    try:
        with draft.open("w", encoding="ascii") as file:
            while part := store.metrics(run.workspace, run.name, after, _METRICS_AT_ONCE):
                for m in part:
                    file.write(dumps({"time": m.time, "step": m.step, "values": m.values}) + "\n")
                after = part[-1].offset
    except OSError as error:
        raise storage_error(error, f"cannot write {draft}") from error


def system_key(run: Run) -> str:
    """The artifact key of the samples of what a run used."""
    return f"{run_prefix(run)}/logs/system.jsonl"


def store_samples(artifacts: NodeArtifacts, run: Run, folder: RunDirectory) -> None:
    """Give the samples to the artifact store, if the run lived for long enough to have any."""
    if folder.system.exists():
        _persist(lambda: artifacts.put_file(system_key(run), folder.system, consume=True))


def store_job_record(artifacts: NodeArtifacts, workspace: str, job: str, data: object) -> None:
    """Write job.json."""
    _put(artifacts, f"{workspace}/jobs/{job}/job.json", json.dumps(data, indent=1).encode())


def _put(artifacts: NodeArtifacts, key: str, content: bytes) -> None:
    _persist(lambda: artifacts.put_bytes(key, content))


def _store_file(artifacts: NodeArtifacts, key: str, path: Path) -> bool:
    try:
        _persist(lambda: artifacts.put_file(key, path))
    except (XTError, OSError) as error:
        _log.warning("cannot store %s: %s", path, error)
        return False
    return True


def _persist(action: Callable[[], None]) -> None:
    """Try until the store takes it: a full store delays a run's end, and loses nothing."""
    warned = False
    while True:
        try:
            action()
            return
        except UnavailableError as error:
            if not warned:
                _log.warning("%s; trying again until it works", error.message)
                warned = True
            time.sleep(_RETRY_SECONDS)
