"""Following work from a command: bytes to standard output, a job to its end."""

import contextlib
import sys
from collections.abc import Iterator, Sequence

from xt_core.cli.talk import note
from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.home import is_own_node
from xt_core.model.records import Event, JobCounts
from xt_core.session import Session


def write_to_stdout(data: bytes) -> None:
    """All bytes, at once."""
    if data:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def job_progress(session: Session, job: str) -> Iterator[JobCounts]:
    """The job's counts, now and at each change, the last ones final."""
    record = session.store.job(job)
    while True:
        counts = session.store.job_counts([job])[job]
        yield counts
        if counts.status().is_final:
            return
        session.controllers.ensure_running(filter(is_own_node, record.nodes))
        with contextlib.suppress(UnavailableError, UnknownNameError):  # such as: its MRC is gone
            session.controllers.take_up(record, only_own=True)
        for _ in session.controllers.changes(record.nodes, told=note):
            counts = session.store.job_counts([job])[job]
            yield counts
            if counts.status().is_final:
                return


def tell_setup(session: Session, job: str, workspace: str, runs: Sequence[str]) -> None:
    """Note what becomes of a job's setup on each of its nodes (which its first runs tell), until
    it is there, or has failed."""
    told = dict.fromkeys(runs, 0)
    for counts in job_progress(session, job):
        for run in list(told):
            events = session.store.events(workspace, run)
            for line in filter(None, map(_setup_line, events[told[run] :])):
                note(f"{run}: {line}")
            told[run] = len(events)
            if events and not _is_before_runs(events[-1]):
                del told[run]
        if not told or counts.status().is_final:
            return


def _is_before_runs(last: Event) -> bool:
    if last.event == "setup":
        return bool(last.data["status"] == "building")
    return last.event in ("created", "queued")


def _setup_line(event: Event) -> str:
    if event.event != "setup":
        return ""
    what = f"the environment of setup {event.data['setup']}"
    match event.data["status"]:
        case "building":
            return f"building {what}"
        case "ready":
            return f"built {what} in {event.data['elapsed']:.1f} s"
        case "failed":
            return str(event.data["error"])
    return ""
