"""What clients say of runs and jobs: tags, notes, and that they are put away.

A run or job is put away by the tag `archived`. A job takes its runs along, so that what is put away
is told by each record alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

from xt_core.errors import RefusedError
from xt_core.model.records import Job, Run, Value
from xt_core.query.fields import FieldSet, Record
from xt_core.query.filters import Check, Filter
from xt_core.query.formats import counted
from xt_core.stats.store import RunChange, RunQuery, StatsStore
from xt_core.tags import ARCHIVED

Tags = dict[str, Value]
Change = Callable[[Tags], dict[str, Any]]
"""The fields to set of a run or job, from the tags it has."""
_MOST_NAMED = 3


def annotate(store: StatsStore, runs: Sequence[Run], jobs: Sequence[Job], change: Change) -> None:
    """Change each of them, all or none where the store can. Raises UnknownNameError."""
    with store.batch():  # what is read is what is changed, whoever writes beside us
        for job in jobs:
            store.update_job(job.name, **change(store.job(job.name).tags))
        for run in runs:
            fields = change(store.run(run.workspace, run.name).tags)
            store.change_run(RunChange(run.workspace, run.name, fields=fields))


def archived(tags: Tags) -> dict[str, Any]:
    """The change that puts a run or job away."""
    return {"tags": tags | {ARCHIVED: True}}


def unarchived(tags: Tags) -> dict[str, Any]:
    """The change that brings one back."""
    return {"tags": {name: value for name, value in tags.items() if name != ARCHIVED}}


def is_archived(record: Run | Job) -> bool:
    """Whether it is put away."""
    return ARCHIVED in record.tags


def not_archived(fields: FieldSet[Record]) -> Filter[Record]:
    """The filter that leaves out what is put away."""
    return Filter("not archived", fields.member("tags", ARCHIVED), Check.EXISTS, negated=True)


def runs_of(store: StatsStore, jobs: Sequence[Job]) -> list[Run]:
    """All runs of jobs, parents among them."""
    if not jobs:
        return []
    return store.find_runs(RunQuery(jobs=[job.name for job in jobs], parents=None))[0]


def check_may_be_archived(runs: Sequence[Run]) -> None:
    """Raises RefusedError for runs that have not ended: nothing that lives may be out of sight."""
    living = [run for run in runs if not run.status.is_final]
    if not living:
        return
    named = ", ".join(f"{run.name} is {run.status}" for run in living[:_MOST_NAMED])
    more = (
        f" and {counted(len(living) - _MOST_NAMED, 'other')}" if len(living) > _MOST_NAMED else ""
    )
    raise RefusedError(
        f"what lives cannot be archived: {named}{more}", "wait for its end, or cancel it first"
    )
