"""The states of runs, jobs and work items, and which may follow which."""

from enum import StrEnum


class RunStatus(StrEnum):
    """The life of a run."""

    CREATED = "created"
    QUEUED = "queued"
    SPAWNING = "spawning"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to a run in this state."""
        return self in FINAL_RUN_STATES


FINAL_RUN_STATES = frozenset(
    {RunStatus.COMPLETED, RunStatus.ERROR, RunStatus.CANCELLED, RunStatus.LOST}
)

_S = RunStatus
RUN_TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.CANCELLED, _S.ERROR}),
    _S.QUEUED: frozenset({_S.RUNNING, _S.SPAWNING, _S.CANCELLED, _S.ERROR, _S.LOST}),
    _S.RUNNING: frozenset({_S.QUEUED, _S.SPAWNING, _S.COMPLETED, _S.ERROR, _S.CANCELLED, _S.LOST}),
    _S.SPAWNING: frozenset({_S.COMPLETED, _S.ERROR, _S.CANCELLED, _S.LOST}),
    _S.COMPLETED: frozenset(),
    _S.ERROR: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.LOST: frozenset(),
}


def may_follow(before: RunStatus, after: RunStatus) -> bool:
    """Whether a run may go from the one state to the other; staying is always allowed."""
    return before == after or after in RUN_TRANSITIONS[before]


class JobStatus(StrEnum):
    """Derived from a job's runs and work items, never stored."""

    SUBMITTED = "submitted"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.ERROR, JobStatus.CANCELLED}


class WorkItemStatus(StrEnum):
    """The life of a work item; `WAITING` after a restart or a lost node."""

    UNSTARTED = "unstarted"
    STARTED = "started"
    WAITING = "waiting"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class SearchStyle(StrEnum):
    """How a job's runs come about."""

    SINGLE = "single"
    REPEAT = "repeat"
    MULTI = "multi"
    STATIC = "static"
    DYNAMIC = "dynamic"


class Schedule(StrEnum):
    """Which node does which work item."""

    STATIC = "static"
    """Dealt out in turn at submission."""
    DYNAMIC = "dynamic"
    """Whoever is free takes the next one."""
