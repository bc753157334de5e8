"""What holds in every stats store: which fields of a run may be set, what a new state sets along,
how runs count for their job, how a child begins.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from xt_core import clock
from xt_core.errors import UnknownNameError
from xt_core.model.records import Job, JobCounts, Run
from xt_core.model.states import FINAL_RUN_STATES, RunStatus, may_follow
from xt_core.stats.store import GivenUpError, RunChange

SETTABLE_RUN_FIELDS = frozenset(
    {
        "exit_code",
        "error",
        "restarts",
        "command",
        "hparams",
        "tags",
        "notes",
        "cancel_requested",
        "ended",
        "retries",
        "stopped_early",
    }
)
CLIENT_RUN_FIELDS = frozenset({"tags", "notes", "cancel_requested"})
"""What clients set of a run that a node delivers; the tags, over the logged ones."""
LOGGED_RUN_FIELDS = ("hparams", "metrics", "aggregates")
"""What a run logs, beside its tags: that is taken also of one that was given up."""
NODE_RUN_FIELDS = tuple(
    each.name
    for each in fields(Run)
    if each.name not in CLIENT_RUN_FIELDS | {"workspace", "name", "revision"}
)
"""What a node says of its runs."""
_TIME_COLUMN = {RunStatus.QUEUED: "queued", RunStatus.RUNNING: "started"}


def lease_of(job: Job, node: str) -> str:
    """The name of the lease on a node's part of a job. The nodes of one machine have one for all
    their jobs; over several machines each part has its own, since another user may call another
    machine the same."""
    return f"{job.name}/{node}" if job.is_shared_by_machines else node


def is_shared_at(job: Job, node: str, place: str) -> bool:
    """Whether several machines share a job, and the node of that name is at that place in it."""
    return job.is_shared_by_machines and job.hosts.get(node) == place


def check_settable(fields: Iterable[str]) -> None:
    """Raises ValueError for a field of a run that nobody may set."""
    if unknown := set(fields) - SETTABLE_RUN_FIELDS:
        raise ValueError(f"a run's {sorted(unknown)} cannot be changed")


def check_transition(run: str, before: RunStatus, after: RunStatus) -> None:
    """Raises GivenUpError for a new state of a lost run, ValueError for another that may not be."""
    if before is RunStatus.LOST is not after:
        raise GivenUpError(f"{run}: lost may not become {after}")
    if not may_follow(before, after):
        raise ValueError(f"{run}: {before} may not become {after}")


def check_given_up(change: RunChange, before: RunStatus) -> None:
    """Raises GivenUpError for news of a lost run, which its node may still have.

    What clients set of it is welcome; a new state is refused by `check_transition`.
    """
    is_news = change.event is not None or not change.fields.keys() <= CLIENT_RUN_FIELDS
    if before is RunStatus.LOST and change.status is None and is_news:
        raise GivenUpError(f"{change.run} is lost")


def unknown_run(workspace: str, name: str) -> UnknownNameError:
    """What to raise for a run that there is not."""
    return UnknownNameError(
        f"no run named {name} in workspace {workspace}", "xt list runs --all shows those there are"
    )


def count_run(counts: JobCounts, is_parent: bool, status: RunStatus, number: int) -> None:
    """Add so many runs of a state to a job's counts."""
    if is_parent:
        counts.open_parents += 0 if status in FINAL_RUN_STATES else number
        counts.running_parents += number if status is RunStatus.RUNNING else 0
        counts.failed_parents += number if status is RunStatus.ERROR else 0
        counts.cancelled_parents += number if status is RunStatus.CANCELLED else 0
    elif status in (RunStatus.CREATED, RunStatus.QUEUED):
        counts.queued += number
    elif status is RunStatus.ERROR:
        counts.error += number
    elif status is RunStatus.COMPLETED:
        counts.completed += number
    elif status is RunStatus.CANCELLED:
        counts.cancelled += number
    elif status is not RunStatus.LOST:  # what was lost is counted where it was put back
        counts.running += number


def rerun_names(origins: Iterable[str]) -> list[str]:
    """How jobs may call what they were made from, given as the team calls it. It has children too,
    whose names begin as its own and go on with a dot."""
    return list(dict.fromkeys(n for each in origins for n in (each, each.rpartition("/")[2])))


def is_rerun_of(job: Job, origins: Iterable[str]) -> bool:
    """Whether a job was made from one of these, or a child of one, as the team calls them."""
    return not {job.origin, job.origin.rpartition(".")[0]}.isdisjoint(origins)


def child_of(parent: Run, name: str, run_index: int, node: str) -> Run:
    """A new child of a parent, queued now."""
    moment = clock.now()
    return Run(
        workspace=parent.workspace,
        name=name,
        job=parent.job,
        experiment=parent.experiment,
        node=node,
        status=RunStatus.QUEUED,
        created=moment,
        queued=moment,
        parent=parent.name,
        run_index=run_index,
        target=parent.target,
        username=parent.username,
        description=parent.description,
        command=parent.command,
        goals=parent.goals,
        rerun_of=parent.rerun_of,
    )


def status_fields(
    status: RunStatus,
    before: str,
    moment: float,
    started: float | None,
    ended: float | None,
) -> dict[str, Any]:
    """The fields that a change of state sets: the state, and the time of it."""
    fields: dict[str, Any] = {"status": status}
    if status != before and status in _TIME_COLUMN:
        fields[_TIME_COLUMN[status]] = moment
    if status in _TIME_COLUMN and started is not None:
        fields.pop(_TIME_COLUMN[status], None)  # a restarted run keeps its first times
    if status in FINAL_RUN_STATES and ended is None:
        fields["ended"] = moment
    return fields
