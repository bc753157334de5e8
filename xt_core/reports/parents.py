"""A job's parents: what is told of those whose script runs, or that failed before any run began."""

from collections.abc import Sequence
from typing import Any

from xt_core.model.records import Job, Run
from xt_core.model.states import RunStatus, SearchStyle
from xt_core.query.table import printable
from xt_core.session import Session
from xt_core.stats.store import RunQuery

_TOLD = (RunStatus.RUNNING, RunStatus.ERROR)
_MOST_TOLD = 4


def is_told(parent: Run) -> bool:
    """Whether a parent's script runs, or it failed: then it tells what no run of the job does."""
    return parent.status in _TOLD


def parent_text(parent: Run) -> str:
    """``run8 error on node0: parent script: exit code 1``: a parent that is told of."""
    what = parent.command if parent.status is RunStatus.RUNNING else parent.error
    if parent.status is RunStatus.RUNNING:
        what = f"parent script: {what}"
    return f"{parent.name} {parent.status} on {parent.node}: {printable(what)}"


def parents_of(session: Session, job: Job) -> list[Run]:
    """The parents of a job, one a node; a single run has none."""
    if job.style == SearchStyle.SINGLE:
        return []
    return session.store.find_runs(RunQuery(jobs=[job.name], parents=True))[0]


def parent_lines(session: Session, parents: Sequence[Run]) -> list[str]:
    """What `xt view job` says of the parents that are to be told of, and how to see more."""
    from xt_core.failures import failure_facts

    told = [parent for parent in parents if is_told(parent)]
    lines = list[str]()
    for parent in told[:_MOST_TOLD]:
        facts = {"parent": parent_text(parent), **failure_facts(session, parent)}
        if parent.started is not None:  # its script wrote something, or may do so
            facts["its output"] = f"xt attach {parent.name}"
        lines += [f"  {name:<12} {printable(text)}" for name, text in facts.items()]
    more = len(told) - _MOST_TOLD
    return lines + ([f"  {'':<12} and {more} more parents"] if more > 0 else [])


def parent_documents(session: Session, parents: Sequence[Run]) -> list[dict[str, Any]]:
    """The parents, as `xt view job --json` has them."""
    from xt_core.failures import failure_facts

    return [
        {
            "name": parent.name,
            "node": parent.node,
            "status": parent.status,
            "exit_code": parent.exit_code,
            "error": parent.error,
            "signal": None,
            "first_error": None,
            **failure_facts(session, parent),
        }
        for parent in parents
    ]
