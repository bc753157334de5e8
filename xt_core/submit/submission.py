"""Submission: from a request to a job that a controller serves.

Nothing is visible in the stats store before all that the job needs is stored; a submission that
dies half-way leaves no job behind.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xt_core import clock
from xt_core.bootstrap.needs import SEARCH
from xt_core.errors import RefusedError, UnavailableError, UsageError, XTError
from xt_core.model.records import Job, Run, WorkItem
from xt_core.model.states import RunStatus, SearchStyle
from xt_core.reports.search import declared_space
from xt_core.session import Session
from xt_core.shares.upload import Sent, nobody
from xt_core.stats.store import RunQuery, new_items
from xt_core.submit.arguments import script_arguments
from xt_core.submit.mrc import MultiRunConfig, mrc_key, shown_command
from xt_core.submit.options import RUN_OPTIONS, RunRequest
from xt_core.submit.preparation import Preparation
from xt_core.submit.searching import repeat_doubts
from xt_core.submit.sharing import upload_shares
from xt_core.submit.snapshot.taking import take_snapshot

_HAND_OVER_ATTEMPTS = 3
Note = Callable[[str], None]
"""Called with what happens, for the user to see."""


@dataclass(frozen=True)
class Submission:
    """A submitted job, with the keys of `xt run --json`."""

    workspace: str
    job: str
    runs: list[str]
    style: str
    work_items: int
    nodes: list[str]


def submit(
    session: Session, preparation: Preparation, note: Note, sent: Sent = nobody
) -> Submission:
    """Store the job and hand it to the controllers of its nodes; `sent` is told how far its data
    are uploaded."""
    store, workspace = session.store, session.workspace
    preparation.context.shares = upload_shares(session, preparation.shares, note, sent)
    is_search = preparation.plan.style is SearchStyle.DYNAMIC
    session.controllers.ensure_running(preparation.nodes, needs=[SEARCH] if is_search else [])
    job_name = store.next_job_name()
    run_names = [store.next_run_name(workspace) for _ in preparation.nodes]
    if preparation.code is not None or preparation.snapshot is not None:
        context = preparation.context
        context.code = f"{workspace}/jobs/{job_name}/before/code.zip"
        context.code_digest = _store_code(session, preparation, context.code, note)
    mrc = preparation.mrc(job_name, run_names, session)
    session.artifacts.put_bytes(mrc_key(workspace, job_name), mrc.to_json().encode())
    hosts = {node: session.place_of(node) for node in preparation.nodes}
    job = _job(preparation, mrc, hosts)
    store.add_job(job, _first_runs(job, mrc, run_names), _work_items(job))
    _hand_over(session, job, sent)
    return Submission(workspace, job_name, run_names, job.style, job.work_items, job.nodes)


def extend(session: Session, request: RunRequest, note: Note) -> Submission:
    """Add `runs` work items to the job that `extend` names; one that had ended goes on.

    Raises UsageError for a job or options that cannot be, UnknownNameError.
    """
    _check_extends_only(request)
    if request.runs is None or request.runs < 1:
        raise UsageError("--extend without a number of runs", "say how many more: --runs 50")
    job = session.store.job(request.extend or "")
    session.check_is_reached([job.name])
    if job.style == SearchStyle.SINGLE:
        raise UsageError(f"{job.name} is a single run", "extend a search, or submit it again")
    runs = job.work_items + request.runs
    for doubt in repeat_doubts(declared_space(job), job.search_type, runs):
        note(f"warning: {doubt}")
    session.controllers.ensure_running(job.nodes)
    job = session.store.extend_job(job.name, request.runs)
    _hand_over(session, job)
    query = RunQuery(workspace=job.workspace, jobs=[job.name], parents=True)
    parents = [run.name for run in session.store.find_runs(query)[0]]
    return Submission(job.workspace, job.name, parents, job.style, job.work_items, job.nodes)


def _check_extends_only(request: RunRequest) -> None:
    others = [
        f"--{option.name}"
        for option in RUN_OPTIONS
        if option.name not in ("extend", "runs", "workspace")
        and getattr(request, option.field) not in (None, {})
    ]
    others += request.command[:1]
    if others:
        raise UsageError(
            f"--extend and {others[0]} together: a job goes on as it was submitted",
            "give only --runs, as in xt run --extend job12 --runs 50",
        )


def _hand_over(session: Session, job: Job, sent: Sent = nobody) -> None:
    """Tell its nodes' controllers of a stored job, also when one is replaced just now. One that
    cannot be told finds the job when it starts, one on a box when that is asked next."""
    for _ in range(_HAND_OVER_ATTEMPTS):
        try:
            session.controllers.take_up(job, sent=sent)
            return
        except UnavailableError as error:
            failure: XTError = error
        except RefusedError as error:
            failure = error
            break
    raise type(failure)(
        f"{job.name} is stored, but not all of its nodes know of it yet: {failure.message}",
        f"{failure.hint}; xt status tries again, xt cancel job {job.name} gives it up".lstrip("; "),
    ) from failure


def _store_code(session: Session, preparation: Preparation, key: str, note: Note) -> str:
    """Store a snapshot of the user's code, or that of an earlier job once more, which may be
    deleted; returns its digest."""
    with tempfile.TemporaryDirectory(prefix="xt-") as folder:
        archive = Path(folder) / "code.zip"
        if (code := preparation.code) is not None:
            session.artifacts.get_file(code.key, archive)
            session.artifacts.put_shared(key, archive, code.digest)
            return code.digest
        assert preparation.snapshot is not None
        snapshot = take_snapshot(preparation.snapshot, archive)
        for warning in snapshot.warnings:
            note(f"warning: {warning}")
        session.artifacts.put_shared(key, snapshot.path, snapshot.digest)
    return snapshot.digest


def _job(preparation: Preparation, mrc: MultiRunConfig, hosts: dict[str, str]) -> Job:
    plan, request = preparation.plan, preparation.request
    return Job(
        name=mrc.job,
        workspace=mrc.workspace,
        experiment=mrc.experiment,
        style=plan.style,
        target=mrc.target,
        username=mrc.username,
        created=clock.now(),
        work_items=plan.work_items,
        concurrent=mrc.concurrent,
        search_type=plan.search_type,
        schedule=mrc.schedule,
        nodes=list(mrc.nodes),
        primary_metric=preparation.objectives[0].metric,
        maximize=preparation.objectives[0].maximize,
        objectives=preparation.objectives,
        is_metric_default=preparation.is_metric_default,
        space={} if plan.template is None else plan.template.space.describe(),
        warm_start=preparation.warm_start,
        priority=request.priority or 0,
        hosts=hosts,
        rerun_of=preparation.rerun_of,
        description=request.description or "",
        command=shown_command(request.command or plan.commands[0]),
        seed=plan.seed,
        tags=preparation.tags,
    )


def _first_runs(job: Job, mrc: MultiRunConfig, names: Sequence[str]) -> list[Run]:
    """The single run, or a parent on each node."""
    return [_first_run(job, mrc, name, node) for name, node in zip(names, job.nodes, strict=True)]


def _first_run(job: Job, mrc: MultiRunConfig, name: str, node: str) -> Run:
    single = job.style == SearchStyle.SINGLE
    return Run(
        workspace=job.workspace,
        name=name,
        job=job.name,
        experiment=job.experiment,
        node=node,
        status=RunStatus.QUEUED,
        created=job.created,
        queued=job.created,
        is_parent=not single,
        run_index=0 if single else None,
        target=job.target,
        username=job.username,
        description=job.description,
        command=job.command,
        hparams=script_arguments(mrc.commands[0], mrc.option_prefix) if single else {},
    )


def _work_items(job: Job) -> Iterator[WorkItem]:
    return iter(()) if job.style == SearchStyle.SINGLE else new_items(job, 0, job.work_items)
