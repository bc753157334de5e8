"""Following work from a command: bytes to standard output, a job to its end."""

import contextlib
import sys
from collections.abc import Iterator

from xt_core.errors import UnavailableError, UnknownNameError
from xt_core.model.records import JobCounts
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
        session.controllers.ensure_running(record.nodes)
        with contextlib.suppress(UnavailableError, UnknownNameError):  # such as: its MRC is gone
            session.controllers.take_up(record)
        for _ in session.controllers.changes(record.nodes):
            counts = session.store.job_counts([job])[job]
            yield counts
            if counts.status().is_final:
                return
